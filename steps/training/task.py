"""The protocol between the training loop and a task: network, batches, loss, dev figures, and the result."""

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
        label: of the vertical axis. lines: key of `metrics.jsonl` -> its name in the legend.
    """

    label: str
    lines: dict[str, str]


@dataclass(frozen=True)
class Report:
    """The metrics of a training, and the one that decides which epoch is best.

    Attributes:
        loss: name of the mean training loss in `metrics.jsonl`.
        decides: the dev figure that the best epoch, the plateau and early stopping are judged by.
        panels: charts of the curve. epochs: label of their horizontal axis.
        higher_is_better: of `decides`.
        also: names of further figures of training, which `Task.loss` returns after the loss.
        loss_offset: constant that is added to the training loss in reports, such as the logarithm of a volume.
        memory: the options to lower where a GPU has too little memory, in words.
    """

    loss: str
    decides: str
    panels: tuple[Panel, ...]
    epochs: str = "epoch"
    higher_is_better: bool = False
    also: tuple[str, ...] = ()
    loss_offset: float = 0.0
    memory: str = "batch_size"

    def is_better(self, figure: float, other: float) -> bool:
        """Is this value of the deciding figure better than another?"""
        return figure > other if self.higher_is_better else figure < other


class Task(Protocol[Batch, Result]):
    """A training task. Processes that train together each hold an equal copy of it.

    Attributes:
        network: the module that is trained, on its device; checkpoints hold its parameters and buffers.
        n_updates: batches in an epoch.
        repeats: on a GPU, batches are named tuples of tensors there, in few shapes, and `loss` neither draws from
            random streams nor looks at values on the host: an update is recorded once, and replayed. `batches` draws
            from its `rng` alone, and is called for the next epoch while the GPU works on this one.
        report: the metrics, and the one that decides.
    """

    network: nn.Module
    n_updates: int
    repeats: bool
    report: Report

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The parameters, as an optimizer takes them; a group may have an `lr` and a `weight_decay` of its own."""

    def batches(self, epoch: int, first: int, rng: np.random.Generator) -> Iterable[Batch]:
        """The batches of an epoch (counted from 1), from number `first` (counted from 0) on.

        The batches depend on `epoch` and `rng` alone, so that an interrupted epoch can be continued. `rng` must
        therefore be drawn from for the batches before `first` too. A batch that is prepared ahead, or by another
        process, carries the seeds of its augmentation.
        """

    def part(self, batch: Batch, number: int, of: int) -> tuple[Batch, float]:
        """Part `number`, counted from 0, of a batch in `of` parts, and the weight of the part's loss.

        The mean of the weighted losses of all parts is the loss of the batch (see `part_of_rows`).
        """

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss () of a batch, or (1 + F,) with the means of the F figures of `report.also` after it.

        It may draw from the random streams of Python, numpy and torch.
        """

    def dev_figures(self) -> dict[str, float | Tensor]:
        """Metrics of the dev set by name, `report.decides` among them. The network is in evaluation mode.

        Tensors () on a GPU are read after the next epoch has been planned.
        """

    def export(self) -> Result:
        """The result of the training. The network has its final weights."""


def part_of_rows(rows: np.ndarray, number: int, of: int) -> tuple[np.ndarray, float]:
    """Every `of`-th of the rows (n,) of a batch, from `number` on: (m,), and the weight of the mean over them.

    The mean of all weighted means is the mean over all rows. Where there are fewer rows than parts, a part without rows
    gets one row with weight 0, so that every process takes part in the sum of the gradients.
    """
    own = rows[number::of]
    return (own, of * len(own) / len(rows)) if len(own) else (rows[:1], 0.0)
