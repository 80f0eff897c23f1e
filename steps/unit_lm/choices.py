"""Which outcomes may be drawn, and which one is: temperature, the k likeliest, the likeliest that have a share p.

A. Holtzman and others, "The curious case of neural text degeneration", 2020, has the last (nucleus sampling). All is
done in float64; of outcomes with equal logits that with the lower number is before the other.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from utils.options import option


@dataclass(frozen=True)
class ChoiceOptions:
    """How outcomes are chosen."""

    temperature: float = option(1.0, "logits are divided by it; 0: always the likeliest unit", least=0, most=1000)
    top_k: int | None = option(None, "only the likeliest so many; none: all", least=1, most=10**6)
    top_p: float = option(1.0, "only the likeliest that together have this share", above=0, most=1)


def probabilities(logits: Tensor, options: ChoiceOptions) -> Tensor:
    """Logits (B, outcomes), -inf of what may not be drawn -> the probabilities (B, outcomes) float64 of drawing."""
    logits = logits.double()
    if options.temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).double()
    p = ((logits - logits.amax(1, keepdim=True)) / options.temperature).softmax(1)  # which no temperature overflows
    if options.top_k is None and options.top_p == 1:
        return p
    ordered, order = p.sort(dim=1, descending=True, stable=True)
    if options.top_k is not None:
        ordered[:, options.top_k :] = 0
        ordered /= ordered.sum(1, keepdim=True)
    if options.top_p < 1:  # until the share is reached, by at least one
        ordered[ordered.cumsum(1) - ordered >= options.top_p] = 0
    kept = torch.zeros_like(p).scatter(1, order, ordered)
    return kept / kept.sum(1, keepdim=True)


def choose(p: Tensor, chances: Tensor) -> Tensor:
    """The outcome (B,) of each row of probabilities (B, outcomes), by a number (B,) from 0 to below 1."""
    sums = p.cumsum(1)
    places = torch.searchsorted(sums, (chances * sums[:, -1])[:, None], right=True)[:, 0]
    last = p.shape[1] - 1 - (p.flip(1) > 0).int().argmax(1)  # where rounding would go beyond the last that has a share
    return places.minimum(last)
