"""Energy score: how well does a set of samples foretell vectors that were never seen?

    ES(P, y) = E|X - y| - E|X - X'| / 2,    X, X' independent samples of P

the mean over held-out y, lower is better. It is proper: in expectation, nothing scores lower than the distribution of y
itself. It needs no density, so that mixtures, flows and resampled speakers stand on one scale (T. Gneiting and
A. Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102, 2007, eq. 22, with beta = 1).
"""

import numpy as np

BLOCK = 1 << 22  # distances held at a time: 16 MB


def energy_scores(samples: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """The energy score (N,) of each held-out vector (N, D) under samples (M, D), two or more, without bias."""
    pairs = len(samples) * (len(samples) - 1)
    spread = mean_distances(samples, samples).sum() * len(samples) / pairs
    return mean_distances(held_out, samples) - spread / 2


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
