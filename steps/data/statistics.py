"""Statistics of vectors in one pass over chunks, and the checks that each vector must pass.

Means and variances are merged chunk by chunk: T. F. Chan, G. H. Golub, R. J. LeVeque, Updating Formulae and a Pairwise
Algorithm for Computing Sample Variances, 1979. Everything is summed in a fixed order: the same vectors give the same
figures, whatever the number of threads.
"""

from typing import Any

import numpy as np


def squared_norms(chunk: np.ndarray) -> np.ndarray:
    """(n,) squared norm of each row of `chunk` (n, D)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.einsum("nd,nd->n", chunk, chunk)


def find_unusable(chunk: np.ndarray, squares: np.ndarray) -> tuple[int, str] | None:
    """The first row of `chunk` (n, D) that cannot be used, and what is wrong with it.

    Args:
        squares: (n,) float32 squared norms; they must be finite and not zero.
    """
    unusable = np.flatnonzero(~np.isfinite(squares) | (squares == 0))
    if not unusable.size:
        return None
    row = int(unusable[0])
    if np.isnan(chunk[row]).any():
        return row, "holds NaN"
    if np.isinf(chunk[row]).any():
        return row, "holds infinite values"
    if not chunk[row].any():
        return row, "is zero throughout"
    return row, f"has the norm {np.linalg.norm(chunk[row].astype(np.float64)):.3g}, whose square float32 cannot hold"


class Statistics:
    """Statistics of all chunks so far: per dimension, and of the norms."""

    def __init__(self, dim: int):
        self.count = 0
        self.mean, self.scatter = np.zeros(dim), np.zeros(dim)
        self.low, self.high = np.full(dim, np.inf, np.float32), np.full(dim, -np.inf, np.float32)
        self.zeros = np.zeros(dim, np.int64)
        self.norms: list[np.ndarray] = []

    def add(self, chunk: np.ndarray, squares: np.ndarray) -> None:
        """Take in the rows of `chunk` (n, D) float32, all of them finite, and their squared norms (n,)."""
        mean = chunk.mean(axis=0)
        centred = chunk - mean
        residue = centred.mean(axis=0).astype(np.float64)  # the rounding error of the mean in float32
        scatter = np.einsum("nd,nd->d", centred, centred) - len(chunk) * residue**2
        exact, total = mean + residue, self.count + len(chunk)
        delta = exact - self.mean
        self.mean += delta * len(chunk) / total
        self.scatter += scatter + delta**2 * self.count * len(chunk) / total
        self.count = total
        np.minimum(self.low, chunk.min(axis=0), out=self.low)
        np.maximum(self.high, chunk.max(axis=0), out=self.high)
        self.zeros += len(chunk) - np.count_nonzero(chunk, axis=0)
        self.norms.append(np.sqrt(squares))

    def summary(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        norms = np.concatenate(self.norms).astype(np.float64)
        deviation = np.sqrt(np.maximum(self.scatter, 0) / self.count)
        return {
            "utterances": self.count,
            "dim": len(self.mean),
            "mean": self.mean.tolist(),
            "std": deviation.tolist(),
            "min": self.low.tolist(),
            "max": self.high.tolist(),
            "zero_fraction": (self.zeros / self.count).tolist(),
            "constant_dims": np.flatnonzero(self.low == self.high).tolist(),
            "norm": {name: float(getattr(norms, name)()) for name in ("mean", "std", "min", "max")},
        }
