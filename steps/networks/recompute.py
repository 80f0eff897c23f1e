"""Layers that are computed again for their gradient, instead of keeping what they computed.

Dropout draws the same numbers both times, and gradients are the same. T. Chen et al., "Training deep nets with
sublinear memory cost", 2016.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


class Recomputed:
    """Calls a layer, and where `wanted` keeps only its input for the gradient."""

    def __init__(self, wanted: bool):
        self.wanted = wanted

    def __call__(self, layer: Callable[..., Tensor], *inputs: Tensor | None) -> Tensor:
        if self.wanted and torch.is_grad_enabled():
            return checkpoint(layer, *inputs, use_reentrant=False)
        return layer(*inputs)
