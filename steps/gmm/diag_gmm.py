"""Mixtures of Gaussians with diagonal covariances."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from steps.gmm.frame_scale import FrameScale, require_mixture


@dataclass(frozen=True)
class DiagGmm:
    """A mixture of C Gaussians over frames of D features.

    Attributes:
        weights: (C,) float64, which sum to 1. means, variances: (C, D) float64.
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    def __post_init__(self):
        require_mixture(self.weights, self.means, self.variances, self.means.shape)
        if (self.variances <= 0).any():
            raise ValueError("variances that are not above 0")

    @property
    def n_components(self) -> int:
        """C."""
        return len(self.weights)

    @property
    def dim(self) -> int:
        """D."""
        return self.means.shape[1]

    @cached_property
    def scale(self) -> FrameScale:
        """Mean and standard deviation of the mixture as a whole."""
        mean = self.weights @ self.means
        return FrameScale(mean, np.sqrt(self.weights @ (self.variances + (self.means - mean) ** 2)))

    def linear_form(self, scale: FrameScale | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Constants (C,) and factors (2D, C): log w N(x) = constant + expand(z) . factors, z as `scale` makes it of x.

        log N(x; m, v) = -1/2 sum(log 2 pi v + m^2 / v) + x . m / v - x^2 . 1 / 2v

        Args:
            scale: by default the mixture's own.
        """
        scale = scale or self.scale
        means, variances = scale.apply(self.means), self.variances / scale.deviation**2
        with np.errstate(divide="ignore"):  # components of weight 0 take no frames
            constant = np.log(self.weights)
        constant = constant - 0.5 * (np.log(2 * np.pi * self.variances) + means**2 / variances).sum(axis=1)
        return constant, np.concatenate([means / variances, -0.5 / variances], axis=1).T

    @staticmethod
    def expand(z: torch.Tensor) -> torch.Tensor:
        """[z, z^2] (T, 2D) of scaled frames (T, D)."""
        return torch.cat([z, z * z], dim=1)

    def estimated(self, counts: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances (C, D) of largest likelihood; those of components without frames stay.

        Args:
            counts: (C,) posteriors. sums: (C, 2D) of `expand`, weighted by posteriors.
        """
        seen = (counts > 0)[:, None]
        average = sums / np.where(seen, counts[:, None], 1)
        mean, square = average[:, : self.dim], average[:, self.dim :]
        means = np.where(seen, self.scale.undo(mean), self.means)
        return means, np.where(seen, (square - mean**2) * self.scale.deviation**2, self.variances)
