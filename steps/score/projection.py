"""Exact projection of mixtures into one subspace of the embeddings, in which all generators are compared.

The marginal of a mixture of Gaussians or of Student-t in a subspace is such a mixture again, so every generator is
projected exactly, whatever space it works in. The density is in the original units of the embeddings. What is no
mixture, such as a flow, has a density here only where it stands in this subspace itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import gammaln, logsumexp

from steps.generators.blend import Blend
from steps.generators.mixture import Frame, Mixture
from steps.generators.samplers import Sampler

SAME = 1e-6  # of a direction: how much of it may lie outside of a subspace that has it
ROOT_BYTES = 2**28  # of the Cholesky factors (d, d) that are kept for components with the same scales
LEVELS = (50, 80, 95)  # per cent


@dataclass(frozen=True)
class FullMixture:
    """A mixture whose components have full scale matrices.

    Attributes:
        log_weights: (K,) logarithms of the weights.
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


@dataclass(frozen=True)
class InSubspace:
    """The density of a sampler that stands in the subspace.

    Attributes:
        sampler: with a density. subspace: a frame with an orthonormal basis (D, d), which keeps volumes.
    """

    sampler: Sampler
    subspace: Frame

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """Log density (N,) in nats at z (N, d)."""
        return self.sampler.log_density(self.subspace.to_embedding(z))


def _log_kernel(squares: np.ndarray, d: int, dof: float) -> np.ndarray:
    """Log density of a standard Gaussian or Student-t in d dimensions at squared radius `squares`."""
    if math.isinf(dof):
        return -0.5 * (squares + d * math.log(2 * math.pi))
    constant = gammaln((dof + d) / 2) - gammaln(dof / 2) - d / 2 * math.log(dof * math.pi)
    return constant - (dof + d) / 2 * np.log1p(squares / dof)


class NoDensity(Exception):
    """A generator has no density in the subspace, as where it has fewer dimensions."""


class Projector:
    """Projects mixtures into one subspace, given as a frame with an orthonormal basis (D, d)."""

    def __init__(self, subspace: Frame):
        self.subspace = subspace
        self._frames: dict[int, tuple[Frame, np.ndarray, np.ndarray, Frame]] = {}
        self._roots: dict[tuple[int, bytes], np.ndarray] = {}

    def __call__(self, mixture: Mixture | Blend | Sampler) -> Mixture | FullMixture | InSubspace:
        """The exact marginal of a mixture in the subspace. Raises NoDensity where there is none."""
        if isinstance(mixture, Sampler):
            if not all(self._has(frame) for frame in mixture.frames):
                raise NoDensity("it is no mixture, and stands in another subspace than that of the training set")
            return InSubspace(mixture, self.subspace)
        if isinstance(mixture, Blend):
            return self._with_roots(mixture.log_weights, mixture.parts)
        basis, placed = self._project(mixture.frame)[1:]
        if basis.shape[0] == basis.shape[1]:
            return Mixture(mixture.log_weights, mixture.means, mixture.scales, placed, mixture.dof)
        return self._with_roots(mixture.log_weights, [mixture])

    def _with_roots(self, log_weights: np.ndarray, parts: Sequence[Mixture]) -> FullMixture:
        """The marginal of mixtures with these weights (K,) of all their components."""
        means, roots = [], []
        for part in parts:
            offset, basis, _ = self._project(part.frame)
            d, q = basis.shape
            if q < d:
                raise NoDensity(f"its density has {q} dimensions, the subspace of the training set {d}")
            means.append(offset + part.means @ basis.T)
            roots += [self._root(part.frame, basis, scales) for scales in part.scales]
        return FullMixture(log_weights, np.concatenate(means), roots, parts[0].dof)

    def _has(self, frame: Frame) -> bool:
        """Does a frame span the subspace, and nothing else?"""
        if frame.latent_dim != self.subspace.latent_dim:
            return False
        lines = np.column_stack([frame.matrix, frame.offset - self.subspace.offset])
        outside = lines - self.subspace.matrix @ (self.subspace.matrix.T @ lines)
        lengths = np.linalg.norm(frame.matrix, axis=0)
        limits = SAME * np.append(lengths, lengths.max())
        return bool((np.linalg.norm(outside, axis=0) <= limits).all())

    def _project(self, frame: Frame) -> tuple[np.ndarray, np.ndarray, Frame]:
        """Offset (d,) and basis (d, q) of a frame in the subspace, and a frame of both; stored for each frame."""
        if id(frame) not in self._frames:
            offset = self.subspace.to_latent(frame.offset[None])[0]
            directions = self.subspace.basis.T
            basis = directions @ frame.matrix
            self._frames[id(frame)] = frame, offset, basis, Frame(offset, basis)
        return self._frames[id(frame)][1:]

    def _root(self, frame: Frame, basis: np.ndarray, scales: np.ndarray) -> np.ndarray:
        """Cholesky factor (d, d) of basis diag(scales^2) basis'; equal scales are factored once."""
        key = id(frame), scales.tobytes()
        if key not in self._roots:
            if len(self._roots) >= max(1, ROOT_BYTES // (8 * len(basis) ** 2)):
                self._roots.clear()
            stretched = basis * scales
            try:
                self._roots[key] = np.linalg.cholesky(stretched @ stretched.T)
            except np.linalg.LinAlgError as error:
                raise NoDensity("its covariance has no inverse in the subspace of the training set") from error
        return self._roots[key]
