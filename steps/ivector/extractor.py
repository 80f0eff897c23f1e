"""The total variability model: supervectors of means move in a subspace, and an i-vector says where.

    M = m + T w,  w ~ N(0, I)

Posterior of w given counts n (C,) and centred sums f (C, D), with S the mixture's variances: precision
L = I + sum_c n_c T_c' S_c^-1 T_c, mean L^-1 sum_c T_c' S_c^-1 f_c (N. Dehak et al., "Front-end factor analysis for
speaker verification", IEEE Transactions on Audio, Speech and Language Processing 19, 2011, equations 3 to 6). EM and
minimum divergence: P. Kenny, "A small footprint i-vector extractor", Odyssey 2012. Symmetric matrices are kept as their
upper triangles, P = R (R + 1) / 2 numbers.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from utils.errors import InputError

Arrays = dict[str, np.ndarray]
BATCH = 1 << 22  # numbers of the covariances that are in memory
RIDGE = 1e-6  # frames: what the M step adds where a component has none


@dataclass(frozen=True)
class Extractor:
    """A model of C components, D features and R factors, in frames scaled so that each component has variance 1.

    Attributes:
        loadings: (C, D, R) float64: T_c over the deviations of the component.
    """

    loadings: torch.Tensor

    @property
    def n_factors(self) -> int:
        """R."""
        return self.loadings.shape[2]

    @cached_property
    def squares(self) -> torch.Tensor:
        """(C, P) of T_c' S_c^-1 T_c."""
        return torch.stack([pack(own.T @ own) for own in self.loadings])

    def posterior(self, counts: torch.Tensor, sums: torch.Tensor) -> "FactorPosterior":
        """What is known of w of utterances.

        Args:
            counts: (B, C). sums: (B, C, D) of frames less the mean of each component, over its deviation.
        """
        identity = torch.eye(self.n_factors, dtype=sums.dtype)
        triangles = torch.linalg.cholesky(identity + unpack(counts @ self.squares, self.n_factors))
        linear = sums.flatten(1) @ self.loadings.flatten(0, 1)
        means = torch.cholesky_solve(linear[:, :, None], triangles)[:, :, 0]
        log_determinants = 2 * triangles.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        return FactorPosterior(means, triangles, ((linear * means).sum(dim=1) - log_determinants) / 2)

    def vectors(self, counts: torch.Tensor, sums: torch.Tensor) -> np.ndarray:
        """The i-vectors (N, R): the means of w of utterances, some at a time."""
        size = batch_size(self.n_factors)
        parts = [self.posterior(*some).means for some in zip(counts.split(size), sums.split(size), strict=True)]
        return torch.cat([torch.empty(0, self.n_factors, dtype=sums.dtype), *parts]).numpy()


@dataclass(frozen=True)
class FactorPosterior:
    """What is known of w of B utterances.

    Attributes:
        means: (B, R). triangles: (B, R, R) Cholesky factors of the precisions.
        gains: (B,) log likelihoods of the frames, in nats, above those without any loadings.
    """

    means: torch.Tensor
    triangles: torch.Tensor
    gains: torch.Tensor

    @property
    def covariances(self) -> torch.Tensor:
        """(B, R, R)."""
        return torch.cholesky_inverse(self.triangles)


def batch_size(n_factors: int) -> int:
    """How many utterances are in memory with their covariances."""
    return max(1, BATCH // n_factors**2)


def expect(extractor: Extractor, counts: torch.Tensor, sums: torch.Tensor) -> Arrays:
    """The E step over utterances, counts (N, C), sums (N, C, D): what the M step needs; results add up.

    Returns squares: (C, P) sums of counts times E[w w']. products: (C, D, R) sums of f E[w]'. second: (P,) sum of
    E[w w']. gain: sum of log likelihoods above those without loadings. n_utterances.
    """
    n_components, dim, n_factors = extractor.loadings.shape
    n_packed = n_factors * (n_factors + 1) // 2
    squares, second = torch.zeros(n_components, n_packed, dtype=sums.dtype), torch.zeros(n_packed, dtype=sums.dtype)
    products, gain = torch.zeros(n_components * dim, n_factors, dtype=sums.dtype), 0.0
    size = batch_size(n_factors)
    for own_counts, own_sums in zip(counts.split(size), sums.split(size), strict=True):
        found = extractor.posterior(own_counts, own_sums)
        packed = pack(found.covariances + found.means[:, :, None] * found.means[:, None, :])
        squares += own_counts.T @ packed
        products += own_sums.flatten(1).T @ found.means
        second += packed.sum(dim=0)
        gain += float(found.gains.sum())
    return {
        "squares": squares.numpy(),
        "products": products.view(n_components, dim, n_factors).numpy(),
        "second": second.numpy(),
        "gain": np.array(gain),
        "n_utterances": np.array(len(counts)),
    }


def maximise(found: Arrays) -> Extractor:
    """The M step, and minimum divergence: factors of training utterances have a second moment of I again.

    Raises InputError where utterances do not tell all factors.
    """
    squares, products = torch.from_numpy(found["squares"]), torch.from_numpy(found["products"])
    n_factors = products.shape[2]
    ridge = RIDGE * torch.eye(n_factors, dtype=products.dtype)
    second = unpack(torch.from_numpy(found["second"]) / int(found["n_utterances"]), n_factors)
    try:
        root = torch.linalg.cholesky(second)
        solved = [
            torch.linalg.solve(unpack(own, n_factors) + ridge, product.T).T @ root
            for own, product in zip(squares, products, strict=True)
        ]
    except torch.linalg.LinAlgError as error:
        raise InputError(f"{n_factors} factors are not told apart by so few frames; ask for a smaller --dim") from error
    return Extractor(torch.stack(solved))


def start(n_components: int, dim: int, n_factors: int, seed: int) -> Extractor:
    """Random loadings, small beside the deviations."""
    drawn = np.random.default_rng(seed).standard_normal((n_components, dim, n_factors))
    return Extractor(torch.from_numpy(drawn / np.sqrt(10 * n_factors)))


def pack(symmetric: torch.Tensor) -> torch.Tensor:
    """The upper triangles (..., P) of matrices (..., R, R)."""
    rows, columns = torch.triu_indices(*symmetric.shape[-2:])
    return symmetric[..., rows, columns]


def unpack(packed: torch.Tensor, size: int) -> torch.Tensor:
    """Symmetric matrices (..., R, R) of their upper triangles."""
    rows, columns = torch.triu_indices(size, size)
    full = torch.empty(*packed.shape[:-1], size, size, dtype=packed.dtype)
    full[..., rows, columns] = packed
    full[..., columns, rows] = packed
    return full
