"""Updates of the plain network on a device: time, pairs/s, the share of time that it is busy, whole trainings."""

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
    """Knows when its epochs ended.

    Attributes:
        ends: seconds at the end of each epoch, the start's first.
    """

    def run(self):
        """As its parent, with times."""
        self.ends: list[float] = []
        return super().run()

    def _end_epoch(self, train_figures: list[float] | None) -> None:
        super()._end_epoch(train_figures)
        self.ends.append(time.perf_counter())

    def seconds(self, first: int = 0) -> float:
        """Of the epochs after number `first`."""
        return self.ends[-1] - self.ends[first]


class WatchedLoop(TimedLoop):
    """Counts how long the GPU is busy in the epochs after number `BEFORE`.

    Attributes:
        busy: seconds of an epoch. table: the kernels that took most of them.
    """

    BEFORE = 3

    def run(self):
        """As its parent, under a profiler in the end."""
        kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
        self.profiler = torch.profiler.profile(activities=kinds)
        result = super().run()
        torch.cuda.synchronize()
        self.profiler.stop()
        self.busy = busy_seconds(self.profiler) / (self.state.epoch - self.BEFORE)
        self.table = self.profiler.key_averages().table(sort_by="self_device_time_total", row_limit=40)
        return result

    def _end_epoch(self, train_figures: list[float] | None) -> None:
        super()._end_epoch(train_figures)
        if self.state.epoch == self.BEFORE:
            torch.cuda.synchronize()
            self.profiler.start()


def busy_seconds(profiler: torch.profiler.profile) -> float:
    """Seconds in which at least one kernel ran; copies are none."""
    events = [event for event in profiler.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    kernels = [event.time_range for event in events if not event.name.startswith("Mem")]
    spans = sorted((span.start, span.end) for span in kernels)
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


def trained(setting: Setting, name: str, kind: type[TimedLoop] = TimedLoop, **options) -> TimedLoop:
    """A loop that has trained to its end."""
    changed = dataclasses.replace(setting, options=dataclasses.replace(setting.options, **options))
    loop = changed.loop(name, kind)
    loop.run()
    return loop


def curve(loop: Loop) -> list[float]:
    """The dev NLL of each epoch, the start's first."""
    lines = (loop.workplace.directory / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["dev_nll"] for line in lines]
