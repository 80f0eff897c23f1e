"""Batches of training as grids of one shape, and whole sets as few grids.

Draws are those of `Batches`. The grids of an epoch are sent to the device at once, and have one shape: an update may be
recorded once and replayed (`steps.training.graphed`).
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from steps.generators.mdn.batches import Batches
from steps.generators.mdn.grid import Grid, GridLines, log_density, on_device
from steps.generators.mdn.network import MixtureDensityNetwork
from steps.generators.mdn.weights import NetworkSizes

NONE = np.zeros(0, np.int64)
MOST_ROWS, MOST_TEXTS = 1024, 64  # of a group in one grid of a whole set
MOST_VALUES = 2**25  # in the largest array that such a grid needs, if one group has no more
FEWEST_VALUES = 2**17  # where memory is short


class GridBatches:
    """The batches of training as grids.

    Attributes:
        shown: (G, S) which places of a grid have a variant. stands_for: (G, S) how many variants each stands for.
    """

    def __init__(self, batches: Batches, texts_per_group: int):
        self.batches, self.most = batches, texts_per_group
        self.share = np.bincount(batches.groups, batches.weights).max()  # of the group that is drawn most often
        n_variants = np.diff(batches.bounds)
        n_drawn = np.minimum(n_variants, texts_per_group)
        self.shown = np.arange(n_drawn.max(initial=0)) < n_drawn[:, None]
        self.stands_for = self.shown * (n_variants / np.maximum(n_drawn, 1))[:, None]

    def epoch(self, rng: np.random.Generator, n_updates: int) -> list[Grid]:
        """The grids of an epoch. The weighted sum of the log densities of each is the mean over its embeddings."""
        batches, device, n_groups = self.batches, self.batches.latent.device, len(self.shown)
        drawn = [(rows, batches.some_variants(rng, self.most)) for rows in batches.draw(rng, n_updates)]
        rows, sizes = np.concatenate([rows for rows, _ in drawn]), [len(rows) for rows, _ in drawn]
        update = np.repeat(np.arange(n_updates), sizes)
        weights = 1 / (np.repeat(sizes, sizes) * batches.texts_of_row[rows])
        line_of = update * n_groups + batches.groups[rows]
        lines = GridLines(line_of, n_updates * n_groups, device, self.share * len(rows) / n_updates)
        texts = np.zeros((n_updates, *self.shown.shape), np.int64)
        texts[:, self.shown] = np.stack([variants for _, variants in drawn])
        which, captions = batches.own_captions(rows)
        caption_lines = GridLines(update[which], n_updates, device, len(which) / n_updates)
        values = (
            *(lines.of(one).unflatten(0, (n_updates, n_groups)) for one in (rows, weights)),
            *on_device((texts, np.broadcast_to(self.stands_for, texts.shape)), device),
            *(caption_lines.of(one) for one in (captions, rows[which], weights[which])),
        )
        return [Grid(*own) for own in zip(*values, strict=True)]

    def log_density(self, network: MixtureDensityNetwork, grid: Grid) -> Tensor:
        """Weighted sum () of the log densities of the pairs of a grid."""
        return log_density(network, grid, self.batches.latent, self.batches.texts)


class GridSet:
    """All pairs of a set as few grids, each embedding with its weight in the set.

    Args:
        sizes: of the network that will score them. most: values in the largest array.
    """

    def __init__(self, batches: Batches, sizes: NetworkSizes, most: int = MOST_VALUES):
        self.batches, self.sizes = batches, sizes
        self.complete = bool(batches.texts_of_row.all())
        if self.complete:
            self._divide(most)

    def _divide(self, most: int) -> None:
        self.most = most
        weights = self.batches.weights / self.batches.texts_of_row
        parts = [make(self.batches, weights, self.sizes, most) for make in (_variant_grids, _caption_grids)]
        self.grids = [grid for part in parts for grid in part]

    def balanced_log_density(self, network: MixtureDensityNetwork) -> Tensor:
        """Mean log density () of all embeddings, balanced over groups and speakers; nan where one has no text.

        Where a GPU has too little memory, the grids are made smaller.
        """
        if not self.complete:
            return torch.tensor(math.nan)
        while True:
            try:
                return self._balanced(network)
            except torch.OutOfMemoryError:
                if self.most <= FEWEST_VALUES:
                    raise
            self._divide(self.most // 8)

    @torch.inference_mode()
    def _balanced(self, network: MixtureDensityNetwork) -> Tensor:
        parts = [log_density(network, grid, self.batches.latent, self.batches.texts) for grid in self.grids]
        return torch.stack(parts).sum()


def _variant_grids(batches: Batches, weights: np.ndarray, sizes: NetworkSizes, most: int) -> Iterator[Grid]:
    """Grids of parts of groups, in which parts of like sizes stand together."""
    alike: dict[tuple[int, int], list[tuple[np.ndarray, np.ndarray]]] = {}
    order = np.argsort(batches.groups, kind="stable")
    cuts = np.searchsorted(batches.groups[order], np.arange(len(batches.bounds)))
    for group in range(len(cuts) - 1):
        own = np.arange(*batches.bounds[group : group + 2])
        for rows in _pieces(order[cuts[group] : cuts[group + 1]], MOST_ROWS):
            for texts in _pieces(own, MOST_TEXTS):
                alike.setdefault((len(rows).bit_length(), len(texts).bit_length()), []).append((rows, texts))
    width, depth = sizes.n_components, sizes.n_components * 2 * sizes.latent_dim
    for (row_bits, text_bits), parts in alike.items():
        n_rows, n_texts = min(2**row_bits, MOST_ROWS), min(2**text_bits, MOST_TEXTS)
        for some in _pieces(parts, max(1, most // max(n_rows * n_texts * width, n_texts * depth))):
            rows, texts = (np.concatenate([part[side] for part in some]) for side in (0, 1))
            lines = [np.repeat(np.arange(len(some)), [len(part[side]) for part in some]) for side in (0, 1)]
            row_lines, text_lines = (GridLines(line_of, len(some), batches.latent.device) for line_of in lines)
            yield Grid(
                *(row_lines.of(rows), row_lines.of(weights[rows])),
                *(text_lines.of(texts), text_lines.of(np.ones(len(texts)))),
                *on_device([NONE] * 3, batches.latent.device),
            )


def _caption_grids(batches: Batches, weights: np.ndarray, sizes: NetworkSizes, most: int) -> Iterator[Grid]:
    """Grids of captions alone."""
    rows, captions = batches.own_captions(np.arange(len(batches)))
    for some in _pieces(np.arange(len(rows)), max(1, most // (sizes.n_components * 2 * sizes.latent_dim))):
        arrays = [NONE[None]] * 4 + [captions[some], rows[some], weights[rows[some]]]
        yield Grid(*on_device(arrays, batches.latent.device))


def _pieces(values, most: int) -> Iterator:
    """The values in pieces of at most `most`."""
    return (values[begin : begin + most] for begin in range(0, len(values), most))
