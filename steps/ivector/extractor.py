"""The total variability model: supervectors of means move in a subspace, and an i-vector says where.

    M = m + T w,  w ~ N(0, I)

Posterior of w given counts n (C,) and centred sums f (C, D), with S the mixture's variances: precision
L = I + sum_c n_c T_c' S_c^-1 T_c, mean L^-1 sum_c T_c' S_c^-1 f_c (N. Dehak et al., "Front-end factor analysis for
speaker verification", IEEE Transactions on Audio, Speech and Language Processing 19, 2011, equations 3 to 6). EM and
minimum divergence: P. Kenny, "A small footprint i-vector extractor", Odyssey 2012.
"""

from dataclasses import dataclass

import numpy as np
import torch


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

    def posterior(self, counts: torch.Tensor, sums: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Means (B, R) and covariances (B, R, R) of w.

        Args:
            counts: (B, C). sums: (B, C, D) of frames less the mean of each component, over its deviation.
        """
        squares = self.loadings.mT @ self.loadings  # (C, R, R)
        identity = torch.eye(self.n_factors, dtype=sums.dtype, device=sums.device)
        precisions = identity + torch.tensordot(counts, squares, dims=1)
        linear = torch.einsum("bcd,cdr->br", sums, self.loadings)
        factors = torch.linalg.cholesky(precisions)
        means = torch.cholesky_solve(linear[:, :, None], factors)[:, :, 0]
        return means, torch.cholesky_inverse(factors)


@dataclass(frozen=True)
class FactorSums:
    """What EM needs of utterances; sums add up.

    Attributes:
        squares: (C, R, R) sums of counts times E[w w']. products: (C, D, R) sums of f E[w]'.
        second: (R, R) sum of E[w w']. first: (R,) sum of E[w]. n_utterances: how many.
    """

    squares: torch.Tensor
    products: torch.Tensor
    second: torch.Tensor
    first: torch.Tensor
    n_utterances: int


def expect(extractor: Extractor, counts: torch.Tensor, sums: torch.Tensor) -> FactorSums:
    """The E step over utterances: counts (B, C), sums (B, C, D)."""
    means, covariances = extractor.posterior(counts, sums)
    second = covariances + means[:, :, None] * means[:, None, :]
    squares = torch.tensordot(counts.T, second, dims=1)
    products = torch.einsum("bcd,br->cdr", sums, means)
    return FactorSums(squares, products, second.sum(dim=0), means.sum(dim=0), len(counts))


def maximise(found: FactorSums, least_count: float = 1e-6) -> Extractor:
    """The M step, and minimum divergence: factors of training utterances have a second moment of I again."""
    ridge = least_count * torch.eye(found.squares.shape[1], dtype=found.squares.dtype, device=found.squares.device)
    loadings = torch.linalg.solve(found.squares + ridge, found.products.mT).mT
    return Extractor(loadings @ torch.linalg.cholesky(found.second / found.n_utterances))


def start(n_components: int, dim: int, n_factors: int, seed: int) -> Extractor:
    """Random loadings, small beside the deviations."""
    drawn = np.random.default_rng(seed).standard_normal((n_components, dim, n_factors))
    return Extractor(torch.from_numpy(drawn / np.sqrt(10 * n_factors)))
