"""Batches of pairs on a device, and the log density of their embeddings under a network.

Embeddings are drawn with the weights of `Pairs` (groups and speakers count the same), each is scored under all the
texts it is paired with, and batches mix all groups. The draws depend on the random generator alone, not on the network
or on the number of processes.
"""

import itertools

import numpy as np
import torch
from torch import Tensor

from steps.generators.mdn.density import cross_log_density, features, paired_log_density
from steps.generators.mdn.network import MixtureDensityNetwork
from steps.generators.pairs import Pairs


class Batches:
    """Pairs on the device, cut into batches that are sorted by group.

    Attributes:
        latent: (N, q) embeddings in the network's space. texts: (T, E) variants sorted by group, then captions.
    """

    def __init__(self, pairs: Pairs, latent: np.ndarray, device: torch.device):
        order = np.argsort(pairs.variant_groups, kind="stable")
        self.bounds = np.searchsorted(pairs.variant_groups[order], np.arange(len(pairs.group_names) + 1))
        self.n_variants = len(order)
        self.edges = np.cumsum(pairs.weights)
        self.groups, self.weights, self.texts_of_row = pairs.groups, pairs.weights, pairs.texts_of_row
        self.captions = np.argsort(pairs.caption_rows, kind="stable")  # in the order of their embeddings
        self.cuts = np.searchsorted(pairs.caption_rows[self.captions], np.arange(len(latent) + 1))
        self.texts = torch.from_numpy(np.concatenate([pairs.variants[order], pairs.captions])).to(device)
        self.latent = torch.from_numpy(latent).to(device)

    def __len__(self) -> int:
        return len(self.groups)

    def draw(self, rng: np.random.Generator, n_batches: int) -> list[np.ndarray]:
        """Rows of an epoch: N systematic draws by weight, in random order, in `n_batches` parts."""
        points = (np.arange(len(self)) + rng.random()) / len(self)
        rows = np.minimum(np.searchsorted(self.edges, points), len(self) - 1)
        return np.array_split(rng.permutation(rows), n_batches)

    def some_variants(self, rng: np.random.Generator, most: int) -> np.ndarray:
        """At most `most` variants of each group, drawn at random: their positions in `texts`, sorted."""
        groups = itertools.pairwise(self.bounds)
        return np.concatenate([first + np.sort(rng.permutation(last - first)[:most]) for first, last in groups])

    def own_captions(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The captions of `rows` (n,), in their order: positions (C,) in `rows`, and positions (C,) in `texts`."""
        if not len(self.captions):
            return self.captions, self.captions
        counts = self.cuts[rows + 1] - self.cuts[rows]
        which = np.repeat(np.arange(len(rows)), counts)
        place = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return which, self.captions[self.cuts[rows[which]] + place] + self.n_variants

    def log_density(
        self, network: MixtureDensityNetwork, rows: np.ndarray, variants: np.ndarray | None = None
    ) -> Tensor:
        """Mean log density (n,) over their texts of the embeddings of `rows`, ordered by group.

        With `variants`, positions of some variants in `texts`, these stand for all variants of their groups.
        """
        rows = rows[np.argsort(self.groups[rows], kind="stable")]
        latent = self.latent[torch.from_numpy(rows).to(self.latent.device)]
        total = latent.new_zeros(len(rows))
        if self.n_variants:
            variants = np.arange(self.n_variants) if variants is None else variants
            total = total + self._under_variants(network, latent, rows, variants)
        if len(self.captions):
            total = total + self._under_captions(network, latent, rows)
        return total / torch.from_numpy(self.texts_of_row[rows]).to(total)

    def _under_variants(
        self, network: MixtureDensityNetwork, latent: Tensor, rows: np.ndarray, variants: np.ndarray
    ) -> Tensor:
        """Sums of log densities (n,) over all variants of the group, estimated from `variants`."""
        rows_of = np.diff(np.searchsorted(self.groups[rows], np.arange(len(self.bounds))))
        texts_of = np.diff(np.searchsorted(variants, self.bounds))
        wanted = variants[np.repeat(rows_of > 0, texts_of)]  # small batches have embeddings of few groups
        texts = self.texts[torch.from_numpy(wanted).to(self.texts.device)]
        present = np.flatnonzero(rows_of)
        # split, not slices: the gradient of a slice is an array for all texts
        parameters = [value.split(texts_of[present].tolist()) for value in network(texts)]
        inputs = features(latent, network.sizes.diagonal).split(rows_of[present].tolist())
        stands_for = (np.diff(self.bounds) / np.maximum(texts_of, 1))[present].tolist()
        groups = zip(stands_for, inputs, *parameters, strict=True)
        return torch.cat([many * cross_log_density(u, tuple(mixtures)).sum(1) for many, u, *mixtures in groups])

    def _under_captions(self, network: MixtureDensityNetwork, latent: Tensor, rows: np.ndarray) -> Tensor:
        position, texts = (torch.from_numpy(found).to(latent.device) for found in self.own_captions(rows))
        density = paired_log_density(latent[position], network(self.texts[texts]))
        return torch.zeros(len(rows), device=latent.device).index_add(0, position, density)

    @torch.inference_mode()
    def balanced_log_density(self, network: MixtureDensityNetwork, chunk: int) -> float:
        """Mean log density of all embeddings, balanced over groups and speakers."""
        order = np.argsort(self.groups, kind="stable")
        parts = [order[begin : begin + chunk] for begin in range(0, len(order), chunk)]
        density = torch.cat([self.log_density(network, rows) for rows in parts])
        return float(self.weights[order] @ density.double().cpu().numpy())
