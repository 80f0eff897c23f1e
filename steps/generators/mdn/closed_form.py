"""The closed form that training starts from: the linear mean, the spread of unseen speakers, and embeddings whitened by
both, in float64.

There are two ways to the same numbers, equal up to the order of sums. `direct` follows the definitions of
`steps.generators.covariance` embedding by embedding. `by_sums` visits the embeddings twice, however many folds there
are: everything before the whitening follows from sums over the embeddings of each fold. For with the mean m_g of a
group g, the number n_g and the sum s_g of its embeddings

    sum_i (y_i - m_g)(y_i - m_g)' = sum_i y_i y_i' - sum_g (s_g m_g' + m_g s_g' - n_g m_g m_g')

It holds one block of rows at a time, whose products can be made on a GPU.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import torch

from steps.generators.covariance import (
    Spread,
    cross_validated_spread,
    deal_speakers,
    group_means,
    mean_map,
    pooled_variances,
    principal_subspace,
    subspace_of,
)
from steps.generators.linear import LinearMap, fit_ridge
from steps.generators.mdn.options import MdnOptions
from steps.generators.mixture import Frame
from steps.generators.pairs import Pairs, sum_by
from utils.command import logger, progress

log = logger(__name__)
BLOCK = 8192  # rows that are worked on together

Ask = Callable[[], None]  # raises RunAgain where a stop was requested


@dataclass(frozen=True)
class ClosedForm:
    """A solution in closed form.

    Attributes:
        subspace: principal directions of the embeddings. spread: of unseen speakers, in its coordinates.
        mean_of: the linear path, from texts to these coordinates.
        latent: (N, q) whitened embeddings, around `centre` (q,).
        radii: (N,) squared lengths of the whitened residuals.
    """

    subspace: Frame
    spread: Spread
    mean_of: LinearMap
    latent: np.ndarray
    centre: np.ndarray
    radii: np.ndarray


def direct(train: Pairs, options: MdnOptions, ask: Ask) -> ClosedForm:
    """By the definitions, one fold after the other."""
    subspace = principal_subspace(train.x, options.subspace_floor)
    ask()
    y = subspace.to_latent(train.x)
    spread, unseen = cross_validated_spread(train, y, subspace, options.penalty, options.folds, ask)
    mean_of = mean_map(train, subspace, options.penalty)
    whitened = mean_of.then(spread.inverse_root)
    latent = unseen + group_means(train, whitened)[train.groups]
    centre = whitened.offset if options.linear_path else train.weights @ latent
    radii = (unseen**2).sum(axis=1)
    return ClosedForm(subspace, spread, mean_of, (latent - centre).astype(np.float32), centre, radii)


def by_sums(train: Pairs, options: MdnOptions, device: str, ask: Ask) -> ClosedForm:
    """In two passes over the embeddings. Takes pairs without captions."""
    return _BySums(train, options, torch.device(device), ask).solve()


@dataclass(frozen=True)
class _Sums:
    """Sums over embeddings c (D) less their mean, or over their coordinates.

    Attributes:
        gram: (D, D) of c c'. counts: (G,) and sums: (G, D), of each group.
        shares: (G,) and shared: (G, D), the same where each speaker counts as one.
    """

    gram: np.ndarray
    counts: np.ndarray
    sums: np.ndarray
    shares: np.ndarray
    shared: np.ndarray

    def plus(self, other: "_Sums") -> "_Sums":
        """Those of two sets together."""
        return _Sums(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    def without(self, part: "_Sums") -> "_Sums":
        """Those of the rest; a group without rows there has no share, not what is left of rounding."""
        gram, counts, sums, shares, shared = (
            a - b for a, b in zip(vars(self).values(), vars(part).values(), strict=True)
        )
        return _Sums(gram, counts, sums, np.where(counts > 0, shares, 0.0), shared)

    def in_frame(self, basis: np.ndarray) -> "_Sums":
        """The sums of the coordinates c P (q), for orthonormal directions P (D, q)."""
        return _Sums(basis.T @ self.gram @ basis, self.counts, self.sums @ basis, self.shares, self.shared @ basis)

    def scatter(self, means: np.ndarray) -> np.ndarray:
        """The scatter (q, q) of the residuals from the means (G, q) of the groups."""
        cross = self.sums.T @ means
        return self.gram - cross - cross.T + (means * self.counts[:, None]).T @ means


class _BySums:
    """The state of `by_sums`."""

    def __init__(self, train: Pairs, options: MdnOptions, device: torch.device, ask: Ask):
        train.check_described()
        self.train, self.options, self.device, self.ask = train, options, device, ask
        self.fold_of = deal_speakers(train, options.folds)
        self.order = np.argsort(self.fold_of, kind="stable")
        self.mean = train.x.mean(axis=0, dtype=np.float64)

    @cached_property
    def speaker_weights(self) -> np.ndarray:
        """(N,) the weight of each row where a speaker counts as one."""
        return 1.0 / np.bincount(self.train.speakers)[self.train.speakers]

    def solve(self) -> ClosedForm:
        """Both passes, and what is between them."""
        folds = self._add_up()
        everyone = reduce(_Sums.plus, folds)
        log.info("start in closed form: the spread of unseen speakers, %d folds", self.options.folds)
        subspace = subspace_of(self.mean, everyone.gram / len(self.train.x), self.options.subspace_floor)
        folds, everyone = [own.in_frame(subspace.basis) for own in folds], everyone.in_frame(subspace.basis)
        means, axes, left_out = [], [], np.zeros(subspace.latent_dim)
        for own in folds:
            self.ask()
            others = everyone.without(own)
            means.append(group_means(self.train, self._ridge(others)))
            axes.append(np.linalg.eigh(others.scatter(means[-1]))[1])
            left_out += np.einsum("ij,ij->j", axes[-1], own.scatter(means[-1]) @ axes[-1])
        variances = pooled_variances(left_out / len(self.train.x))
        mean_of = self._ridge(everyone)
        residual = everyone.scatter(group_means(self.train, mean_of))
        spread = Spread(np.linalg.eigh(residual)[1], variances)
        roots = [Spread(directions, variances).inverse_root for directions in axes]
        return self._whiten(subspace, spread, mean_of, means, roots)

    def _blocks(self, label: str) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Fold, rows (n,) and embeddings less their mean (n, D), float64, of each block of rows of one fold."""
        cuts = np.searchsorted(self.fold_of[self.order], np.arange(self.options.folds + 1))
        parts = [
            (fold, self.order[begin : min(begin + BLOCK, last)])
            for fold, (first, last) in enumerate(itertools.pairwise(cuts))
            for begin in range(first, last, BLOCK)
        ]
        log.info("start in closed form: %s of %d embeddings on %s", label, len(self.order), self.device)
        for fold, rows in progress(parts, len(parts), f"start in closed form: {label}"):
            self.ask()
            yield fold, rows, self.train.x[rows] - self.mean

    def _add_up(self) -> list[_Sums]:
        """The first pass: the sums of each fold."""
        dim, n = self.train.x.shape[1], len(self.train.group_names)
        folds = [
            _Sums(*(np.zeros(size) for size in ((dim, dim), n, (n, dim), n, (n, dim))))
            for _ in range(self.options.folds)
        ]
        for fold, rows, block in self._blocks("sums"):
            groups, weights = self.train.groups[rows], self.speaker_weights[rows]
            folds[fold] = folds[fold].plus(
                _Sums(
                    self._gram(block),
                    np.bincount(groups, minlength=n),
                    sum_by(groups, block, n),
                    np.bincount(groups, weights, n),
                    sum_by(groups, block, n, weights),
                )
            )
        return folds

    def _ridge(self, sums: _Sums) -> LinearMap:
        """What `mean_map` fits to the pairs of these sums: the weight of each group is shared by its variants."""
        here, variants = sums.shares > 0, self.train.variant_groups
        means = sums.shared / np.where(here, sums.shares, 1.0)[:, None]
        weighed = np.arange(len(here)) if self.train.weighed_as is None else self.train.weighed_as
        together = np.bincount(weighed, sums.shares)[weighed]  # speakers of the groups that share a weight
        mass = np.where(here, sums.shares / np.where(here, together, 1.0), 0.0)
        share = mass / mass.sum() / np.maximum(np.bincount(variants, minlength=len(here)), 1)
        texts = self.train.variants.astype(np.float64)
        return fit_ridge(texts, means[variants], share[variants] * sums.counts.sum(), self.options.penalty)

    def _whiten(
        self,
        subspace: Frame,
        spread: Spread,
        mean_of: LinearMap,
        means: list[np.ndarray],
        roots: list[np.ndarray],
    ) -> ClosedForm:
        """The second pass. Residuals of each fold are whitened by its root (q, q) around its means (G, q)."""
        whitened = mean_of.then(spread.inverse_root)
        at = group_means(self.train, whitened)
        matrices = [subspace.basis @ root for root in roots]
        shifts = [own @ root for own, root in zip(means, roots, strict=True)]
        latent = np.empty((len(self.train.x), subspace.latent_dim), dtype=np.float32)
        radii, centre = np.empty(len(latent)), np.zeros(subspace.latent_dim)
        for fold, rows, block in self._blocks("whitening"):
            groups = self.train.groups[rows]
            unseen = self._times(block, matrices[fold]) - shifts[fold][groups]
            radii[rows] = np.einsum("ij,ij->i", unseen, unseen)
            unseen += (at - whitened.offset)[groups]
            centre += self.train.weights[rows] @ unseen
            latent[rows] = unseen
        if self.options.linear_path:
            return ClosedForm(subspace, spread, mean_of, latent, whitened.offset, radii)
        latent -= centre.astype(np.float32)  # the mean over groups and speakers
        return ClosedForm(subspace, spread, mean_of, latent, whitened.offset + centre, radii)

    def _gram(self, block: np.ndarray) -> np.ndarray:
        """block' block, on the device."""
        if self.device.type == "cpu":
            return block.T @ block
        rows = self._there(block)
        return (rows.T @ rows).cpu().numpy()

    def _times(self, block: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """The product of two matrices, on the device."""
        if self.device.type == "cpu":
            return block @ matrix
        return (self._there(block) @ self._there(matrix)).cpu().numpy()

    def _there(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
