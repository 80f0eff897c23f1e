"""Mixtures of Gaussians with full covariances."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from steps.gmm.frame_scale import FrameScale, require_mixture


@dataclass(frozen=True)
class FullGmm:
    """A mixture of C Gaussians over frames of D features.

    Attributes:
        weights: (C,) float64, which sum to 1. means: (C, D) float64. covariances: (C, D, D) float64.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def __post_init__(self):
        require_mixture(self.weights, self.means, self.covariances, (*self.means.shape, self.means.shape[-1]))
        try:
            np.linalg.cholesky(self.covariances)
        except np.linalg.LinAlgError as error:
            raise ValueError("covariances that are not positive definite") from error

    @property
    def n_components(self) -> int:
        """C."""
        return len(self.weights)

    @property
    def dim(self) -> int:
        """D."""
        return self.means.shape[1]

    @property
    def variances(self) -> np.ndarray:
        """Diagonals (C, D) of the covariances."""
        return np.diagonal(self.covariances, axis1=1, axis2=2)

    @cached_property
    def scale(self) -> FrameScale:
        """Mean and standard deviation of the mixture as a whole."""
        mean = self.weights @ self.means
        return FrameScale(mean, np.sqrt(self.weights @ (self.variances + (self.means - mean) ** 2)))

    def linear_form(self, scale: FrameScale | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Constants (C,) and factors (D + D (D + 1) / 2, C): log w N(x) = constant + expand(z) . factors.

        Args:
            scale: that makes z of x; by default the mixture's own.
        """
        scale = scale or self.scale
        deviation = scale.deviation
        means = scale.apply(self.means)
        precisions = np.linalg.inv(self.covariances / np.outer(deviation, deviation))
        _, log_determinants = np.linalg.slogdet(self.covariances)
        linear = np.einsum("cij,cj->ci", precisions, means)
        with np.errstate(divide="ignore"):
            constant = np.log(self.weights)
        constant = constant - 0.5 * (self.dim * np.log(2 * np.pi) + log_determinants + (linear * means).sum(axis=1))
        rows, columns = np.triu_indices(self.dim)
        twice = np.where(rows == columns, 0.5, 1.0)  # each pair of features stands once
        return constant, np.concatenate([linear, -twice * precisions[:, rows, columns]], axis=1).T

    def expand(self, z: torch.Tensor) -> torch.Tensor:
        """[z, z_i z_j of i <= j] (T, D + D (D + 1) / 2) of scaled frames (T, D)."""
        rows, columns = torch.triu_indices(self.dim, self.dim, device=z.device)
        return torch.cat([z, z[:, rows] * z[:, columns]], dim=1)

    def estimated(self, counts: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means (C, D) and covariances (C, D, D) of largest likelihood; those of components without frames stay.

        Args:
            counts: (C,) posteriors. sums: (C, D + D (D + 1) / 2) of `expand`, weighted by posteriors.
        """
        seen = (counts > 0)[:, None]
        average = sums / np.where(seen, counts[:, None], 1)
        mean = average[:, : self.dim]
        rows, columns = np.triu_indices(self.dim)
        second = np.empty((len(counts), self.dim, self.dim))
        second[:, rows, columns] = second[:, columns, rows] = average[:, self.dim :]
        deviation = self.scale.deviation
        covariance = (second - mean[:, :, None] * mean[:, None, :]) * np.outer(deviation, deviation)
        means = np.where(seen, self.scale.undo(mean), self.means)
        return means, np.where(seen[:, :, None], covariance, self.covariances)
