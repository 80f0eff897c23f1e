"""Dev curves against time: our training, the same with 100 updates an epoch, and the broadcasting loop, in turn, for as
long as each other.
"""

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from steps.generators.mdn.task import MdnBatch
from steps.training.loop import Loop
from tests.bench.reference import Reference
from tests.bench.results import table, target
from tests.bench.setting import MANY, Setting

SHOWN = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)  # epochs in the table


class Point(NamedTuple):
    """What has been reached after some time.

    Attributes:
        seconds, loop_seconds, many_seconds: of training. updates, loop_updates, many_updates: in these.
        dev, loop_dev, many_dev: NLL of the dev set in nats.
    """

    seconds: float
    updates: int
    dev: float
    loop_seconds: float
    loop_updates: int
    loop_dev: float
    many_seconds: float
    many_updates: int
    many_dev: float


class ManyUpdates:
    """Our training with `MANY` updates an epoch, for some seconds at a time; its learning rate stays.

    Attributes:
        ends: seconds of training and NLL of the dev set at the end of each epoch.
    """

    def __init__(self, loop: Loop):
        self.loop, self.steps, self.seconds = loop, 0, 0.0
        self.updates, self.ends = self._updates(), [(0.0, self.dev)]

    def run_until(self, seconds: float) -> None:
        """Train until this much time has gone into training."""
        while self.seconds < seconds:
            begin = time.perf_counter()
            next(self.updates)
            self.steps += 1
            self.seconds += time.perf_counter() - begin
            if self.steps % self.loop.task.n_updates == 0:
                self.ends.append((self.seconds, self.dev))

    def _updates(self) -> Iterator[Tensor]:
        for epoch in itertools.count(1):
            for batch in self.loop.task.batches(epoch, 0, np.random.default_rng([self.loop.options.seed, epoch])):
                yield self.loop.update(batch)

    @property
    def dev(self) -> float:
        """NLL of the dev set."""
        return float(self.loop.task.dev_figures()["dev_nll"])


class RacingLoop(Loop):
    """After each epoch the others may train for as long as that epoch has taken; then all are measured."""

    def race(self, reference: Reference, many: ManyUpdates) -> list[Point]:
        """Train to the end. Returns a point for the start and for each epoch."""
        self.reference, self.many, self.points = reference, many, []
        self.seconds = self.loop_seconds = 0.0
        self.updates = 0
        self.run()
        return self.points

    def update(self, batch: MdnBatch) -> Tensor:
        """As its parent, and counted."""
        self.updates += 1
        return super().update(batch)

    def _end_epoch(self, train_figures: list[float] | None) -> None:
        super()._end_epoch(train_figures)
        if self.state.epoch:
            self.seconds += time.perf_counter() - self.begin
            self.loop_seconds += self.reference.run_for(self.seconds - self.loop_seconds)
            self.many.run_until(self.seconds)
        task = self.task
        density = task.dev.balanced_log_density(self.reference.network, task.options.batch_size)
        dev, loop_dev = self.state.history[-1]["dev_nll"], task.frame.log_volume - density
        loop = self.loop_seconds, self.reference.steps, loop_dev
        many = self.many.seconds, self.many.steps, self.many.dev
        self.points.append(Point(self.seconds, self.updates, dev, *loop, *many))
        self.begin = time.perf_counter()


def run_race(setting: Setting) -> tuple[list[Point], str]:
    """Train all from the same weights. Returns the points, and how ours compares with many updates an epoch."""
    loop = setting.loop("race", RacingLoop)
    reference = Reference(loop.network, loop.task.train.latent, setting.train, setting.options.lr)
    often = replace(setting, options=replace(setting.options, updates_per_epoch=MANY))
    many = ManyUpdates(often.loop("many"))
    points = loop.race(reference, many)
    return points, _compare(points, many.ends)


def tabulate(points: list[Point]) -> str:
    """Some of the points, and the best."""
    epochs = sorted({epoch for epoch in SHOWN if epoch < len(points)} | {len(points) - 1})
    rows = [
        (
            epoch,
            f"{p.seconds:.0f}",
            p.updates,
            f"{p.dev:.2f}",
            p.many_updates,
            f"{p.many_dev:.2f}",
            p.loop_updates,
            f"{p.loop_dev:.2f}",
        )
        for epoch, p in ((epoch, points[epoch]) for epoch in epochs)
    ]
    best, many, loop = (min(getattr(p, name) for p in points) for name in ("dev", "many_dev", "loop_dev"))
    rows.append(("best", "", "", f"{best:.2f}", "", f"{many:.2f}", "", f"{loop:.2f}"))
    often, names = f"updates, {MANY} an epoch", ("epoch", "seconds", "updates", "dev NLL")
    return table((*names, often, "their dev NLL", "the loop's updates", "its dev NLL"), rows)


def _compare(points: list[Point], ends: list[tuple[float, float]]) -> str:
    """When an epoch of ours ends with the best dev NLL that `MANY` updates an epoch reach, and when one of theirs."""
    level, theirs = min((dev, seconds) for seconds, dev in ends)
    ours = next((p.seconds for p in points if p.dev <= level), math.inf)
    ratio = ours / theirs if theirs else math.inf
    return (
        f"With {MANY} updates an epoch the best epoch has {level:.2f} and ends after {theirs:.0f} s; ours are there"
        f" after {ours:.0f} s, {ratio:.2f} of the time ({target(ratio, '<= 1')})."
    )


def draw(points: list[Point], picture: Path) -> None:
    """Draw the dev curves against time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([p.seconds for p in points], [p.dev for p in points], label="ours")
    axes.plot([p.many_seconds for p in points], [p.many_dev for p in points], label=f"{MANY} updates an epoch")
    axes.plot([p.loop_seconds for p in points], [p.loop_dev for p in points], label="broadcasting loop")
    axes.set_xlabel("seconds of training, one thread")
    axes.set_ylabel("dev NLL, nats per embedding")
    axes.legend()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110, metadata={"Software": None})
