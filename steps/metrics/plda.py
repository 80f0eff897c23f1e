"""Probabilistic linear discriminant analysis with two covariances: are two sets of embeddings of one speaker?

    x = y + e,   y ~ N(mean, between) for each speaker,   e ~ N(0, within) for each utterance

(N. Brümmer and E. de Villiers, "The speaker partitioning problem", Odyssey 2010). `fit_plda` finds mean and
covariances by the EM algorithm, for any numbers of utterances a speaker. One linear map V makes the two covariances I
and diag(psi); in its coordinates everything is done dimension by dimension. The score of an enrolment, n utterances
with the mean m, and a test utterance t is the natural log likelihood ratio

    log N(t; n psi / (n psi + 1) m, 1 + psi / (n psi + 1)) - log N(t; 0, 1 + psi)

which is a scalar product of a vector of the enrolment and one of the test utterance: all pairs are one matrix product.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from utils.errors import InputError
from utils.vectors import check_shape

NARROWEST = 1e-8  # share of the largest variance within speakers; a narrower direction is no information but rounding


@dataclass(frozen=True)
class PldaSettings:
    """How a model is fitted: until an iteration adds less than `tolerance` nats an utterance, or for `iterations`."""

    iterations: int = 100
    tolerance: float = 1e-6


class SpeakerStatistics(NamedTuple):
    """All that EM needs of the training embeddings (N, D) of S speakers.

    Attributes:
        counts: (S,) utterances of each speaker. means: (S, D) of each speaker.
        scatter: (D, D) sum over all utterances of the outer product of the deviation from the speaker's mean.
    """

    counts: np.ndarray
    means: np.ndarray
    scatter: np.ndarray


@dataclass(frozen=True, eq=False)
class Plda:
    """A fitted model, in the coordinates that make both covariances diagonal.

    Attributes:
        mean: (D,) of all speakers. transform: (D, D) the map V.
        psi: (D,) variances between speakers; those within are 1.
    """

    mean: np.ndarray
    transform: np.ndarray
    psi: np.ndarray

    def __post_init__(self) -> None:
        (dim,) = self.mean.shape
        check_shape("transform", self.transform, (dim, dim))
        check_shape("psi", self.psi, (dim,))

    @property
    def within(self) -> np.ndarray:
        """(D, D) covariance within speakers."""
        inverse = np.linalg.inv(self.transform)
        return inverse @ inverse.T

    @property
    def between(self) -> np.ndarray:
        """(D, D) covariance between speakers."""
        inverse = np.linalg.inv(self.transform)
        return (inverse * self.psi) @ inverse.T

    def enrolment_side(self, means: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """One factor of the scores.

        Args:
            means: (E, D) mean of the utterances of each enrolment. counts: (E,) how many they are.
        Returns:
            (E, 2 D + 1) float64.
        """
        u, n = self._latent(means), np.asarray(counts, dtype=np.float64)[:, None]
        gain = n * self.psi / (n * self.psi + 1)
        known, unknown = 1 + self.psi / (n * self.psi + 1), 1 + self.psi  # variances of a test utterance
        centre = gain * u
        square = (1 / unknown - 1 / known) / 2
        constant = -(centre**2 / known + np.log(known / unknown)).sum(axis=1, keepdims=True) / 2
        return np.hstack([centre / known, square, constant])

    def test_side(self, x: np.ndarray) -> np.ndarray:
        """The other factor, of test utterances x (T, D): (T, 2 D + 1) float64."""
        u = self._latent(x)
        return np.hstack([u, u**2, np.ones((len(u), 1))])

    def scores(self, means: np.ndarray, counts: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Log likelihood ratios (E, T) of enrolments, `means` (E, D) of `counts` (E,), with test utterances (T, D)."""
        return self.enrolment_side(means, counts) @ self.test_side(x).T

    def _latent(self, x: np.ndarray) -> np.ndarray:
        return (np.asarray(x, dtype=np.float64) - self.mean) @ self.transform.T


def fit_plda(x: np.ndarray, speakers: np.ndarray, settings: PldaSettings) -> Plda:
    """Fit a model to embeddings x (N, D) and their speakers (N,), of any type.

    Raises InputError where the covariance within speakers cannot be known in all D dimensions.
    """
    statistics = speaker_statistics(x, speakers)
    n = int(statistics.counts.sum())
    within = require_known_within(statistics)
    mean = statistics.means.mean(axis=0)
    deviations = statistics.means - mean
    model = diagonalised(mean, within, deviations.T @ deviations / len(deviations))
    before = -np.inf
    for _ in range(settings.iterations):
        model, likelihood = _iterate(model, statistics)
        if likelihood - before < settings.tolerance * n:
            break
        before = likelihood
    return model


def speaker_statistics(x: np.ndarray, speakers: np.ndarray) -> SpeakerStatistics:
    """Statistics of embeddings x (N, D), which must be finite, and their speakers (N,)."""
    x = np.asarray(x, dtype=np.float64)
    check_shape("speakers", speakers, (len(x),))
    if not np.isfinite(x).all():
        raise InputError(f"{np.count_nonzero(~np.isfinite(x).all(axis=1))} of {len(x)} embeddings are not finite")
    _, numbers, counts = np.unique(speakers, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, numbers, x)
    means = sums / counts[:, None]
    deviations = x - means[numbers]
    return SpeakerStatistics(counts, means, deviations.T @ deviations)


def diagonalised(mean: np.ndarray, within: np.ndarray, between: np.ndarray) -> Plda:
    """The model of a mean (D,), a covariance `within` (D, D) of full rank, and one `between` (D, D) of any rank."""
    root = np.linalg.inv(np.linalg.cholesky(within))
    psi, directions = np.linalg.eigh(root @ between @ root.T)
    return Plda(mean, directions.T @ root, np.maximum(psi, 0))


def log_likelihood(model: Plda, statistics: SpeakerStatistics) -> float:
    """Natural log density of the embeddings that the statistics are of."""
    u, n = model._latent(statistics.means), statistics.counts[:, None]
    spread = 1 + n * model.psi  # n times the variance of a speaker's mean
    within = ((model.transform @ statistics.scatter) * model.transform).sum()
    total, dim = statistics.counts.sum(), len(model.psi)
    volume = np.linalg.slogdet(model.transform)[1]
    squares = within + (n * u**2 / spread).sum() + np.log(spread).sum()
    return float(total * (volume - dim * np.log(2 * np.pi) / 2) - squares / 2)


def _iterate(model: Plda, statistics: SpeakerStatistics) -> tuple[Plda, float]:
    """One step of EM. Returns the next model, and the log likelihood of the given one."""
    u, n = model._latent(statistics.means), statistics.counts[:, None].astype(np.float64)
    variances = model.psi / (1 + n * model.psi)  # (S, D) of y, given the utterances
    y = n * variances * u  # (S, D) its mean
    shift = y.mean(axis=0)
    between = np.diag(variances.mean(axis=0)) + (y - shift).T @ (y - shift) / len(y)
    scatter = model.transform @ statistics.scatter @ model.transform.T
    scatter += np.diag((n * variances).sum(axis=0)) + (n * (u - y)).T @ (u - y)
    back = np.linalg.inv(model.transform)
    likelihood = log_likelihood(model, statistics)
    within = back @ (scatter / n.sum()) @ back.T
    return diagonalised(model.mean + back @ shift, within, back @ between @ back.T), likelihood


def require_known_within(statistics: SpeakerStatistics) -> np.ndarray:
    """The covariance (D, D) within speakers. Raises InputError where the utterances do not tell it in full."""
    n, n_speakers, dim = int(statistics.counts.sum()), len(statistics.counts), statistics.scatter.shape[0]
    if n_speakers < 2:
        raise InputError(
            f"{n_speakers} speakers: nothing is known of the variation between speakers; PLDA needs two or more"
        )
    if n == n_speakers:
        raise InputError(
            f"each of the {n} speakers has one utterance, so nothing is known of the variation within a speaker; PLDA"
            " needs speakers with two utterances or more"
        )
    if n - n_speakers < dim:
        raise InputError(
            f"{n} utterances of {n_speakers} speakers: the covariance within speakers has {dim} dimensions, more than"
            f" {n - n_speakers} differences can tell; project to fewer dimensions (projection whitening), or add"
            " utterances"
        )
    within = statistics.scatter / (n - n_speakers)
    variances = np.linalg.eigvalsh(within)
    narrow = np.count_nonzero(variances <= NARROWEST * variances[-1])
    if narrow:
        raise InputError(
            f"the covariance within speakers is singular: in {narrow} of {dim} directions the utterances of a speaker"
            " do not differ; leave these out by a projection"
        )
    return within
