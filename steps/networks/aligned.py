"""Convolutions and normalisations with more channels, all of them zero: the tensor cores of a GPU take eight at a time.

places = Places.of([26, 26], 8)      # two groups of 26 channels become two of 32
conv = widened_convolution(conv, outputs=places)
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Places:
    """Where channels are among more: `number` of all, and the places (C,) of those that were there before."""

    number: int
    places: Tensor

    @classmethod
    def of(cls, groups: list[int], multiple: int) -> "Places":
        """For groups of channels, one after the other, each filled up to a multiple."""
        starts = [0]
        for group in groups:
            starts.append(starts[-1] + -(-group // multiple) * multiple)
        kept = [start + torch.arange(group) for start, group in zip(starts, groups, strict=False)]
        return cls(starts[-1], torch.cat(kept))


def widened_convolution(
    convolution: nn.Conv2d, outputs: Places | None = None, inputs: Places | None = None
) -> nn.Conv2d:
    """The same convolution of more channels: it gives zeros in those that are new, and does not look at them."""
    weight = convolution.weight
    outputs, inputs = (places or Places.of([n], 1) for places, n in zip((outputs, inputs), weight.shape, strict=False))
    same = nn.Conv2d(
        inputs.number,
        outputs.number,
        convolution.kernel_size,
        convolution.stride,
        convolution.padding,
        bias=convolution.bias is not None,
        device="meta",
    )
    wide = weight.new_zeros(outputs.number, inputs.number, *weight.shape[2:])
    wide[outputs.places[:, None], inputs.places] = weight
    same.weight = nn.Parameter(wide, requires_grad=False)
    if convolution.bias is not None:
        same.bias = nn.Parameter(_spread(convolution.bias, outputs, 0), requires_grad=False)
    return same


def widened_norm(norm: nn.BatchNorm2d, places: Places) -> nn.BatchNorm2d:
    """The same normalisation of more channels, in evaluation mode: zeros stay zeros in those that are new."""
    same = nn.BatchNorm2d(places.number, norm.eps).eval().requires_grad_(False)
    for name, value in norm.named_parameters():
        setattr(same, name, nn.Parameter(_spread(value, places, 0), requires_grad=False))
    same.running_mean, same.running_var = _spread(norm.running_mean, places, 0), _spread(norm.running_var, places, 1)
    return same


def _spread(values: Tensor, places: Places, rest: float) -> Tensor:
    spread = values.new_full((places.number,), rest)
    spread[places.places] = values
    return spread
