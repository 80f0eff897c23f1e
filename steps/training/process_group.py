"""The processes that train one network together, or the only one: each holds all data and does its part of an update.

Values that must be the same in all processes are exchanged here. They go over gloo, also where gradients go over nccl:
they are few, and no process waits for a GPU.
"""

import contextlib
import functools
import json
from collections.abc import Callable
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

Json = TypeVar("Json")


class ProcessGroup:
    """The processes that `steps.training.torchrun` has started, or this process alone.

    Attributes:
        size: number of processes. rank: number of this one. first: this is number 0, the only one that writes files.
    """

    def __init__(self) -> None:
        together = dist.is_initialized()
        self.size, self.rank = (dist.get_world_size(), dist.get_rank()) if together else (1, 0)
        self.first = self.rank == 0

    def wrap(self, objective: nn.Module, example: Callable[[], object]) -> nn.Module:
        """The objective, its gradient averaged over all processes. `example` returns a batch to run it on once."""
        if self.size == 1:
            return objective
        together = DistributedDataParallel(objective, forward_sync_buffers=False)
        # DistributedDataParallel lays out its buckets anew after the first gradient. One gradient in advance makes the
        # order of sums over more than two processes the same in all updates, also after an interruption.
        before = [buffer.clone() for buffer in objective.buffers()]
        together(example()).flatten()[0].backward()
        with torch.no_grad():
            for buffer, value in zip(objective.buffers(), before, strict=True):
                buffer.copy_(value)
        return together

    def summing(self, objective: nn.Module, now: bool) -> contextlib.AbstractContextManager:
        """A context for one backward pass: gradients are summed over processes `now`, or with a later part."""
        return contextlib.nullcontext() if now or self.size == 1 else objective.no_sync()

    def gather(self, values: Tensor) -> list[Tensor]:
        """The tensors of all processes, equal in shape, in their order and on the CPU."""
        own = values.cpu()
        if self.size == 1:
            return [own]
        parts = [torch.empty_like(own) for _ in range(self.size)]
        dist.all_gather(parts, own)
        return parts

    def mean(self, values: Tensor) -> Tensor:
        """Mean (n,) over processes, summed in their order so that it does not depend on n."""
        if self.size == 1:
            return values
        return (functools.reduce(torch.add, self.gather(values)) / self.size).to(values)

    def any(self, flag: bool) -> bool:
        """Is `flag` true in any process? All processes must call this, and all get the same answer."""
        if self.size == 1:
            return flag
        flags = torch.tensor([int(flag)])
        dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags)

    def of_first(self, compute: Callable[[], Json]) -> Json:
        """The JSON value that the first process computes, in all processes."""
        if self.size == 1:
            return compute()
        text = bytearray(json.dumps(compute()).encode() if self.first else b"")
        length = torch.tensor([len(text)])
        dist.broadcast(length, 0)
        content = torch.frombuffer(text or bytearray(int(length)), dtype=torch.uint8)
        dist.broadcast(content, 0)
        return json.loads(content.numpy().tobytes())

    def wait(self) -> None:
        """Wait until all processes have called this."""
        self.any(False)
