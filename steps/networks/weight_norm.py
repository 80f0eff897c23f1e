"""Weights that are stored as directions and lengths, in either of torch's spellings, become plain weights.

Weight normalisation (T. Salimans, D. Kingma, 2016, NeurIPS) trains w = g v / |v|. torch has stored g and v as
`weight_g` and `weight_v`, and since version 2 as `parametrizations.weight.original0` and `original1`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

SPELLINGS = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))


def with_plain_weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors by name, where g and v of a layer have become its `weight`. One without the other stays.

    Both stay where the layer has a weight already, so that strict loading names them: no tensor hides another one.
    """
    plain = dict(tensors)
    for length, direction in SPELLINGS:
        for name in tensors:
            layer = name.removesuffix(length)
            if name == layer or (layer and not layer.endswith(".")) or f"{layer}{direction}" not in tensors:
                continue
            if f"{layer}weight" in plain:
                continue
            g, v = plain.pop(name), plain.pop(f"{layer}{direction}")
            if g.ndim != v.ndim or any(a not in (1, b) for a, b in zip(g.shape, v.shape, strict=False)):
                plain |= {name: g, f"{layer}{direction}": v}  # whose shapes the loading will name
                continue
            plain[f"{layer}weight"] = torch._weight_norm(v, g, next((i for i, n in enumerate(g.shape) if n > 1), 0))
    return plain


def remove_weight_norms(network: nn.Module) -> None:
    """Let all layers of a network have plain weights."""
    from torch.nn.utils import parametrize

    for layer in network.modules():
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight")
