"""Calibration: do the regions that a generator is sure of hold as many unseen speakers as they claim?

A rank u of each unseen vector, from 0 at the centre of what a generator makes to 1 at its edge, is uniform where the
generator is right (probability integral transform). Too many high ranks: its spread is too little; too few: too much.

    with a density      u = F(|S^-1/2 (y - m)|^2), F of chi^2 with q degrees of freedom, or of q times F(q, nu) for
                        Student-t; of a mixture, the mean over components, by how likely each has made y
    without one         u = share of the samples that lie further in than y: the mean distance to all samples says how
                        far out a vector is

(T. Gneiting et al., "Assessing probabilistic forecasts of multivariate quantities", TEST 17, 2008: the box density
ordinate transform for Gaussians, and ranks by a function of the vector, here the distance of the energy score.)
`coverage_curve` is the share of ranks up to each level, speakers counting alike.
"""

import math
from collections.abc import Sequence

import numpy as np

from steps.metrics.energy_score import distances_to_others, mean_distances

LEVELS = (50, 80, 95)  # per cent of a generator's own vectors that a region holds


def radius_ranks(squares: np.ndarray, dim: int, dof: float = math.inf, likely: np.ndarray | None = None) -> np.ndarray:
    """Ranks (N,) of vectors by their squared Mahalanobis radius from each of K components.

    Args:
        squares: (N, K). dim: q, of the space. dof: of Student-t components; infinity means Gaussian.
        likely: (N, K) posterior of the components; by default they are equally likely.
    """
    from scipy.stats import chi2, f

    ranks = chi2.cdf(squares, dim) if math.isinf(dof) else f.cdf(squares / dim, dim, dof)
    return np.average(ranks, axis=1, weights=likely)


def distance_ranks(samples: np.ndarray, held_out: np.ndarray, speakers: np.ndarray | None = None) -> np.ndarray:
    """Ranks (N,) of held-out vectors (N, D) among samples (M, D), by the mean distance to samples of other speakers.

    Args:
        speakers: (M,) of the samples, two or more; by default another one each row.
    """
    own = np.sort(distances_to_others(samples, speakers)[0])
    return np.searchsorted(own, mean_distances(held_out, samples)) / len(samples)


def coverage_curve(ranks: np.ndarray, speakers: np.ndarray, levels: Sequence[float] = LEVELS) -> dict[str, float]:
    """Per cent -> share of the ranks (N,) inside the region that should hold so many, the mean over speakers first.

    Args:
        speakers: (N,) numbers 0 to S - 1.
    """
    counts = np.bincount(speakers)
    return {f"{level:g}": float((np.bincount(speakers, ranks <= level / 100) / counts).mean()) for level in levels}


def rank_distance(ranks: np.ndarray, speakers: np.ndarray) -> float:
    """The largest difference, 0 to 1, of the coverage curve from the diagonal, at any level; speakers count alike.

    It is Kolmogorov and Smirnov's distance of the ranks from uniform ones.
    """
    order = np.argsort(ranks)
    weights = (1 / np.bincount(speakers))[speakers][order]
    upper = np.cumsum(weights) / weights.sum()
    at, lower = ranks[order], np.concatenate([[0], upper[:-1]])
    return float(max((upper - at).max(), (at - lower).max()))
