"""The consensus of several who describe one person: a map from the words of one to what the others say too.

    consensus = Consensus.fit(vectors, persons, annotators)     # texts alone, no voices
    consensus(sentence_vectors)                                  # (T, k)

People differ more in habits of describing than in what they hear. What of one text tells how *others* describe the
person is left when habits are taken away: reduced-rank ridge regression [1] from the sentence vector of a text to the
mean of the others' texts of that person, each annotator's own mean taken away. The k coordinates are its principal
directions. Their deviations are brought nearer to each other, to the power `EVENNESS`: a direction that is told more
reliably weighs more.

1. A. J. Izenman, Reduced-rank regression for the multivariate linear model, 1975.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from steps.data.arrays import read_arrays
from utils.errors import InputError
from utils.vectors import check_shape

CONSENSUS = "consensus.safetensors"
RANK = 12
ALL = -1  # annotator of a text in which all speak
PENALTY = 1.0  # of the regression, in texts
EVENNESS = 0.5
FEWEST_PERSONS = 50  # described by several; fewer teach no consensus


@dataclass(frozen=True)
class Consensus:
    """v -> (v - mean) weights.

    Attributes:
        mean: (S,) float64.
        weights: (S, k) float64.
    """

    mean: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        check_shape("the weights of a consensus", self.weights, (*self.mean.shape, *self.weights.shape[-1:]))

    def __call__(self, sentence: np.ndarray) -> np.ndarray:
        """Coordinates (T, k) of sentence vectors (T, S)."""
        return (np.asarray(sentence, dtype=np.float64) - self.mean) @ self.weights

    @classmethod
    @threadpool_limits.wrap(limits=1)  # the same numbers for any number of threads
    def fit(cls, vectors: np.ndarray, persons: np.ndarray, annotators: np.ndarray) -> "Consensus | None":
        """Learn from sentence vectors (T, S) of texts about persons (T,) by annotators (T,), both numbered from 0.

        A text of `ALL` annotators together tells what all of them say, and is no part of what a single one is to tell.
        Returns None where fewer than `FEWEST_PERSONS` are described by more than one.
        """
        single = np.flatnonzero(annotators != ALL)
        said = _means_of_annotators(vectors[single].astype(np.float64), persons[single], annotators[single])
        several = said.n_annotators > 1
        if several.sum() < FEWEST_PERSONS:
            return None
        total, number = said.total[persons], said.n_annotators[persons].astype(np.float64)
        total[single] -= said.own[said.pair_of]
        number[single] -= 1
        kept = several[persons]
        others = total[kept] / number[kept][:, None]
        texts = vectors[kept].astype(np.float64)
        weights = 1.0 / np.bincount(persons)[persons[kept]]  # a person counts as one
        mean = weights @ texts / weights.sum()
        centred = texts - mean
        weighted = (centred * (weights * len(texts) / weights.sum())[:, None]).T
        slope = np.linalg.solve(weighted @ centred + PENALTY * np.eye(len(mean)), weighted @ others)
        _, directions = np.linalg.eigh(slope.T @ (weighted @ centred) @ slope)
        chosen = slope @ directions[:, ::-1][:, :RANK]
        deviation = np.sqrt(weights @ (centred @ chosen) ** 2 / weights.sum())
        kept = deviation > 1e-9
        return cls(mean, _evened(chosen[:, kept], deviation[kept]))

    @classmethod
    def principal(cls, vectors: np.ndarray) -> "Consensus":
        """The principal directions of sentence vectors (T, S), where nobody tells what others agree on."""
        mean = vectors.mean(axis=0)
        _, lengths, directions = np.linalg.svd(vectors - mean, full_matrices=False)
        deviation = lengths[:RANK] / np.sqrt(len(vectors))
        kept = deviation > 1e-9
        return cls(mean, _evened(directions[:RANK][kept].T, deviation[kept]))

    def save(self, path: Path) -> None:
        """Write it to a file."""
        from safetensors.numpy import save

        path.write_bytes(save({"mean": self.mean, "weights": self.weights}))

    @classmethod
    def load(cls, path: Path) -> "Consensus":
        """Read what `save` has written. Raises InputError for anything else."""
        arrays = read_arrays(path, "run stage 1 again")
        try:
            made = cls(arrays["mean"], arrays["weights"])
        except (KeyError, ValueError) as error:
            raise InputError(f"{path}: no consensus of describers ({error}); run stage 1 again") from error
        if not all(np.isfinite(array).all() for array in (made.mean, made.weights)):
            raise InputError(f"{path}: has numbers that are not finite; run stage 1 again")
        return made


def _evened(directions: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Directions (S, k) scaled so that their deviations (k,), in falling order, are nearer to each other, and to 1."""
    even = (deviation / deviation[:1]) ** EVENNESS
    return np.ascontiguousarray(directions * (even / even[1:].mean() / deviation if len(even) > 1 else 1 / deviation))


@dataclass(frozen=True)
class _Said:
    """Texts averaged by person and annotator.

    Attributes:
        own: (P, S) mean of an annotator's texts of a person, that annotator's mean taken away.
        pair_of: (T,) the row of `own` of each text.
        total: (persons, S) sum of `own` over the annotators of a person.
        n_annotators: (persons,) of each person.
    """

    own: np.ndarray
    pair_of: np.ndarray
    total: np.ndarray
    n_annotators: np.ndarray


def _means_of_annotators(vectors: np.ndarray, persons: np.ndarray, annotators: np.ndarray) -> _Said:
    n_annotators = int(annotators.max()) + 1
    pairs, pair_of = np.unique(persons * n_annotators + annotators, return_inverse=True)
    own = _mean_by(pair_of, vectors, len(pairs))
    own -= _mean_by(pairs % n_annotators, own, n_annotators)[pairs % n_annotators]
    counts = np.bincount(pairs // n_annotators, minlength=int(persons.max()) + 1)
    total = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(total, pairs // n_annotators, own)
    return _Said(own, pair_of, total, counts)


def _mean_by(labels: np.ndarray, rows: np.ndarray, n_labels: int) -> np.ndarray:
    """The mean (n_labels, S) of the rows (N, S) that share a label (N,); 0 where none does."""
    total = np.zeros((n_labels, rows.shape[1]))
    np.add.at(total, labels, rows)
    return total / np.maximum(np.bincount(labels, minlength=n_labels), 1)[:, None]
