"""Density and coverage: the generated speakers that fall near real ones, the real ones that have a generated one near.

    density  = 1/(k M) sum_j sum_i [G_j in B_i]      coverage = 1/N sum_i [some G_j in B_i]

where B_i is the ball around the real vector T_i that reaches to its k-th nearest real neighbour, in cosine distance
(Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020, arXiv:2002.09797). With one vector
a speaker and as many generated as real ones, a perfect generator has density 1 and `expected_coverage`.
"""

import numpy as np

from steps.metrics.distances import BLOCK, nearest

NEIGHBOURS = 5
MIN_SPEAKERS = 3


def density_and_coverage(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[float, float]:
    """Density and coverage of the unit vectors `real` (N, D), N > k, by the unit vectors `generated` (M, D)."""
    ids = np.arange(len(real))
    radius = nearest(real, real, k, ids, ids)[:, -1]
    hits, covered = 0, np.zeros(len(real), dtype=bool)
    step = max(1, BLOCK // len(real))
    for start in range(0, len(generated), step):
        inside = 1 - generated[start : start + step] @ real.T <= radius
        hits += int(inside.sum())
        covered |= inside.any(axis=0)
    return hits / (k * max(1, len(generated))), float(covered.mean())


def expected_coverage(n: int, m: int, k: int) -> float:
    """Coverage of n real vectors by m generated ones of the very same distribution.

    A real vector is missed when the k nearest of the n - 1 + m others are all real.
    """
    miss = 1.0
    for i in range(1, k + 1):
        miss *= (n - i) / (m + n - i)
    return 1 - miss


def neighbours_for(n: int) -> int:
    """k for a set of n real vectors: `NEIGHBOURS` where there are enough, else what leaves the balls local."""
    return min(NEIGHBOURS, (n - 1) // 2)
