"""Cosine distances between sets of embeddings: exact nearest neighbours and the mean over all pairs.

Nearest neighbours are found by blocked matrix products, so that no N x N matrix is ever held; the mean pairwise
distance needs only the sum of the unit vectors.
"""

import numpy as np

from utils.vectors import unit_rows

BLOCK = 1 << 24  # similarities held at a time: 64 MB of float32


def nearest(
    queries: np.ndarray,
    base: np.ndarray,
    k: int = 1,
    query_ids: np.ndarray | None = None,
    base_ids: np.ndarray | None = None,
) -> np.ndarray:
    """Cosine distances (N, k) of unit vectors (N, D) to their k nearest unit vectors in `base` (M, D), nearest first.

    Pairs with equal `query_ids` (N) and `base_ids` (M) are left out, so that a vector is not its own neighbour, or a
    segment not that of its own speaker. A query with fewer than k neighbours gets infinite distances.
    """
    distances = np.empty((len(queries), k), dtype=np.float32)
    step = max(1, BLOCK // len(base))
    for start in range(0, len(queries), step):
        block = slice(start, start + step)
        similarity = queries[block] @ base.T
        if query_ids is not None:
            similarity[query_ids[block, None] == base_ids[None, :]] = -np.inf
        if k > 1:
            similarity = -np.sort(-np.partition(similarity, len(base) - k, axis=1)[:, -k:], axis=1)
        else:
            similarity = similarity.max(axis=1, keepdims=True)
        distances[block] = 1 - similarity
    return np.maximum(distances, 0)


def nearest_other(unit: np.ndarray) -> np.ndarray:
    """Distance (N,) of each unit vector (N, D) to the nearest other one."""
    ids = np.arange(len(unit))
    return nearest(unit, unit, 1, ids, ids)[:, 0]


def mean_pairwise_distance(x: np.ndarray) -> float:
    """Mean cosine distance over all pairs of rows of x (N, D), in O(N D): |sum|^2 holds every inner product."""
    unit = unit_rows(x)
    n = len(unit)
    total = unit.sum(axis=0, dtype=np.float64)
    own = np.einsum("nd,nd->", unit, unit, dtype=np.float64)
    return float(1 - (total @ total - own) / (n * (n - 1)))


def one_row_each(rng: np.random.Generator, codes: np.ndarray) -> np.ndarray:
    """Pick one random row for each distinct value of `codes` (N). Returns row numbers, ordered by value."""
    shuffled = rng.permutation(len(codes))
    _, first = np.unique(codes[shuffled], return_index=True)
    return shuffled[first]
