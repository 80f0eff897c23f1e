"""Updates of the plain network on a device: time, pairs/s, the share of time that it is busy, whole trainings."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterable, Iterator

import numpy as np
import torch

from steps.training.loop import Loop
from steps.training.precision import products_in
from tests.bench.setting import Setting

KINDS = ("fp32", "tf32", "bf16")


class Speed:
    """The speed of updates, nothing between them.

    Attributes:
        milliseconds: of an update. pairs: of an embedding and a text, in a second.
    """

    def __init__(self, setting: Setting, precision: str, seconds: float):
        options = dataclasses.replace(setting.options, precision=precision)
        loop = dataclasses.replace(setting, options=options).loop(f"speed of {precision}")
        batches = list(loop.task.batches(1, 0, np.random.default_rng(0)))
        with products_in(precision, loop.device):
            for batch in batches[:2]:
                loop.update(batch)
            n, spent = 0, 0.0
            finish(setting.device)
            begin = time.perf_counter()
            while spent < seconds:
                for batch in batches:
                    loop.update(batch)
                finish(setting.device)
                n, spent = n + len(batches), time.perf_counter() - begin
        self.milliseconds = spent / n * 1e3
        self.pairs = n / len(batches) * len(setting.train.x) * setting.texts_of_row / spent


class TimedLoop(Loop):
    """Knows how long its epochs took, and how much of the time of some of them the GPU was busy.

    Attributes:
        ends: seconds at the end of each epoch, the start's first. busy: share, or None.
    """

    watched: tuple[int, int] | None = None  # epochs, the first and the last
    busy: float | None = None
    table: str = ""

    def run(self):
        """As its parent, with times."""
        self.ends: list[float] = []
        with contextlib.ExitStack() as self.stack:
            return super().run()

    def _end_epoch(self, train_figures: list[float] | None) -> None:
        super()._end_epoch(train_figures)
        self.ends.append(time.perf_counter())
        if self.watched is None or self.device.type != "cuda":
            return
        if self.state.epoch == self.watched[0]:
            kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
            self.profiler = self.stack.enter_context(torch.profiler.profile(activities=kinds))
            torch.cuda.synchronize()
            self.begin = time.perf_counter()
        elif self.state.epoch == self.watched[1]:
            torch.cuda.synchronize()
            wall = time.perf_counter() - self.begin
            self.stack.close()
            self.busy = busy_seconds(self.profiler) / wall
            self.table = self.profiler.key_averages().table(sort_by="self_device_time_total", row_limit=30)

    @property
    def seconds(self) -> float:
        """Of all epochs, without the start."""
        return self.ends[-1] - self.ends[0]


def busy_seconds(profiler: torch.profiler.profile) -> float:
    """Seconds in which at least one kernel ran."""
    events = [event for event in profiler.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    spans = sorted((event.time_range.start, event.time_range.end) for event in events)
    return sum(end - begin for begin, end in _union(spans)) / 1e6


def _union(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The stretches that sorted spans cover."""
    begin, end = 0.0, 0.0
    for first, last in spans:
        if first > end:
            yield begin, end
            begin = first
        end = max(end, last)
    yield begin, end


def finish(device: str) -> None:
    """Wait until the device has done all of its work."""
    if device == "cuda":
        torch.cuda.synchronize()


def trained(setting: Setting, name: str, **options) -> TimedLoop:
    """A loop that has trained to its end."""
    changed = dataclasses.replace(setting, options=dataclasses.replace(setting.options, **options))
    loop = changed.loop(name, TimedLoop)
    loop.run()
    return loop


def watched(setting: Setting) -> TimedLoop:
    """A training of a few epochs, the last ones under the profiler."""
    options = dataclasses.replace(setting.options, epochs=8)
    loop = dataclasses.replace(setting, options=options).loop("watched", TimedLoop)
    loop.watched = (3, 8)
    loop.run()
    return loop


def curve(loop: Loop) -> list[float]:
    """The dev NLL of each epoch, the start's first."""
    lines = (loop.workplace.directory / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["dev_nll"] for line in lines]
