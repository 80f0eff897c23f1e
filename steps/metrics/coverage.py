"""Density, coverage, precision and recall of generated vectors, from balls around real ones and around generated ones.

    density   = 1/(k M) sum_j sum_i [G_j in B_i]     coverage = 1/N sum_i [some G_j in B_i]
    precision = 1/M sum_j [G_j in some B_i]          recall   = 1/N sum_i [T_i in some C_j]

where B_i is the ball around the real vector T_i that reaches to its k-th nearest real neighbour, and C_j the same of
the generated vectors G_j, in cosine distance (Naeem et al., Reliable Fidelity and Diversity Metrics for Generative
Models, 2020, arXiv:2002.09797; Kynkäänniemi et al., Improved Precision and Recall Metric for Assessing Generative
Models, 2019, arXiv:1904.06991). With one vector a speaker and as many generated as real ones, a perfect generator has
density 1 and `expected_coverage`.
"""

from collections.abc import Iterator

import numpy as np

from steps.metrics.distances import BLOCK, nearest

NEIGHBOURS = 5
MIN_SPEAKERS = 3


def density_and_coverage(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[float, float]:
    """Density and coverage of the unit vectors `real` (N, D), N > k, by the unit vectors `generated` (M, D)."""
    hits, covered = 0, np.zeros(len(real), dtype=bool)
    for inside in _in_balls(generated, real, k):
        hits += int(inside.sum())
        covered |= inside.any(axis=0)
    return hits / (k * max(1, len(generated))), float(covered.mean())


def precision_and_recall(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[float, float]:
    """Precision and recall of the unit vectors `generated` (M, D), M > k, against `real` (N, D), N > k."""
    shares = [
        np.concatenate([inside.any(axis=1) for inside in _in_balls(x, centres, k)]).mean()
        for x, centres in ((generated, real), (real, generated))
    ]
    return float(shares[0]), float(shares[1])


def own_coverage(real: tuple[np.ndarray, np.ndarray], generated: tuple[np.ndarray, np.ndarray]) -> float:
    """The share of real vectors with a generated one of their own group in their ball.

    Args:
        real, generated: unit vectors (N, D) or (M, D), N > 3, and their groups (N,), (M,). The balls reach to the k-th
            neighbour of any group, k as `neighbours_for` has it.
    """
    (x, groups), (y, asked) = real, generated
    ids = np.arange(len(x))
    k = neighbours_for(len(x))
    radius = nearest(x, x, k, ids, ids)[:, -1]
    covered = np.zeros(len(x), dtype=bool)
    for group in np.intersect1d(groups, asked):
        rows = np.flatnonzero(groups == group)
        covered[rows] = nearest(x[rows], y[asked == group])[:, 0] <= radius[rows]
    return float(covered.mean())


def _in_balls(x: np.ndarray, centres: np.ndarray, k: int) -> Iterator[np.ndarray]:
    """Which of the vectors x (M, D) lie in which balls of `centres` (N, D): some rows at a time, (R, N) bool."""
    ids = np.arange(len(centres))
    radius = nearest(centres, centres, k, ids, ids)[:, -1]
    step = max(1, BLOCK // len(centres))
    for start in range(0, len(x), step):
        yield 1 - x[start : start + step] @ centres.T <= radius


def expected_coverage(n: int, m: int, k: int) -> float:
    """Coverage of n real vectors by m generated ones of the very same distribution.

    A real vector is missed when the k nearest of the n - 1 + m others are all real.
    """
    miss = 1.0
    for i in range(1, k + 1):
        miss *= (n - i) / (m + n - i)
    return 1 - miss


def neighbours_for(n: int) -> int:
    """k for a set of n real vectors: `NEIGHBOURS`, or half of the others where these are fewer than twice as many."""
    return min(NEIGHBOURS, (n - 1) // 2)
