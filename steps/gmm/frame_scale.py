"""Frames centred and scaled, so that squares in float32 do not cancel digits; and what every mixture must be."""

from typing import NamedTuple

import numpy as np


class FrameScale(NamedTuple):
    """z = (x - mean) / deviation.

    Attributes:
        mean, deviation: (D,) float64.
    """

    mean: np.ndarray
    deviation: np.ndarray

    def apply(self, x: np.ndarray) -> np.ndarray:
        """z (..., D)."""
        return (x - self.mean) / self.deviation

    def undo(self, z: np.ndarray) -> np.ndarray:
        """x (..., D)."""
        return z * self.deviation + self.mean


def require_mixture(weights: np.ndarray, means: np.ndarray, spreads: np.ndarray, expected: tuple[int, ...]) -> None:
    """Raise ValueError where shapes disagree, numbers are not finite, or weights are no shares."""
    if means.ndim != 2 or not means.size or weights.shape != means.shape[:1] or spreads.shape != expected:
        raise ValueError(f"weights {weights.shape}, means {means.shape}, spreads {spreads.shape} are no mixture")
    if not all(np.isfinite(values).all() for values in (weights, means, spreads)):
        raise ValueError("numbers that are not finite")
    if (weights < 0).any() or abs(weights.sum() - 1) > 1e-6:
        raise ValueError(f"weights that sum to {weights.sum():.6g}; expected shares, which sum to 1")
