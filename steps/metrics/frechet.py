"""Frechet distance between two sets of embeddings, each modelled as a Gaussian.

    FD = |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^1/2 S2 S1^1/2)^1/2)    (Dowson and Landau, 1982; Heusel et al., 2017)

It is biased upwards by a term in 1/n. So it is reported as a ratio, samples to test over training segments to test,
both sets of one size; or extrapolated: the distances of parts of both sets lie on a line over 1/n, which is read off
where n is infinite (M. Chong and D. Forsyth, "Effectively unbiased FID and Inception score and where to find them",
CVPR 2020).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

MIN_SEGMENTS = 50  # a covariance of fewer is mostly sampling noise
PARTS = (0.4, 0.55, 0.7, 0.85, 1.0)  # of the speakers, for the line over 1/n


@dataclass(frozen=True)
class Moments:
    """Mean (D,), covariance (D, D) and its symmetric square root (D, D) of a fixed set of embeddings."""

    mean: np.ndarray
    covariance: np.ndarray
    root: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> "Moments":
        """The moments of embeddings (N, D)."""
        mean, covariance = mean_and_covariance(x)
        values, vectors = np.linalg.eigh(covariance)
        return cls(mean, covariance, (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)

    def distance(self, x: np.ndarray) -> float:
        """The Frechet distance to embeddings (N, D)."""
        mean, covariance = mean_and_covariance(x)
        values = np.linalg.eigvalsh(self.root @ covariance @ self.root)
        shift = mean - self.mean
        spread = np.trace(self.covariance) + np.trace(covariance) - 2 * np.sqrt(np.maximum(values, 0)).sum()
        return float(shift @ shift + spread)


def mean_and_covariance(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and maximum-likelihood covariance (D, D) of x (N, D), in float64."""
    x = np.asarray(x, dtype=np.float64)
    mean = x.mean(axis=0)
    centred = x - mean
    return mean, centred.T @ centred / len(x)


class FrechetRatios:
    """Distances to the test set, divided by the distance of the training set to it: over all, and per condition.

    Args:
        train_x, test_x: (N, D) embeddings.
        train_masks, test_masks: condition -> (N,) bool. Conditions with fewer than `MIN_SEGMENTS` rows in either set
            are left out.
    """

    def __init__(
        self,
        train_x: np.ndarray,
        test_x: np.ndarray,
        train_masks: Mapping[str, np.ndarray],
        test_masks: Mapping[str, np.ndarray],
    ):
        self.test = Moments.of(test_x)
        self.floor = self.test.distance(train_x)
        self.conditions: dict[str, tuple[Moments, float]] = {}
        for name in sorted(train_masks):
            train, test = train_x[train_masks[name]], test_x[test_masks[name]]
            if min(len(train), len(test)) >= MIN_SEGMENTS:
                moments = Moments.of(test)
                self.conditions[name] = moments, moments.distance(train)

    def ratio(self, x: np.ndarray) -> float:
        """Frechet ratio of samples (N, D) of all groups."""
        return self.test.distance(x) / self.floor

    def condition_ratios(self, x: np.ndarray, masks: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Frechet ratio of the samples (N, D) within each condition; `masks` maps it to (N,) bool."""
        return {name: moments.distance(x[masks[name]]) / floor for name, (moments, floor) in self.conditions.items()}


def extrapolated_distance(
    x: np.ndarray, y: np.ndarray, speakers: tuple[np.ndarray, np.ndarray], rng: np.random.Generator, draws: int = 4
) -> float:
    """The Frechet distance of x (N, D) from y (M, D) for infinitely many speakers; next to 0, it may be negative.

    Args:
        speakers: (N,), (M,) numbers of the speakers of both, 0 to S - 1; parts are of speakers, who should be many
            more than D.
        draws: of each part.
    """
    inverse, found = [], []
    for part in PARTS:
        for _ in range(draws if part < 1 else 1):
            one, other = (
                rows[rng.permutation(numbers.max() + 1)[numbers] < round(part * (numbers.max() + 1))]
                for rows, numbers in zip((x, y), speakers, strict=True)
            )
            inverse.append(1 / part)
            found.append(Moments.of(other).distance(one))
    return float(np.polyfit(inverse, found, 1)[1])
