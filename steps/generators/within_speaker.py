"""How the utterances of one speaker differ: a covariance and how much it varies from speaker to speaker.

An embedding of a generator is m + s u in the coordinates of its frame, u ~ N(0, I). It is taken apart, so that the
utterances of a speaker share a part, as in two-covariance PLDA (N. Brummer and E. de Villiers, The speaker partitioning
problem, Odyssey 2010):

    u_j = V (sqrt(max(1 - w, LEAST)) e + t t_j sqrt(w) e_j),     e, e_j ~ N(0, I)

V and w (q) are eigenvectors and eigenvalues of the covariance within speakers, in the coordinates of u. Where w is at
most 1 - LEAST, one utterance has the generator's own density. It is above in a few directions: what differs between
utterances of a speaker is in part what their texts tell, and the density of one text is narrower. There utterances
spread wider than the text says, as those of real speakers do.

Some speakers vary more than others, and some utterances are far from all: t and t_j are factors of a speaker and of an
utterance, t^2 ~ (dof - 2) / chi^2(dof), whose mean is 1 and whose variance is 2 / (dof - 4).
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.data.arrays import read_arrays
from steps.generators.blend import Blend
from steps.generators.manifold_generator import MappedMixture
from steps.generators.mixture import Frame, Mixture, draw_components
from steps.generators.pairs import sum_by
from utils.errors import InputError

FILE = "within.safetensors"
LEAST = 0.05  # share of the generator's variance in any direction that is between speakers
SHRINKAGE = 0.05  # of covariances off the diagonal


class Axes(NamedTuple):
    """V and w for a frame.

    Attributes:
        directions: (q, q) orthonormal columns. variances: (q,) within speakers along them, in the frame's coordinates.
    """

    directions: np.ndarray
    variances: np.ndarray


@dataclass(frozen=True, eq=False)
class WithinSpeaker:
    """The spread of the utterances of a speaker, in the space whose density the generator has.

    Attributes:
        covariance: (L, L) float64.
        spreads: (2,) variances of t^2 and of t_j^2; 0 where all vary alike.
    """

    covariance: np.ndarray
    spreads: np.ndarray

    @classmethod
    def fit(cls, z: np.ndarray, x: np.ndarray, speakers: np.ndarray) -> "WithinSpeaker | None":
        """Of vectors (N, L), the embeddings (N, D) they stand for, and speakers (N,) from 0; None without two of one.

        The factors follow from embeddings: what was imputed of a vector has no tails.
        """
        if len(np.unique(speakers)) == len(speakers):
            return None
        left = _residuals(z, speakers)
        covariance = left.T @ left / len(left)
        covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance))
        several = speakers[np.bincount(speakers)[speakers] > 1]
        return cls(covariance, _spreads(_residuals(x.astype(np.float64), speakers), several))

    def save(self, directory: Path) -> None:
        """Write `within.safetensors`."""
        from safetensors.numpy import save

        arrays = {"covariance": self.covariance, "spreads": self.spreads}
        (directory / FILE).write_bytes(save(arrays))

    @classmethod
    def load(cls, directory: Path, dim: int) -> "WithinSpeaker":
        """Read what `save` has written, of `dim` dimensions. Raises InputError where there is none that fits."""
        path = require_within(directory)
        arrays = read_arrays(path, "train the model again")
        shapes = {name: array.shape for name, array in arrays.items()}
        finite = all(np.isfinite(one).all() for one in arrays.values())
        if shapes != {"covariance": (dim, dim), "spreads": (2,)} or not finite or (arrays["spreads"] < 0).any():
            raise InputError(f"{path}: expected covariance {(dim, dim)} and spreads (2,); train the model again")
        return cls(*(arrays[name].astype(np.float64) for name in ("covariance", "spreads")))

    def axes(self, frame: Frame, scales: np.ndarray) -> Axes:
        """Along which utterances vary in u, for mean squared scales of the components (q,)."""
        inverse = frame.inverse * np.eye(frame.latent_dim) if np.ndim(frame.inverse) == 0 else frame.inverse
        inverse = inverse / scales[:, None]
        variances, directions = np.linalg.eigh(inverse @ self.covariance @ inverse.T)
        return Axes(directions, np.maximum(variances, 0))

    def sample(
        self, mixture: Mixture | Blend, rng: np.random.Generator, n: int, n_utterances: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw n speakers with as many utterances each. Returns (n, U, L) float32 and the component (n,) of each."""
        components = draw_components(rng, mixture.log_weights, n)
        parts = mixture.parts if isinstance(mixture, Blend) else [mixture]
        found = np.empty((n, n_utterances, len(parts[0].frame.offset)), np.float32)
        first = 0
        for part in parts:
            last = first + len(part.log_weights)
            mine = np.flatnonzero((first <= components) & (components < last))
            weights = np.exp(mixture.log_weights[first:last])
            if len(mine):
                found[mine] = self._of_part(part, weights / weights.sum(), rng, components[mine] - first, n_utterances)
            first = last
        return found, components

    def sample_embeddings(
        self, mixture: Mixture | Blend | MappedMixture, rng: np.random.Generator, n: int, n_utterances: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same, mapped to embeddings (n, U, D) where the mixture is over pre-activations of a surface."""
        if not isinstance(mixture, MappedMixture):
            return self.sample(mixture, rng, n, n_utterances)
        z, components = self.sample(mixture.inner, rng, n, n_utterances)
        return mixture.manifold.to_embedding(z.reshape(n * n_utterances, -1)).reshape(n, n_utterances, -1), components

    def _of_part(
        self, part: Mixture, weights: np.ndarray, rng: np.random.Generator, components: np.ndarray, n_utterances: int
    ) -> np.ndarray:
        """Utterances (n, U, L) of speakers of these components (n,) of one mixture."""
        mean_squares = weights @ part.scales**2
        axes = self.axes(part.frame, np.sqrt(mean_squares))
        of_components = (part.scales**2 / mean_squares).mean(axis=1)  # which are factors of speakers already
        spread = max((1 + self.spreads[0]) / (weights @ of_components**2) - 1, 0.0)
        shape = (len(components), n_utterances, part.frame.latent_dim)
        shared, own = rng.standard_normal((shape[0], 1, shape[2])), rng.standard_normal(shape)
        factor = _factors(rng, spread, (shape[0], 1, 1)) * _factors(rng, self.spreads[1], (*shape[:2], 1))
        between = np.maximum(1 - axes.variances, LEAST)
        u = (np.sqrt(between) * shared + factor * np.sqrt(axes.variances) * own) @ axes.directions.T
        if math.isfinite(part.dof):
            u *= np.sqrt(part.dof / rng.chisquare(part.dof, (shape[0], 1, 1)))
        y = part.means[components][:, None] + part.scales[components][:, None] * u
        return part.frame.to_embedding(y.reshape(-1, shape[2]).astype(np.float32)).reshape(*shape[:2], -1)


def require_within(directory: Path) -> Path:
    """The file of a model. Raises InputError where there is none."""
    path = directory / FILE
    if not path.is_file():
        raise InputError(
            f"{path}: no such file: training had no speaker with two utterances, or an earlier revision trained the"
            " model; sample one utterance a speaker, or train it again"
        )
    return path


def _factors(rng: np.random.Generator, spread: float, shape: tuple[int, ...]) -> np.ndarray:
    """Square roots of draws of mean 1 and this variance."""
    if spread == 0:
        return np.ones(shape)
    dof = 4 + 2 / spread
    return np.sqrt((dof - 2) / rng.chisquare(dof, shape))


def _residuals(x: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Utterances (M, L) less their speaker's mean, of speakers that have two or more, scaled to the spread of all."""
    counts = np.bincount(speakers)
    several = counts[speakers] > 1
    left = x - (sum_by(speakers, x, len(counts)) / np.maximum(counts, 1)[:, None])[speakers]
    return left[several] / np.sqrt(1 - 1 / counts[speakers[several]])[:, None]


def _spreads(left: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Variances (2,) of the factors of speakers and of utterances, by moments of the squared lengths of residuals.

    Those of a Gaussian of covariance C have the relative variance 2 tr(C^2) / tr(C)^2; factors multiply 1 + variance.
    The mean of n utterances mixes their factors: of the variance of t_j^2, (1 - 1/n)^2 + 1 / (n^2 (n - 1)) is left.
    """
    squares = (left**2).sum(axis=1)
    squares /= squares.mean()
    covariance = left.T @ left / len(left)
    gaussian = 2 * (covariance**2).sum() / np.trace(covariance) ** 2
    total = max((1 + squares.var()) / (1 + gaussian) - 1, 0.0)
    counts = np.bincount(speakers)
    counts = counts[counts > 0]
    means = np.bincount(speakers, squares)[np.unique(speakers)] / counts
    by_chance = squares.var() * np.mean(1 / counts)
    of_speakers = min(max(means.var() - by_chance, 0.0), total)
    left_over = np.average((1 - 1 / counts) ** 2 + 1 / (counts**2 * (counts - 1)), weights=counts)
    return np.array([of_speakers, ((1 + total) / (1 + of_speakers) - 1) / left_over])
