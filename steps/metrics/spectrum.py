"""The spread of samples, direction by direction, beside that of real speakers: the spectrum, with bootstrap bands.

    r_i = v_i' S_G v_i / v_i' S_T v_i,    v_1 ... v_q the principal directions of the training speakers

S_G and S_T are the covariances of samples and of test speakers, one row a speaker. The directions are those of a third
set, so that no eigenvalue is the largest of many by chance, which makes the first ones of a small set too large and its
last ones too small. The band of a direction holds 95 % of what draws of the test speakers, with replacement, give
(B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993).
"""

from typing import NamedTuple

import numpy as np

DRAWS = 400
BAND = (2.5, 97.5)  # per cent
ROUNDING = 1e-10  # of the length of vectors: what varies less is one vector


class Spectrum(NamedTuple):
    """Variances along q directions.

    Attributes:
        samples, real: (q,). low, high: (q,) the band of the real ones.
    """

    samples: np.ndarray
    real: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def outside(self) -> float:
        """The share of directions in which the samples vary less or more than the band says."""
        return float(((self.samples < self.low) | (self.samples > self.high)).mean())

    @property
    def log_ratio(self) -> float:
        """The mean of log r_i: 0 where the spread is right, below 0 where it is too little."""
        return float(np.log(self.samples / self.real).mean())

    @property
    def shape(self) -> float:
        """The standard deviation of log r_i: 0 where the spread is right but for its size."""
        return float(np.log(self.samples / self.real).std())


def spectrum(samples: np.ndarray, real: np.ndarray, rng: np.random.Generator, draws: int = DRAWS) -> Spectrum:
    """Variances of coordinates of samples (N, q) and real vectors (M, q), with the band of the real ones."""
    of_samples, of_real = (np.maximum(one.var(axis=0, ddof=1), 1e-30) for one in (samples, real))
    n = len(real)
    shares = rng.multinomial(n, np.full(n, 1 / n), size=draws) / n  # (draws, M)
    centred = real - real.mean(axis=0)
    drawn = shares @ centred**2 - (shares @ centred) ** 2  # (draws, q)
    low, high = np.percentile(drawn * n / (n - 1), BAND, axis=0)
    return Spectrum(of_samples, of_real, low, high)


def effective_dimensions(x: np.ndarray) -> float:
    """How many directions x (N, D) fills: (sum l)^2 / sum l^2 of the eigenvalues l of its covariance; 0 of one vector.

    The sums are the trace of the covariance and of its square, so that no eigenvalue is computed (participation ratio:
    P. Gao et al., "A theory of multineuronal dimensionality", bioRxiv 214262, 2017).
    """
    covariance = np.atleast_2d(np.cov(x.astype(np.float64), rowvar=False))
    if np.trace(covariance) <= ROUNDING**2 * np.square(x).sum(axis=1).mean():
        return 0.0
    return float(np.trace(covariance) ** 2 / (covariance**2).sum())
