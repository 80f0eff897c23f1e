"""Closed-form generators: a linear map from the text gives the mean; covariance and scales are the same for all texts.

With zero slopes it is the global Gaussian, with one scale a Gaussian or a Student-t around the mean of the text.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from steps.generators.contract import Fit, Generator
from steps.generators.covariance import SUBSPACE_FLOOR, mean_map, principal_subspace, residuals, shrunk_spread
from steps.generators.linear import LinearMap
from steps.generators.manifold import ManifoldOptions
from steps.generators.mixture import Frame, Mixture
from steps.generators.pairs import Pairs
from steps.generators.validation import number_of
from steps.training.workplace import Workplace
from utils.options import option
from utils.vectors import check_shape


@dataclass(frozen=True)
class GaussianOptions(ManifoldOptions):
    """One Gaussian for all speakers, whatever the text."""

    shrinkage: float = option(0.1, "share by which off-diagonal covariances are shrunk", least=0, most=1)
    subspace_floor: float = option(
        SUBSPACE_FLOOR, "principal directions below this share of the largest deviation are left out", above=0, most=1
    )


@dataclass(frozen=True)
class RidgeOptions(GaussianOptions):
    """A ridge regression from the text to the mean, one shared covariance."""

    penalty: float = option(0.1, "ridge penalty, in observations", above=0, most=10**9)
    student: bool = option(False, "Student-t instead of Gaussian, degrees of freedom chosen on dev")


DEGREES_OF_FREEDOM = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0)


class LinearGenerator(Generator):
    """p(x | v) = sum_k w_k kernel(x; frame(map(v)), s_k)."""

    kind = "linear"

    def __init__(
        self, frame: Frame, mean_of: LinearMap, log_weights: np.ndarray, scales: np.ndarray, dof: float = math.inf
    ):
        self.frame, self.mean_of, self.log_weights, self.scales, self.dof = frame, mean_of, log_weights, scales, dof
        self.dim, self.text_dim = len(frame.offset), len(mean_of.weights)
        check_shape("offset of the map to the mean", mean_of.offset, (frame.latent_dim,))
        check_shape("scales", scales, log_weights.shape)

    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture]:
        """The density for each of the text vectors (T, E)."""
        shape = (len(self.scales), self.frame.latent_dim)
        scales = np.broadcast_to(self.scales[:, None], shape)
        means = self.mean_of(np.asarray(text_vectors, dtype=np.float64))
        return [Mixture(self.log_weights, np.broadcast_to(mean, shape), scales, self.frame, self.dof) for mean in means]

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Arrays of the frame, the linear map and the scales."""
        arrays = {
            "offset": self.frame.offset, "basis": self.frame.basis, "map_weights": self.mean_of.weights,
            "map_offset": self.mean_of.offset, "log_weights": self.log_weights, "scales": self.scales,
        }  # fmt: skip
        return {"dof": None if math.isinf(self.dof) else self.dof}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "LinearGenerator":
        """Build the generator from what `state` gave."""
        frame = Frame(arrays["offset"], arrays["basis"])
        mean_of = LinearMap(arrays["map_weights"], arrays["map_offset"])
        dof = math.inf if values["dof"] is None else number_of(values, "dof", above=0)
        return cls(frame, mean_of, arrays["log_weights"], arrays["scales"], dof)


def fit_gaussian(
    train: Pairs, dev: Pairs, options: GaussianOptions, workplace: Workplace | None = None
) -> LinearGenerator:
    """One full-covariance Gaussian over all training embeddings, whatever the text."""
    subspace = principal_subspace(train.x, options.subspace_floor)
    y = subspace.to_latent(train.x)
    spread = shrunk_spread(y, options.shrinkage)
    frame = Frame(subspace.offset, subspace.basis @ spread.root)
    constant = LinearMap(np.zeros((train.text_dim, y.shape[1])), np.zeros(y.shape[1]))
    return LinearGenerator(frame, constant, np.zeros(1), np.ones(1))


def fit_ridge_generator(
    train: Pairs, dev: Pairs, options: RidgeOptions, workplace: Workplace | None = None
) -> LinearGenerator:
    """A linear map from text to mean and one shared covariance; dev selects degrees of freedom."""
    subspace = principal_subspace(train.x, options.subspace_floor)
    y = subspace.to_latent(train.x)
    mean_of = mean_map(train, subspace, options.penalty)
    spread = shrunk_spread(residuals(train, y, mean_of), options.shrinkage)
    frame = Frame(subspace.offset, subspace.basis @ spread.root)
    whitened = mean_of.then(spread.inverse_root)
    if not options.student:
        return LinearGenerator(frame, whitened, np.zeros(1), np.ones(1))
    candidates = [LinearGenerator(frame, whitened, np.zeros(1), np.ones(1), dof) for dof in DEGREES_OF_FREEDOM]
    return max(candidates, key=lambda generator: mean_log_density(generator, dev))


def mean_log_density(generator: Generator, pairs: Pairs) -> float:
    """Log density of the pairs in nats: mean over the texts of an embedding, then balanced over groups and speakers."""
    total = np.zeros(len(pairs.x))
    for group in np.unique(pairs.groups):
        rows = pairs.groups == group
        texts = pairs.variants[pairs.variant_groups == group]
        if len(texts):
            total[rows] += generator.log_density(pairs.x[rows], texts).sum(axis=1)
    for text, row in zip(pairs.captions, pairs.caption_rows, strict=True):
        total[row] += generator.log_density(pairs.x[row : row + 1], text[None])[0, 0]
    return float(pairs.weights @ (total / pairs.texts_of_row))


GAUSSIAN = Fit(GaussianOptions, fit_gaussian)
RIDGE = Fit(RidgeOptions, fit_ridge_generator)
