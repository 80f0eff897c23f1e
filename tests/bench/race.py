"""Dev curves against time: our training and the broadcasting loop's, in turn, for as long as each other."""

import time
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from steps.generators.mdn.task import MdnBatch
from steps.training.loop import Loop
from tests.bench.reference import Reference
from tests.bench.results import table
from tests.bench.setting import Setting

SHOWN = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)  # epochs in the table


class Point(NamedTuple):
    """What has been reached after some time.

    Attributes:
        seconds, loop_seconds: of training. updates, loop_updates: in these.
        dev, loop_dev: NLL of the dev set in nats.
    """

    seconds: float
    updates: int
    dev: float
    loop_seconds: float
    loop_updates: int
    loop_dev: float


class RacingLoop(Loop):
    """After each epoch the loop may train for as long as that epoch has taken; then both are measured."""

    def race(self, reference: Reference) -> list[Point]:
        """Train to the end. Returns a point for the start and for each epoch."""
        self.reference, self.points = reference, []
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
        task = self.task
        density = task.dev.balanced_log_density(self.reference.network, task.options.batch_size)
        dev, loop_dev = self.state.history[-1]["dev_nll"], task.frame.log_volume - density
        self.points.append(Point(self.seconds, self.updates, dev, self.loop_seconds, self.reference.steps, loop_dev))
        self.begin = time.perf_counter()


def run_race(setting: Setting) -> list[Point]:
    """Train ours and the loop's from the same weights."""
    loop = setting.loop("race", RacingLoop)
    reference = Reference(loop.network, loop.task.train.latent, setting.train, setting.options.lr)
    return loop.race(reference)


def tabulate(points: list[Point]) -> str:
    """Some of the points, and the best."""
    epochs = sorted({epoch for epoch in SHOWN if epoch < len(points)} | {len(points) - 1})
    rows = [
        (epoch, f"{p.seconds:.0f}", p.updates, f"{p.dev:.2f}", p.loop_updates, f"{p.loop_dev:.2f}")
        for epoch, p in ((epoch, points[epoch]) for epoch in epochs)
    ]
    best, loop_best = min(p.dev for p in points), min(p.loop_dev for p in points)
    rows.append(("best", "", "", f"{best:.2f}", "", f"{loop_best:.2f}"))
    return table(("epoch", "seconds", "updates", "dev NLL", "the loop's updates", "its dev NLL"), rows)


def draw(points: list[Point], picture: Path) -> None:
    """Draw both dev curves against time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([p.seconds for p in points], [p.dev for p in points], label="ours")
    axes.plot([p.loop_seconds for p in points], [p.loop_dev for p in points], label="broadcasting loop")
    axes.set_xlabel("seconds of training, one thread")
    axes.set_ylabel("dev NLL, nats per embedding")
    axes.legend()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110, metadata={"Software": None})
