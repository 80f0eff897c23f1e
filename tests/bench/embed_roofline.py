"""How near a network comes to what a processor can do: its convolutions, affine layers and LSTMs beside SGEMM.

All by the processor time of one thread, in one run: after each batch a product of matrices takes its turn.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.embed.backend import Backend

if TYPE_CHECKING:
    import torch
    from torch import nn

SIZE = 1024  # rows and columns of the matrices that are multiplied


@dataclass
class Roofline:
    """Operations, and seconds of processor time.

    Attributes:
        audio: seconds of audio. flop: floating-point operations of the layers. layers, network: seconds in the layers,
            and in the whole network; where the layers cannot be seen `layers` is 0.
        sgemm: operations a second of each product of matrices.
    """

    audio: float = 0.0
    flop: float = 0.0
    layers: float = 0.0
    network: float = 0.0
    sgemm: list[float] = field(default_factory=list)

    @property
    def peak(self) -> float:
        """Operations a second of products of matrices: the best decile, so that other programs count less."""
        return float(np.quantile(self.sgemm, 0.9))

    def add(self, backend: Backend, chunk: Any) -> None:
        """Embed a chunk of features, and multiply matrices."""
        network = network_of(backend)
        if backend.name == "onnx":  # what is in it is an x-vector network, whose operations are counted in its stead
            import torch

            with torch.inference_mode(), self.watched(network):
                network(torch.from_numpy(chunk))
            self.layers = 0.0
            begin = time.thread_time()
            backend.forward(chunk)
            self.network += time.thread_time() - begin
        else:
            with self.watched(network):
                begin = time.thread_time()
                backend.forward(chunk)
                self.network += time.thread_time() - begin
        self.sgemm.append(product_speed())

    @contextmanager
    def watched(self, network: "nn.Module") -> Iterator[None]:
        """Count the operations of its layers, and their time."""
        begun: list[float] = []

        def before(*_: object) -> None:
            begun.append(time.thread_time())

        def after(layer: "nn.Module", given: tuple, out: Any) -> None:
            self.layers += time.thread_time() - begun.pop()
            self.flop += operations(layer, given[0], out)

        layers = [layer for layer in network.modules() if is_product(layer)]
        hooks = [layer.register_forward_pre_hook(before) for layer in layers]
        hooks += [layer.register_forward_hook(after) for layer in layers]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def is_product(layer: "nn.Module") -> bool:
    """Is most of a layer a product of matrices?"""
    from torch import nn

    return isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear | nn.LSTM)


def operations(layer: "nn.Module", given: "torch.Tensor", out: Any) -> int:
    """Floating-point operations of a layer: two for each weight at each place where it is used."""
    from torch import nn

    if isinstance(layer, nn.LSTM):
        weights = sum(weight.numel() for weight in layer.parameters() if weight.ndim > 1)
        return 2 * weights * given.shape[0] * given.shape[1]  # (B, T, C)
    return 2 * out.numel() * layer.weight[0].numel()


def network_of(backend: Backend) -> "nn.Module":
    """The network of a back-end; of `onnx` one with the same operations as what the benchmark exports."""
    if backend.name == "onnx":
        from steps.networks.xvector import XVector, XVectorSizes

        return XVector(XVectorSizes()).eval()
    return backend.embedder.model.network if backend.name == "sid" else backend.network


def product_speed() -> float:
    """Operations a second of torch's product of two matrices in single precision."""
    import torch

    matrix = torch.ones(SIZE, SIZE)
    begin = time.thread_time()
    matrix @ matrix
    return 2 * SIZE**3 / (time.thread_time() - begin)
