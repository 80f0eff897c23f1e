"""Updates that are recorded once as a CUDA graph and replayed: the host launches all kernels of an update at once.

An update can be recorded where its batches are tensors on the GPU, where it draws no random numbers and where no value
is looked at on the host. All updates of a training are replayed, none runs otherwise, so that a training which goes on
from a checkpoint has the bits of one without interruption.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

WARM_UPS = 2  # before a recording: libraries set themselves up in them


class RecordedUpdate(NamedTuple):
    """A graph, the tensors that it reads the batch from, and the tensor that it leaves the losses in."""

    graph: torch.cuda.CUDAGraph
    batch: list[Tensor]
    losses: Tensor


class GraphedUpdate:
    """Updates of one network on a GPU, a graph for each shape of the batches.

    Args:
        update: does one update with a batch (a named tuple of tensors) and returns the losses.
    """

    def __init__(self, update: Callable[[Sequence[Tensor]], Tensor], network: nn.Module, optimizer: torch.optim.AdamW):
        self.update, self.network, self.optimizer = update, network, optimizer
        self.recordings: dict[tuple, RecordedUpdate] = {}
        self.pool = torch.cuda.graph_pool_handle()
        device = next(network.parameters()).device
        self.rates = [torch.zeros((), device=device) for _ in optimizer.param_groups]
        self.known_rates: list[float] = []

    def __call__(self, batch: Sequence[Tensor]) -> Tensor:
        """Do one update. Returns the losses, which no later update overwrites."""
        self._set_rates()
        shapes = tuple(value.shape for value in batch)
        if shapes not in self.recordings:
            self.recordings[shapes] = self._record(batch)
        graph, own, losses = self.recordings[shapes]
        torch._foreach_copy_(own, list(batch))
        graph.replay()
        return losses.clone()

    def _set_rates(self) -> None:
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if rates != self.known_rates:
            for tensor, rate in zip(self.rates, rates, strict=True):
                tensor.fill_(rate)
            self.known_rates = rates

    def _record(self, batch: Sequence[Tensor]) -> RecordedUpdate:
        """Record an update; the state of the training stays as it was."""
        own = type(batch)(*(value.clone() for value in batch))
        groups = self.optimizer.param_groups
        rates = [group["lr"] for group in groups]
        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
        for group, tensor in zip(groups, self.rates, strict=True):
            group["lr"] = tensor  # a number would be recorded
        before = KeptState(self.network, self.optimizer)
        try:
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(WARM_UPS):
                    self.update(own)
            torch.cuda.current_stream().wait_stream(stream)
            self.optimizer.zero_grad(set_to_none=True)
            for group in groups:
                group["capturable"] = True  # told now: elsewhere torch would warn
            # other threads, which write checkpoints, may use the GPU meanwhile
            with torch.cuda.graph(graph, pool=self.pool, capture_error_mode="thread_local"):
                losses = self.update(own)
        finally:
            before.restore()
            for group, rate in zip(groups, rates, strict=True):
                group["lr"], group["capturable"] = rate, False
        return RecordedUpdate(graph, list(own), losses)


class KeptState:
    """A copy of weights, buffers and the optimizer's state, and the way back to them; tensors stay where they are."""

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer):
        self.network, self.optimizer = network, optimizer
        self.values = {name: value.clone() for name, value in network.state_dict().items()}
        self.states = {
            parameter: {key: value.clone() for key, value in state.items()}
            for parameter, state in optimizer.state.items()
        }

    def restore(self) -> None:
        """Give all tensors the values they had; those that the optimizer has made since are its zeros."""
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                value.copy_(self.values[name])
            for parameter, state in self.optimizer.state.items():
                before = self.states.get(parameter, {})
                for key, value in state.items():
                    value.copy_(before[key]) if key in before else value.zero_()
