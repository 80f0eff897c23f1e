"""Gain of voice distinctiveness: do sampled speakers differ from each other as real ones do?

    M(i, j) = sigmoid(mean log likelihood ratio of the utterances of i with those of j),  an utterance never with itself
    D(M) = |mean of the diagonal - mean of the rest|
    GVD = 10 log10(D(M_gg) / D(M_rr))

in decibels: 0 as real speakers, -10 as good as collapsed (P.-G. Noé et al., "Speech pseudonymisation assessment using
voice similarity matrices", Interspeech 2020). The ratios are cosines calibrated on real speakers, two parameters in
all, so that nothing is learnt of the speakers of a generator.
"""

import math

import numpy as np

from steps.metrics.logistic import LinearScore, fit_logistic
from steps.metrics.speaker_vectors import mean_rows
from steps.metrics.trial_samples import SampleSize, sample_trials

MOST_TRIALS = 20_000  # of each kind, to calibrate with
PENALTY = 1e-2  # with which separable scores have a finite weight
BLOCK = 1 << 22  # similarities held at a time


def calibrated_cosines(unit: np.ndarray, speakers: np.ndarray, seed: int) -> LinearScore:
    """What makes a log likelihood ratio of a cosine, learnt from unit vectors (N, D) and their speakers (N,)."""
    counts = np.bincount(speakers)
    targets = int((counts * (counts - 1) // 2).sum())
    nontargets = len(unit) * (len(unit) - 1) // 2 - targets
    size = SampleSize(min(MOST_TRIALS, targets), min(MOST_TRIALS, nontargets))
    trials = sample_trials([str(row) for row in range(len(unit))], speakers, size, seed)
    return fit_logistic(trials.products(unit, unit).astype(float)[:, None], trials.targets, trials.kind, 0.5, PENALTY)


def diagonal_dominance(unit: np.ndarray, speakers: np.ndarray, score: LinearScore) -> float:
    """D(M) of unit vectors (N, D) and their speakers (N,), numbers 0 to S - 1, two vectors or more each."""
    counts = np.bincount(speakers)
    means = mean_rows(unit, speakers)
    own = (counts * np.vecdot(means, means) - 1) / (counts - 1)
    diagonal, rest, step = _sigmoid(score(own[:, None])).mean(), 0.0, max(1, BLOCK // len(counts))
    for start in range(0, len(means), step):
        similar = _sigmoid(score((means[start : start + step] @ means.T)[..., None]))
        similar[np.arange(len(similar)), np.arange(start, start + len(similar))] = 0
        rest += similar.sum()
    return abs(float(diagonal - rest / (len(counts) * (len(counts) - 1))))


def gain_of_distinctiveness(sampled: float, real: float) -> float:
    """GVD in decibels, of D(M_gg) and D(M_rr)."""
    return 10 * math.log10(max(sampled, 1e-10) / real)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
