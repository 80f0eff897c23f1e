"""Test log density: how likely the generator finds unseen speakers, given texts it has not read.

All generators are measured in one fixed subspace, the principal directions of the training set with at least 1 % of
the largest deviation, and in the original units. A mixture of Gaussians or of Student-t projects to one, so every
generator is projected exactly, whatever space it works in; a dimension that is constant in the data buys no
likelihood. Log densities are averaged over the texts of the group, then over the segments of a speaker, then over
speakers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import gammaln, logsumexp

from steps.generators.mixture import Frame, Mixture

ROOTS_KEPT = 64  # Cholesky factors kept for components with the same scales; each is d x d
LEVELS = (50, 80, 95)  # per cent


@dataclass(frozen=True)
class FullMixture:
    """A mixture whose components have full scale matrices.

    Attributes:
        log_weights: (K,).
        means: (K, d).
        roots: K lower triangular Cholesky factors (d, d) of the scale matrices.
        dof: degrees of freedom; infinity means Gaussian.
    """

    log_weights: np.ndarray
    means: np.ndarray
    roots: Sequence[np.ndarray]
    dof: float

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """Log density (N,) in nats at z (N, d)."""
        parts = []
        for mean, root in zip(self.means, self.roots, strict=True):
            squares = (solve_triangular(root, (z - mean).T, lower=True, check_finite=False) ** 2).sum(axis=0)
            parts.append(_log_kernel(squares, z.shape[1], self.dof) - np.log(np.diag(root)).sum())
        return logsumexp(np.stack(parts, axis=1) + self.log_weights, axis=1)


def _log_kernel(squares: np.ndarray, d: int, dof: float) -> np.ndarray:
    """Log density of a standard Gaussian or Student-t in d dimensions at squared radius `squares`."""
    if math.isinf(dof):
        return -0.5 * (squares + d * math.log(2 * math.pi))
    constant = gammaln((dof + d) / 2) - gammaln(dof / 2) - d / 2 * math.log(dof * math.pi)
    return constant - (dof + d) / 2 * np.log1p(squares / dof)


class NoDensity(Exception):
    """The generator has no density in the subspace: it lives in fewer dimensions."""


class Projector:
    """Projects mixtures into one subspace, given as a frame with an orthonormal basis (D, d)."""

    def __init__(self, subspace: Frame):
        self.subspace = subspace
        self._frames: dict[int, tuple[Frame, np.ndarray, np.ndarray, Frame]] = {}
        self._roots: dict[tuple[int, bytes], np.ndarray] = {}

    def __call__(self, mixture: Mixture) -> Mixture | FullMixture:
        """The exact marginal of a mixture in the subspace. Raises NoDensity where it has fewer dimensions."""
        offset, basis, placed = self._project(mixture.frame)
        d, q = basis.shape
        if q < d:
            raise NoDensity(f"its density has {q} dimensions, the subspace of the training set {d}")
        if q == d:
            return Mixture(mixture.log_weights, mixture.means, mixture.scales, placed, mixture.dof)
        roots = [self._root(mixture.frame, basis, scales) for scales in mixture.scales]
        return FullMixture(mixture.log_weights, offset + mixture.means @ basis.T, roots, mixture.dof)

    def _project(self, frame: Frame) -> tuple[np.ndarray, np.ndarray, Frame]:
        """Offset (d,) and basis (d, q) of a frame as seen in the subspace; done once for a frame that is shared."""
        if id(frame) not in self._frames:
            offset = self.subspace.to_latent(frame.offset[None])[0]
            directions = self.subspace.basis.T
            basis = directions @ frame.matrix
            self._frames[id(frame)] = frame, offset, basis, Frame(offset, basis)
        return self._frames[id(frame)][1:]

    def _root(self, frame: Frame, basis: np.ndarray, scales: np.ndarray) -> np.ndarray:
        """Cholesky factor (d, d) of basis diag(scales^2) basis'. Components that share their scales share it."""
        key = id(frame), scales.tobytes()
        if key not in self._roots:
            if len(self._roots) == ROOTS_KEPT:
                self._roots.clear()
            stretched = basis * scales
            self._roots[key] = np.linalg.cholesky(stretched @ stretched.T)
        return self._roots[key]
