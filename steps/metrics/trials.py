"""Speaker verification: how well scores of pairs tell same-speaker from different-speaker pairs.

The equal error rate is the share of errors at the threshold where as many targets (pairs of one speaker) fall below it
as non-targets above. Its interval comes from drawing speakers, not pairs: pairs that share a speaker are not
independent (N. Poh and S. Bengio, "Estimating the confidence interval of expected performance curve in biometric
authentication using joint bootstrap", ICASSP 2007).
"""

from dataclasses import dataclass

import numpy as np

from utils.errors import InputError


@dataclass(frozen=True, eq=False)
class Trials:
    """Pairs of segments that are scored.

    Attributes:
        first, second: (P,) row numbers of the two segments, first < second.
        speakers: (P, 2) the number of the speaker of each, 0 to n_speakers - 1.
        n_speakers: how many there are.
    """

    first: np.ndarray
    second: np.ndarray
    speakers: np.ndarray
    n_speakers: int

    @property
    def targets(self) -> np.ndarray:
        """(P,) whether both segments are of one speaker."""
        return self.speakers[:, 0] == self.speakers[:, 1]

    def cosines(self, unit: np.ndarray) -> np.ndarray:
        """Scores (P,) of the trials: cosines of the embeddings (N, D), which are unit vectors."""
        return np.einsum("pd,pd->p", unit[self.first], unit[self.second])


def all_pairs(speakers: np.ndarray, folds: np.ndarray | None = None) -> Trials:
    """The trials of each segment with each other one; with `folds` (N,), of one fold only.

    Args:
        speakers: (N,) speaker of each segment, of any type.
    """
    names, codes = np.unique(speakers, return_inverse=True)
    first, second = np.triu_indices(len(codes), k=1)
    if folds is not None:
        kept = folds[first] == folds[second]
        first, second = first[kept], second[kept]
    return Trials(first, second, np.stack([codes[first], codes[second]], axis=1), len(names))


def equal_error_rate(scores: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The error rate where misses and false alarms are equally frequent; between two thresholds, on a straight line.

    Args:
        scores: (P,) higher for pairs that are more alike. targets: (P,) whether they are of one speaker.
        weights: (P,) of the pairs; by default all count once.
    """
    return _Ranking(scores, targets).error_rate(np.ones(len(scores)) if weights is None else weights)


def bootstrap_error_rates(scores: np.ndarray, trials: Trials, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Equal error rates (draws,) of as many speakers drawn with replacement.

    A speaker who was drawn k times brings each of its targets k times, and its non-targets with one who was drawn m
    times k m times; copies of one speaker are not paired. A draw without targets or without non-targets is repeated.
    """
    ranking, (first, second) = _Ranking(scores, trials.targets), trials.speakers.T
    rates: list[float] = []
    while len(rates) < draws:
        counts = rng.multinomial(trials.n_speakers, np.full(trials.n_speakers, 1 / trials.n_speakers))
        weights = np.where(trials.targets, counts[first], counts[first] * counts[second])
        if weights[trials.targets].any() and weights[~trials.targets].any():
            rates.append(ranking.error_rate(weights))
    return np.array(rates)


class _Ranking:
    """Scores in their order, so that error rates by many weights need one sort."""

    def __init__(self, scores: np.ndarray, targets: np.ndarray):
        if targets.all() or not targets.any():
            raise InputError("an error rate needs pairs of one speaker and pairs of two; there is only one kind")
        if not np.isfinite(scores).all():
            raise InputError(f"{np.sum(~np.isfinite(scores))} of {len(scores)} scores are no finite numbers")
        self.order = np.argsort(scores, kind="stable")
        ranked = scores[self.order]
        self.targets = targets[self.order]
        self.ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the last of each run of equal scores

    def error_rate(self, weights: np.ndarray) -> float:
        """The equal error rate by weights (P,)."""
        ranked = weights[self.order]
        below = np.cumsum(np.where(self.targets, ranked, 0))
        rejected = np.cumsum(np.where(self.targets, 0, ranked))
        misses = np.append(0, below[self.ends] / below[-1])  # threshold below all scores, then above each in turn
        alarms = np.append(1, 1 - rejected[self.ends] / rejected[-1])
        gaps = alarms - misses
        crossing = int(np.argmax(gaps <= 0))
        share = gaps[crossing - 1] / (gaps[crossing - 1] - gaps[crossing])
        return float(misses[crossing - 1] + share * (misses[crossing] - misses[crossing - 1]))
