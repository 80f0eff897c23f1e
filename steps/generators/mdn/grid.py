"""Pairs of all groups as one grid of (groups, rows, texts) with padding, so that few large kernels score them.

The weighted sum of the log densities of a grid's pairs is one batched matrix product and a few kernels beside it,
however many groups there are. Places without an embedding or a text have weight 0 and show the first one, so that what
they hold is finite.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from steps.generators.mdn.density import features, paired_log_density, weighted_log_density
from steps.generators.mdn.network import MixtureDensityNetwork

STEPS = 16  # sizes of a side between two powers of 2
DEVIATIONS = 4  # of a count


class Grid(NamedTuple):
    """Pairs of embeddings and variants for some groups, and of embeddings and captions, each pair with its weight.

    Attributes:
        rows: (G, R) embeddings, and their weights (G, R): the pair of a row and a text weighs the product of both.
        texts: (G, S) variants of the same groups, and their weights (G, S).
        captions: (C,) texts, the rows (C,) that they describe, and the weights (C,) of these pairs.
    """

    rows: Tensor
    row_weights: Tensor
    texts: Tensor
    text_weights: Tensor
    captions: Tensor
    caption_rows: Tensor
    caption_weights: Tensor

    def part(self, number: int, of: int) -> "Grid":
        """Every `of`-th row and caption from `number` on, with all texts: all parts add up to the whole."""
        rows, weights = (value[:, number::of] for value in (self.rows, self.row_weights))
        captions = (value[number::of] for value in (self.captions, self.caption_rows, self.caption_weights))
        return Grid(rows, weights, self.texts, self.text_weights, *captions)


def log_density(network: MixtureDensityNetwork, grid: Grid, latent: Tensor, texts: Tensor) -> Tensor:
    """Weighted sum (), float64, of the log densities of a grid's pairs of embeddings (N, q) and texts (T, E)."""
    total = latent.new_zeros((), dtype=torch.float64)
    if grid.rows.numel() and grid.texts.numel():
        parameters = tuple(value.unflatten(0, grid.texts.shape) for value in network(texts[grid.texts.flatten()]))
        inputs = features(latent[grid.rows.flatten()], network.sizes.diagonal).unflatten(0, grid.rows.shape)
        weights = grid.row_weights.unsqueeze(2) * grid.text_weights.unsqueeze(1)
        total = total + weighted_log_density(inputs, parameters, weights)
    if grid.captions.numel():
        density = paired_log_density(latent[grid.caption_rows], network(texts[grid.captions]))
        total = total + (density * grid.caption_weights).sum(dtype=torch.float64)
    return total


class GridLines:
    """Which of some lines of equal width each of n values belongs to; places without a value are zero.

    The host counts, as shapes are its business; the device sorts.

    Args:
        line_of: (n,) the line of each value. They keep their order.
        mean: values that a line is expected to have. Lines are wide enough for nearly all draws of so many, so that all
        epochs have the same width.
    """

    def __init__(self, line_of: np.ndarray, n_lines: int, device: torch.device, mean: float = 0):
        counts = np.bincount(line_of, minlength=n_lines)
        width = min(len(line_of), math.ceil(mean + DEVIATIONS * math.sqrt(mean)))
        self.shape = n_lines, rounded(max(width, int(counts.max(initial=0))))
        lines, lengths = on_device((line_of, counts), device)
        self.order = torch.argsort(lines, stable=True)
        self.lines = lines[self.order]
        starts = torch.repeat_interleave(lengths.cumsum(0) - lengths, lengths, output_size=len(line_of))
        self.places = torch.arange(len(line_of), device=device) - starts

    def of(self, values: np.ndarray) -> Tensor:
        """The values (n,) in their lines (n_lines, width), on the device."""
        (own,) = on_device((values,), self.order.device)
        grid = own.new_zeros(self.shape)
        grid[self.lines, self.places] = own[self.order]
        return grid


def rounded(size: int) -> int:
    """The size, or up to a sixteenth more: many sizes become few, so that shapes repeat."""
    step = max(1, 2 ** (size.bit_length() - 1) // STEPS) if size else 1
    return -(-size // step) * step


def on_device(arrays: Iterable[np.ndarray], device: torch.device) -> list[Tensor]:
    """Copies of the arrays on a device, float64 as float32; a GPU gets them without a wait."""
    tensors = [torch.from_numpy(array.astype(np.float32 if array.dtype.kind == "f" else np.int64)) for array in arrays]
    if device.type == "cuda":
        tensors = [tensor.pin_memory() for tensor in tensors]
    return [tensor.to(device, non_blocking=True) for tensor in tensors]
