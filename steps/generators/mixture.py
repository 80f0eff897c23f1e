"""A mixture density over speaker embeddings: what every generator gives for a text.

A mixture lives in latent coordinates y (q), placed in the space of the embeddings x (D) by a `Frame` x = offset + basis
y. Components are diagonal in y, so one shared basis makes them full in x. Densities are those of x in its own units:
the Jacobian of the frame is in them. Where the basis has fewer columns than rows (dead or collinear dimensions), the
mixture lives on that affine subspace, exactly: samples lie in it, and the density is with respect to its q-dimensional
volume, so that a constant dimension does not raise the likelihood.

Sources: C. M. Bishop, Mixture Density Networks, 1994; Student-t kernels: Kotz and Nadarajah, Multivariate t
Distributions, 2004, eq. 1.1.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from utils.errors import InputError
from utils.vectors import check_shape, log_sum_exp

ROWS = 256  # whose components are in memory at once
CACHED = 64  # rows whose float64 numbers stay in the cache, where no matrix has to be fetched for them
FEW = 256  # rows, for which whole products are as good as triangular ones


@dataclass(frozen=True)
class Frame:
    """An affine map x = offset + basis y.

    Attributes:
        offset: (D,) float64.
        basis: (D, q) float64 of full column rank, or a number that stands for this multiple of the identity.
    """

    offset: np.ndarray
    basis: np.ndarray | float = 1.0

    def __post_init__(self) -> None:
        if np.ndim(self.basis):
            check_shape("the basis of a frame", self.basis, (*self.offset.shape, *np.shape(self.basis)[1:2]))

    @property
    def latent_dim(self) -> int:
        """q, the number of latent coordinates."""
        return len(self.offset) if np.ndim(self.basis) == 0 else self.basis.shape[1]

    @cached_property
    def matrix(self) -> np.ndarray:
        """(D, q), the basis as a matrix."""
        return np.eye(len(self.offset)) * self.basis if np.ndim(self.basis) == 0 else self.basis

    @cached_property
    def inverse(self) -> np.ndarray | float:
        """(q, D) pseudo-inverse of the basis, or the number's inverse."""
        return 1 / self.basis if np.ndim(self.basis) == 0 else np.linalg.pinv(self.basis)

    @cached_property
    def factors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Factors of a basis = U R and of its pseudo-inverse = Q S, from QR decompositions.

        Returns:
            diagonal of R (q,), Q (q, q), orthogonal, and S (q, D), whose first q columns are upper triangular: S (x -
            offset) is as long as the coordinates of x, for half the products.
        """
        u, r = np.linalg.qr(self.basis.astype(np.float64))
        q, s = np.linalg.qr(np.linalg.solve(r, u.T))
        return np.diag(r), q, np.asfortranarray(s)

    @cached_property
    def log_volume(self) -> float:
        """log sqrt det(basis' basis): the logarithm of how much the map stretches q-dimensional volume."""
        if np.ndim(self.basis) == 0:
            return len(self.offset) * math.log(self.basis)
        return float(np.log(np.abs(self.factors[0])).sum())

    def turned(self, x: np.ndarray) -> np.ndarray:
        """Q' y (N, q) of embeddings (N, D) with the coordinates y, which are as long."""
        moved, (_, _, s), q = x - self.offset, self.factors, self.latent_dim
        if len(x) < FEW:
            return moved @ s.T
        from scipy.linalg.blas import dtrmm  # which takes longer to load than few rows

        turned = dtrmm(1.0, s[:, :q], moved[:, :q].T).T
        if q < len(self.offset):
            turned += moved[:, q:] @ s[:, q:].T
        return turned

    @cached_property
    def single(self) -> "Frame":
        """The same numbers in float32."""
        return Frame(self.offset.astype(np.float32), np.asarray(self.basis, np.float32))

    def to_latent(self, x: np.ndarray) -> np.ndarray:
        """Coordinates (N, q) of embeddings (N, D), projected orthogonally onto the subspace."""
        return _times(x - self.offset, self.inverse)

    def to_embedding(self, y: np.ndarray) -> np.ndarray:
        """Embeddings (N, D) of coordinates (N, q), in the precision of y."""
        frame = self.single if y.dtype == np.float32 else self
        x = _times(y, frame.basis)
        x += frame.offset.astype(y.dtype, copy=False)
        return x


def _times(rows: np.ndarray, factor: np.ndarray | float) -> np.ndarray:
    return rows * rows.dtype.type(factor) if np.ndim(factor) == 0 else rows @ factor.T.astype(rows.dtype, copy=False)


@dataclass(frozen=True)
class Mixture:
    """The density over embeddings, given one text.

    Attributes:
        log_weights: (K,) logarithms of the weights, which sum to 1.
        means: (K, q) in latent coordinates.
        scales: (K, q) > 0 in latent coordinates: standard deviations of a Gaussian, scale parameters of a Student-t.
        frame: maps latent coordinates to embeddings.
        dof: degrees of freedom of Student-t components; infinity means Gaussian.
    """

    log_weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    frame: Frame
    dof: float = math.inf

    def __post_init__(self) -> None:
        shape = (*self.log_weights.shape, self.frame.latent_dim)
        check_shape("means of a mixture", self.means, shape)
        check_shape("scales of a mixture", self.scales, shape)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density (N,) in nats of embeddings (N, D), in their own units."""
        return log_sum_exp(self.component_log_density(x) + self.log_weights)

    def component_log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density (N, K) of embeddings (N, D) under each component, weights left out."""
        squares = self.squared_radii(x)
        q = self.frame.latent_dim
        log_scale = np.log(self.scales).sum(1) + self.frame.log_volume
        if math.isinf(self.dof):
            return -0.5 * (squares + q * math.log(2 * math.pi)) - log_scale
        nu = self.dof
        constant = math.lgamma((nu + q) / 2) - math.lgamma(nu / 2) - q / 2 * math.log(nu * math.pi)
        return constant - (nu + q) / 2 * np.log1p(squares / nu) - log_scale

    def squared_radii(self, x: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances (N, K) of embeddings (N, D) from the means, under the scales."""
        x = np.asarray(x)
        rows = max(len(x), 1)
        size = rows if np.ndim(self.frame.basis) else CACHED
        blocks = (x[start : start + size].astype(np.float64) for start in range(0, rows, size))
        return np.maximum(np.concatenate([self._squares(block) for block in blocks]), 0.0)

    def _squares(self, x: np.ndarray) -> np.ndarray:
        """sum_j (y_j - m_j)^2 / s_j^2 (N, K) for the coordinates y of embeddings (N, D)."""
        precision, weighted, constant = self._quadratic
        if self._is_diagonal:
            y = self.frame.to_latent(x)
            linear = y @ weighted
            return np.multiply(y, y, out=y) @ precision - linear + constant
        z = self.frame.turned(x)
        return (np.vecdot(z, z)[:, None] - 2 * z @ (self.means @ self.frame.factors[1]).T) * precision[0] + constant

    @property
    def _is_diagonal(self) -> bool:
        """Do coordinates differ in scale, or are they the embeddings' own?"""
        return np.ndim(self.frame.basis) == 0 or bool((self.scales != self.scales[:, :1]).any())

    @cached_property
    def _quadratic(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """1 / s_j^2 (q, K), 2 m_j / s_j^2 (q, K) and sum_j m_j^2 / s_j^2 (K,)."""
        # (y - m)^2 / s^2 expanded: matrix products instead of an (N, K, q) array
        precision = self.scales**-2.0
        return precision.T, 2 * (self.means * precision).T, (self.means**2 * precision).sum(1)

    def tempered(self, weights: float = 1.0, spread: float = 1.0) -> "Mixture":
        """The mixture at other temperatures: weights to the power 1/weights, variances times `spread`.

        Raises InputError for temperatures that are not finite numbers above 0.
        """
        log_weights = tempered_weights(self.log_weights, weights)
        check_temperature("spread", spread)
        return Mixture(log_weights, self.means, self.scales * math.sqrt(spread), self.frame, self.dof)

    def moved(self, shift: np.ndarray) -> "Mixture":
        """The mixture with all means moved by `shift` (D,), as far as its subspace has that direction."""
        step = _times(shift[None], self.frame.inverse)[0]
        return Mixture(self.log_weights, self.means + step, self.scales, self.frame, self.dof)

    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw n embeddings. Returns (n, D) float32 and the component (n,) of each."""
        components = draw_components(rng, self.log_weights, n)
        return self.sample_of(rng, components), components

    def sample_of(self, rng: np.random.Generator, components: np.ndarray) -> np.ndarray:
        """Draw an embedding of each of these components (n,). Returns (n, D) float32."""
        n = len(components)
        y = np.empty((n, self.frame.latent_dim), np.float32)
        if not math.isinf(self.dof):
            rng.standard_normal(out=y, dtype=np.float32)
            y *= np.sqrt(self.dof / rng.chisquare(self.dof, (n, 1))).astype(np.float32)
        scales, means = (array.astype(np.float32) for array in (self.scales, self.means))
        own = np.ndim(self.frame.basis) == 0  # coordinates: each becomes a dimension of its embedding by itself
        for start in range(0, n, ROWS):  # while they are in the cache
            rows = slice(start, start + ROWS)
            if math.isinf(self.dof):
                rng.standard_normal(out=y[rows], dtype=np.float32)
            y[rows] *= scales.take(components[rows], axis=0)
            y[rows] += means.take(components[rows], axis=0)
            if own:
                y[rows] = self.frame.to_embedding(y[rows])
        return y if own else self.frame.to_embedding(y)

    @property
    def frames(self) -> list[Frame]:
        """The frame that all components share."""
        return [self.frame]

    def original_space(self) -> dict[str, np.ndarray]:
        """The parameters in the space of the embeddings.

        Returns:
            weights (K,), means (K, D), basis (D, q) and scales (K, q): the covariance of component k is
            basis @ diag(scales[k]**2) @ basis.T; for Student-t components this is the scale matrix, and dof () says
            how heavy the tails are.
        """
        return {
            "weights": np.exp(self.log_weights),
            "means": self.frame.to_embedding(self.means),
            "basis": self.frame.matrix,
            "scales": self.scales,
            "dof": np.array(self.dof),
        }


def draw_components(rng: np.random.Generator, log_weights: np.ndarray, n: int) -> np.ndarray:
    """Draw n components (n,) by their weights, given as logarithms (K,)."""
    edges = np.cumsum(np.exp(log_weights))
    return np.minimum(np.searchsorted(edges, rng.random(n) * edges[-1], side="right"), len(edges) - 1)


def tempered_weights(log_weights: np.ndarray, temperature: float) -> np.ndarray:
    """Weights to the power 1/temperature, which sum to 1 again; both as logarithms (K,)."""
    check_temperature("weight", temperature)
    with np.errstate(over="ignore"):
        powers = log_weights / temperature
    total = log_sum_exp(powers[None].copy())[0]
    if not math.isfinite(total):
        raise InputError(f"weight temperature {temperature}: too near 0; at 0.01 the likeliest component has it all")
    return powers - total


def check_temperature(name: str, temperature: float) -> None:
    """Raise InputError for a temperature that is no finite number above 0."""
    if not 0 < temperature < math.inf:
        raise InputError(f"{name} temperature {temperature}: expected a finite number above 0")
