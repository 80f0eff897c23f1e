"""The M step: the model of largest likelihood given sums, within floors; and how its mixtures grow.

States with the same density are tied: they share its Gaussians and its probability of staying. A density without
frames keeps what it has. Mixtures grow as in `steps/gmm/em.py`: the heaviest Gaussians of each density become two.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from steps.gmm.em_options import EmOptions
from steps.hmm.expectation import HmmSums
from steps.hmm.hmm_model import LOOPS, HmmModel


class UpdatedHmm(NamedTuple):
    """A model after a pass.

    Attributes:
        model: it. n_floored: variances that the floor has raised. n_pruned: Gaussians left out.
        counts: (C,) frames of the Gaussians that are left.
    """

    model: HmmModel
    n_floored: int
    n_pruned: int
    counts: np.ndarray


def updated(model: HmmModel, sums: HmmSums, global_variance: np.ndarray, options: EmOptions) -> UpdatedHmm:
    """The model of largest likelihood given the sums, within the floors.

    Args:
        global_variance: (D,) of all frames.
    """
    counts = sums.gaussians.counts
    totals = np.bincount(model.pdfs, counts)
    kept = _kept(model, counts, options.least_frames)
    learns = (totals >= options.least_frames)[model.pdfs]
    means, variances = model.pool.estimated(counts, sums.gaussians.expanded)
    floor = options.variance_floor * global_variance
    n_floored = int((variances < floor)[kept & learns].sum())
    means = np.where(learns[:, None], means, model.means)[kept]
    variances = np.where(learns[:, None], np.maximum(variances, floor), model.variances)[kept]
    pdfs = model.pdfs[kept]
    weights = np.where(learns, counts, model.weights)[kept]
    weights = weights / np.bincount(pdfs, weights)[pdfs]
    visited = sums.visits >= options.least_frames
    loops = np.where(visited, sums.stays / np.where(visited, sums.visits, 1), model.loops)
    new = HmmModel(weights, means, variances, pdfs, np.clip(loops, *LOOPS))
    return UpdatedHmm(new, n_floored, int((~kept).sum()), counts[kept])


def _kept(model: HmmModel, counts: np.ndarray, least: float) -> np.ndarray:
    """Which Gaussians (C,) stay: those with frames enough, the heaviest of each density, all where none has frames."""
    kept = counts >= least
    for pdf in np.unique(model.pdfs[~kept]):
        own = np.flatnonzero(model.pdfs == pdf)
        if counts[own].sum() < least:
            kept[own] = True
        kept[own[np.argmax(counts[own])]] = True
    return kept


def grown(
    model: HmmModel, counts: np.ndarray, wanted: np.ndarray, rng: np.random.Generator, options: EmOptions
) -> HmmModel:
    """The same with at most twice the Gaussians of each density, and at most as many as wanted.

    Args:
        counts: (C,) frames of each Gaussian; one with less than twice `least_frames` stays whole. wanted: (P,).
    """
    sizes = np.bincount(model.pdfs)
    heavy: list[int] = []
    for pdf, size in enumerate(sizes):
        own = np.flatnonzero(model.pdfs == pdf)
        order = own[np.argsort(-counts[own], kind="stable")][: max(0, min(size, wanted[pdf] - size))]
        heavy += [int(one) for one in order if counts[one] >= 2 * options.least_frames]
    chosen = np.sort(np.array(heavy, np.int64))
    signs = rng.choice([-1.0, 1.0], size=(len(chosen), model.dim))
    shift = options.split_distance * signs * np.sqrt(model.variances[chosen])
    weights, means = model.weights.copy(), model.means.copy()
    weights[chosen] /= 2
    means[chosen] += shift
    pdfs = np.concatenate([model.pdfs, model.pdfs[chosen]])
    order = np.argsort(pdfs, kind="stable")
    return replace(
        model,
        weights=np.concatenate([weights, weights[chosen]])[order],
        means=np.concatenate([means, model.means[chosen] - shift])[order],
        variances=np.concatenate([model.variances, model.variances[chosen]])[order],
        pdfs=pdfs[order],
    )
