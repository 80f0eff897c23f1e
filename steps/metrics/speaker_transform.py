"""What is done to embeddings before PLDA: centring, projection, length normalisation.

The projection first leaves out the directions in which the training embeddings do not vary, such as dimensions that are
zero throughout; then it is

    none        no more than that: lengths and angles stay
    whitening   the principal directions, each with variance 1
    lda         the directions in which speakers differ most, each with variance 1 within speakers

Length normalisation gives each vector the length that one of q independent variances 1 has on average, sqrt(q)
(D. Garcia-Romero and C. Espy-Wilson, "Analysis of i-vector length normalization in speaker recognition systems",
Interspeech 2011).
"""

from dataclasses import dataclass

import numpy as np

from steps.metrics.plda import SpeakerStatistics, diagonalised, require_known_within, speaker_statistics
from utils.errors import InputError
from utils.vectors import check_shape, unit_rows

PROJECTIONS = ("none", "whitening", "lda")
FLOOR = 0.01  # share of the largest standard deviation; narrower principal directions are left out


@dataclass(frozen=True)
class TransformSettings:
    """Which transform is fitted.

    Attributes:
        dim: how many directions the projection keeps at most; 0 keeps all. shrinkage: `lda`: share of a multiple of the
            identity in the covariance within speakers, which few recordings or speakers need, from 0 to 1.
    """

    projection: str = "lda"
    dim: int = 0
    length_norm: bool = True
    shrinkage: float = 0.0


@dataclass(frozen=True, eq=False)
class SpeakerTransform:
    """A fitted transform of embeddings: x -> (x - mean) @ projection.T, scaled to the length sqrt(q) if `length_norm`.

    Attributes:
        mean: (D,). projection: (q, D).
    """

    mean: np.ndarray
    projection: np.ndarray
    length_norm: bool

    def __post_init__(self) -> None:
        check_shape("projection", self.projection, (len(self.projection), len(self.mean)))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Embeddings x (N, D) -> (N, q) float64."""
        y = (np.asarray(x, dtype=np.float64) - self.mean) @ self.projection.T
        return unit_rows(y) * np.sqrt(len(self.projection)) if self.length_norm else y


def fit_transform(x: np.ndarray, speakers: np.ndarray, settings: TransformSettings) -> SpeakerTransform:
    """Fit a transform to embeddings x (N, D) and their speakers (N,), of any type."""
    x = np.asarray(x, dtype=np.float64)
    mean = x.mean(axis=0)
    basis, variances = _live_directions(x - mean)
    if settings.projection == "lda":
        projection = _discriminants((x - mean) @ basis.T, speakers, settings.shrinkage) @ basis
    elif settings.projection == "whitening":
        projection = basis / np.sqrt(variances)[:, None]
    else:
        projection = basis
    dim = settings.dim or len(projection)
    if dim > len(projection):
        raise InputError(
            f"{dim} dimensions are asked for, but the training embeddings vary in {len(projection)} directions; ask for"
            " fewer"
        )
    return SpeakerTransform(mean, projection[:dim], settings.length_norm)


def _live_directions(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The principal directions (q, D) of centred embeddings (N, D), the widest first, and their variances (q,)."""
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    if not variances[-1] > 0:
        raise InputError("all training embeddings are the same vector; nothing can be learned from them")
    keep = np.flatnonzero(variances >= FLOOR**2 * variances[-1])[::-1]
    return directions[:, keep].T, variances[keep]


def _discriminants(x: np.ndarray, speakers: np.ndarray, shrinkage: float) -> np.ndarray:
    """The directions (D, D) of linear discriminant analysis of x (N, D), the one that tells most apart first."""
    statistics = speaker_statistics(x, speakers)
    within = _shrunk_within(statistics, shrinkage) if shrinkage else require_known_within(statistics)
    deviations = statistics.means - x.mean(axis=0)
    between = (deviations * statistics.counts[:, None]).T @ deviations / len(x)
    return diagonalised(x.mean(axis=0), within, between).transform[::-1]


def _shrunk_within(statistics: SpeakerStatistics, shrinkage: float) -> np.ndarray:
    """The covariance (D, D) within speakers, shrunk to a multiple of the identity that has the same trace."""
    degrees = int(statistics.counts.sum()) - len(statistics.counts)
    if not degrees or len(statistics.counts) < 2:
        return require_known_within(statistics)  # which tells what is missing
    within = statistics.scatter / degrees
    return (1 - shrinkage) * within + shrinkage * np.trace(within) / len(within) * np.eye(len(within))
