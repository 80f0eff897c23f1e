"""Energy score: how well does a set of samples foretell vectors that were never seen?

    ES(P, y) = E|X - y| - E|X - X'| / 2,    X, X' independent samples of P

the mean over held-out y, lower is better. It is proper: in expectation, nothing scores lower than the distribution of y
itself. It needs no density, so that mixtures, flows and resampled speakers stand on one scale (T. Gneiting and
A. Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102, 2007, eq. 22, with beta = 1).
"""

import numpy as np

BLOCK = 1 << 22  # distances held at a time: 16 MB


def energy_scores(samples: np.ndarray, held_out: np.ndarray, speakers: np.ndarray | None = None) -> np.ndarray:
    """The energy score (N,) of each held-out vector (N, D) under samples (M, D) of two speakers or more, without bias.

    Args:
        speakers: (M,) of the samples, which are independent as speakers; by default another one each row.
    """
    distances, others = distances_to_others(samples, speakers)
    return mean_distances(held_out, samples) - np.average(distances, weights=others) / 2


def distances_to_others(x: np.ndarray, speakers: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The mean distance (N,) of each row of x (N, D) from the rows of other speakers, and how many these are (N,).

    Args:
        speakers: (N,) two or more; by default another one each row.
    """
    if speakers is None:
        return mean_distances(x, x) * (len(x) / (len(x) - 1)), np.full(len(x), len(x) - 1)
    _, numbers, counts = np.unique(speakers, return_inverse=True, return_counts=True)
    sums, order = mean_distances(x, x) * len(x), np.argsort(numbers, kind="stable")
    for rows in np.split(order, np.cumsum(counts)[:-1]):
        if len(rows) > 1:
            sums[rows] -= mean_distances(x[rows], x[rows]) * len(rows)
    others = len(x) - counts[numbers]
    return sums / others, others


def mean_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The mean Euclidean distance (N,) of each row of x (N, D) from the rows of y (M, D), in linear memory.

    Equal rows are at distance 0, whatever the rounding.
    """
    centre = y.mean(axis=0, dtype=np.float64)
    x, y = ((one - centre).astype(np.float32) for one in (x, y))
    squares = np.vecdot(y, y)
    found = np.empty(len(x))
    step = max(1, BLOCK // len(y))
    for start in range(0, len(x), step):
        rows = x[start : start + step]
        own = np.vecdot(rows, rows)[:, None]
        squared = own + squares - 2 * rows @ y.T
        squared[squared < 1e-6 * own] = 0
        found[start : start + step] = np.sqrt(squared).mean(axis=1, dtype=np.float64)
    return found
