"""Marks of the space that an encoder's vectors lie in: their norms, their zeros and negative entries.

Encoders with a last ReLU or a last division by the norm leave such marks, and vectors without them are none of theirs,
even where distances and classes are right. Each is a plain share or mean, to be compared with that of real speakers.
"""

import numpy as np

SAME_NORM = 1e-4  # of the median real norm; smaller differences are rounding of whoever wrote the vectors


def norm_distance(x: np.ndarray, real: np.ndarray) -> float:
    """Kolmogorov and Smirnov's distance of the norms of x (N, D) from those of real vectors (M, D).

    It is the largest difference of the two distribution functions, 0 to 1 (N. Smirnov, "Table for estimating the
    goodness of fit of empirical distributions", 1948).
    """
    from scipy.stats import ks_2samp

    norms, of_real = (np.linalg.norm(one.astype(np.float64), axis=1) for one in (x, real))
    step = SAME_NORM * np.median(of_real)
    if step > 0:
        norms, of_real = np.round(norms / step), np.round(of_real / step)
    return float(ks_2samp(norms, of_real, method="asymp").statistic)


def mean_norm(x: np.ndarray, speakers: np.ndarray) -> float:
    """The mean norm of x (N, D), of each speaker (N,) first; speakers are numbers 0 to S - 1."""
    return _of_speakers(np.linalg.norm(x, axis=1), speakers)


def zero_share(x: np.ndarray, speakers: np.ndarray) -> float:
    """The share of entries of x (N, D) that are exactly 0, of each speaker (N,) first."""
    return _of_speakers((x == 0).mean(axis=1), speakers)


def negative_share(x: np.ndarray, speakers: np.ndarray) -> float:
    """The share of entries of x (N, D) below 0, of each speaker (N,) first."""
    return _of_speakers((x < 0).mean(axis=1), speakers)


def _of_speakers(values: np.ndarray, speakers: np.ndarray) -> float:
    return float((np.bincount(speakers, values) / np.bincount(speakers)).mean())
