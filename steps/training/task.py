"""What the training loop must be told of a task: its network, batches, loss, dev figures, and what comes of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from torch import Tensor, nn

Batch = TypeVar("Batch")
Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True)
class Panel:
    """One chart of the curve.

    Attributes:
        label: of its vertical axis. lines: figure -> what the legend calls it.
    """

    label: str
    lines: dict[str, str]


@dataclass(frozen=True)
class Report:
    """What is measured, and what decides.

    Attributes:
        loss: name of the mean training loss in `metrics.jsonl`.
        decides: the dev figure that the best epoch, the plateau and early stopping are judged by.
        panels: charts of the curve. epochs: label of their horizontal axis.
        higher_is_better: of `decides`.
        loss_offset: added to the training loss where it is reported, such as the logarithm of a volume.
    """

    loss: str
    decides: str
    panels: tuple[Panel, ...]
    epochs: str = "epoch"
    higher_is_better: bool = False
    loss_offset: float = 0.0

    def is_better(self, figure: float, other: float) -> bool:
        """Is this value of the deciding figure better than another?"""
        return figure > other if self.higher_is_better else figure < other


class Task(Protocol[Batch, Result]):
    """A task. Of several processes that train together, each has one, and all are the same.

    Attributes:
        network: all that is learned, on its device; its parameters and buffers are what checkpoints hold.
        n_updates: batches in an epoch.
        report: what is measured, and what decides.
    """

    network: nn.Module
    n_updates: int
    report: Report

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The parameters, as an optimizer takes them; a group may have an `lr` and a `weight_decay` of its own."""

    def batches(self, epoch: int, first: int, rng: np.random.Generator) -> Iterable[Batch]:
        """The batches of an epoch (counted from 1), from number `first` on: those before were done already.

        They depend on `epoch` and on what is drawn from `rng` alone, so that an interrupted epoch goes on as it was;
        draws for the batches before `first` are made too. Data that are prepared ahead, or by other processes, get
        the seeds of their augmentation with the batch.
        """

    def part(self, batch: Batch, number: int, of: int) -> tuple[Batch, float]:
        """Part `number`, from 0, of the `of` parts of a batch, and the weight of its loss (see `part_of_rows`).

        The mean over all parts of their weighted losses is the loss of the batch.
        """

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss () of a batch. Dropout and augmentation may use the random streams of Python, numpy, torch."""

    def dev_figures(self) -> dict[str, float]:
        """The figures of the dev set, `report.decides` among them; the network is in evaluation mode."""

    def export(self) -> Result:
        """What has been learned; the network has the weights that were kept."""


def part_of_rows(rows: np.ndarray, number: int, of: int) -> tuple[np.ndarray, float]:
    """Every `of`-th of the rows (n,) of a batch, from `number` on: (m,), and the weight of their mean.

    The mean of these weighted means is the mean of all rows. Where there are fewer rows than parts, some look at one
    row that does not count, so that all processes take part in the sum of the gradients.
    """
    own = rows[number::of]
    return (own, of * len(own) / len(rows)) if len(own) else (rows[:1], 0.0)
