"""One update of a training: gradients of the parts of a batch, their sum, clipping, and a step of AdamW.

Where the task's updates repeat on a GPU they are replayed (`steps.training.graphed`). Where memory is short there,
batches are worked through in twice as many parts from then on, which changes the order of sums and nothing else.
"""

from collections.abc import Callable
from typing import Generic

import torch
from torch import Tensor, nn

from steps.training.graphed import GraphedUpdate
from steps.training.options import TrainingOptions
from steps.training.precision import autocast, resolve
from steps.training.process_group import ProcessGroup
from steps.training.task import Batch, Task
from utils.command import logger

log = logger(__name__)


class Objective(nn.Module):
    """The loss of a batch as a module, which DistributedDataParallel needs."""

    def __init__(self, task: Task):
        super().__init__()
        self.network, self.task = task.network, task

    def forward(self, batch: object) -> Tensor:
        """See `Task.loss`."""
        return self.task.loss(batch)


class Updater(Generic[Batch]):
    """Updates the network of one task.

    Attributes:
        optimizer: AdamW. precision: not `auto`. n_parts: of a batch, those of all processes together.

    Args:
        example: returns a batch, where several processes train.
    """

    def __init__(
        self,
        task: Task[Batch, object],
        options: TrainingOptions,
        group: ProcessGroup,
        device: torch.device,
        example: Callable[[], Batch],
    ):
        self.task, self.options, self.group, self.device = task, options, group, device
        self.precision, self.n_parts = resolve(options.precision, device), group.size * options.accumulate
        self.objective = group.wrap(Objective(task), lambda: task.part(example(), group.rank, self.n_parts)[0])
        self.optimizer = torch.optim.AdamW(
            task.parameter_groups(), lr=options.lr, weight_decay=options.weight_decay, fused=True
        )
        self._set_parts(self.n_parts)

    def __call__(self, batch: Batch) -> Tensor:
        """One step of the optimizer. Returns what `Task.loss` does; the mean of several processes is the batch's."""
        while True:
            try:
                return self.graphed(batch) if self.graphed else self._update(batch)
            except torch.OutOfMemoryError:
                if not self._divide(batch):
                    raise

    def _set_parts(self, n_parts: int) -> None:
        self.n_parts, self.graphed = n_parts, None
        if self.task.repeats and self.device.type == "cuda" and self.group.size == 1:
            self.graphed = GraphedUpdate(self._update, self.task.network, self.optimizer)

    def _divide(self, batch: Batch) -> bool:
        """Work through batches in twice as many parts. Returns whether `batch` can be divided further."""
        self.optimizer.zero_grad(set_to_none=True)
        parts = 2 * self.n_parts
        # of several processes the others are waiting for the gradients of the parts that there are
        if self.group.size > 1 or self.task.part(batch, parts - 1, parts)[1] == 0:
            return False
        log.warning("out of memory on %s: batches are worked through in %d parts from here on", self.device, parts)
        self._set_parts(parts)
        return True

    def _update(self, batch: Batch) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        losses = []
        for number in range(self.group.rank, self.n_parts, self.group.size):
            part, weight = self.task.part(batch, number, self.n_parts)
            with self.group.summing(self.objective, now=number + self.group.size >= self.n_parts):
                with autocast(self.precision, self.device):
                    values = self.objective(part)
                if self.n_parts > 1:
                    values = values * (weight / (self.n_parts // self.group.size))
                values.flatten()[0].backward()
            losses.append(values.detach())
        if self.options.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.task.network.parameters(), self.options.clip)
        self.optimizer.step()
        return torch.stack(losses).sum(0)
