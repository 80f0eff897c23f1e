"""The processes that train one network together, or one alone: each holds all data and does its part of an update.

What must be the same in all of them is agreed on here, over gloo also where gradients go over nccl: these are a few
numbers, and none waits for a GPU.
"""

import functools
from collections.abc import Callable

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


class Group:
    """The group that `steps.generators.mdn.torchrun` has made this process a member of; else it is alone.

    Attributes:
        size: how many processes. rank: number of this one. first: it is number 0, which alone writes.
    """

    def __init__(self) -> None:
        together = dist.is_initialized()
        self.size, self.rank = (dist.get_world_size(), dist.get_rank()) if together else (1, 0)
        self.first = self.rank == 0

    def wrap(self, objective: nn.Module, *example: object) -> nn.Module:
        """The objective, its gradient averaged over all processes; `example` is an input of it."""
        if self.size == 1:
            return objective
        together = DistributedDataParallel(objective, forward_sync_buffers=False)
        # after its first gradient it lays out its buckets anew; with that behind us, sums over more than two processes
        # have one order in all updates, those after an interruption too
        together(*example).backward()
        return together

    def part(self, rows: np.ndarray) -> tuple[np.ndarray, float]:
        """Of the rows (n,) of an update, this process's (m,), and the weight of their mean.

        The mean over processes of these weighted means is the mean of all rows. Where there are fewer rows than
        processes some look at one that does not count, so that all take part in the sum of the gradients.
        """
        own = rows[self.rank :: self.size]
        return (own, self.size * len(own) / len(rows)) if len(own) else (rows[:1], 0.0)

    def mean(self, values: Tensor) -> Tensor:
        """Mean (n,) over processes, summed in their order so that it does not depend on n."""
        if self.size == 1:
            return values
        own = values.cpu()
        parts = [torch.empty_like(own) for _ in range(self.size)]
        dist.all_gather(parts, own)
        return (functools.reduce(torch.add, parts) / self.size).to(values)

    def any(self, flag: bool) -> bool:
        """Is it true in some process? All must ask, and all get the same answer."""
        if self.size == 1:
            return flag
        flags = torch.tensor([int(flag)])
        dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags)

    def of_first(self, compute: Callable[[], float]) -> float:
        """What the first process computes."""
        if self.size == 1:
            return compute()
        value = torch.tensor([compute() if self.first else 0.0], dtype=torch.float64)
        dist.broadcast(value, 0)
        return float(value)

    def wait(self) -> None:
        """Wait until all have come here."""
        self.any(False)
