"""Classifier two-sample test: can anything tell samples from real speakers?

Three classifiers, a linear one (logistic regression), boosted trees and nearest neighbours, learn to tell the two sets
apart, and are tried on speakers that they never saw. Each in the space of the vectors, which shows norms, zeros and
single dimensions, and in the whitened subspace, which shows narrow directions. The figure is the share that is told
right, the mean over speakers and then over both sets: 1/2 is chance, whatever the sizes of the sets. The best
classifier counts (D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017, arXiv:1610.06545).

Under chance a number of Binomial(n, 1/2) is right. Rows of one speaker are not independent, nor are folds, each of
which teaches the others: the share of S speakers was found to deviate up to 1.3 times as much as that of Binomial(S,
1/2). So n is S / 2, which errs on the safe side. Because the best is picked among several, its p value is multiplied by
how many there are (Bonferroni).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from steps.metrics.speaker_vectors import NotMeasured, SpeakerVectors

FOLDS = 4
NEIGHBOURS = 5
MOST_ROWS = 4000  # of each set


class ToldApart(NamedTuple):
    """Share told right by each classifier, and the p value of the best of them."""

    accuracies: dict[str, float]
    p: float

    @property
    def best(self) -> str:
        """The classifier that tells most."""
        return max(self.accuracies, key=self.accuracies.__getitem__)


def told_apart(
    samples: SpeakerVectors,
    real: SpeakerVectors,
    spaces: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    seed: int,
    most_rows: int = MOST_ROWS,
) -> ToldApart:
    """Try all classifiers in all `spaces`, name -> map of vectors (N, D) -> (N, d), on as many rows of both sets.

    Both sets need as many speakers as there are folds, in these rows. Raises NotMeasured where they have fewer.
    """
    rng = np.random.default_rng(seed)
    rows = min(most_rows, len(samples.x), len(real.x))
    pair = [one.at_most(rng, max(rows, FOLDS)) for one in (real, samples)]
    if any(one.n_speakers < FOLDS for one in pair):
        raise NotMeasured(f"fewer than {FOLDS} speakers in {rows} rows of a set, which folds of speakers need")
    folds = np.concatenate([rng.permutation(one.n_speakers)[one.speakers] % FOLDS for one in pair])
    y = np.repeat([0, 1], [len(one.x) for one in pair])
    found = {}
    for space, place in spaces.items():
        x = np.concatenate([place(one.x) for one in pair]).astype(np.float32)
        for name, make in CLASSIFIERS.items():
            right = _held_out(make, x, y, folds, seed) == y
            shares = [_mean_of_speakers(right[y == kind], one) for kind, one in enumerate(pair)]
            found[f"{name} {space}"] = float(np.mean(shares))
    return ToldApart(found, chance_p(max(found.values()), sum(one.n_speakers for one in pair) // 2, len(found)))


def chance_p(accuracy: float, n: int, tried: int) -> float:
    """How often chance tells n as well as the best of `tried` classifiers did, or better; at most 1."""
    from scipy.stats import binom

    return min(1.0, tried * float(binom.sf(np.ceil(accuracy * n - 1e-9) - 1, n, 0.5)))


def _held_out(make: Callable[[int], Any], x: np.ndarray, y: np.ndarray, folds: np.ndarray, seed: int) -> np.ndarray:
    """What each row (N,) is taken for by a classifier of the other folds."""
    found = np.empty_like(y)
    for fold in range(FOLDS):
        learnt, tried = folds != fold, folds == fold
        centre, scale = x[learnt].mean(axis=0), x[learnt].std(axis=0)
        inside = (x - centre) / np.where(scale > 1e-6 * scale.max(), scale, 1)
        found[tried] = make(seed).fit(inside[learnt], y[learnt]).predict(inside[tried])
    return found


def _mean_of_speakers(right: np.ndarray, vectors: SpeakerVectors) -> float:
    return float((np.bincount(vectors.speakers, right) / vectors.counts).mean())


def _linear(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.1, class_weight="balanced", max_iter=200, random_state=seed)


def _trees(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # no class weights, with which the borders of the bins take a hundred times as long
    return HistGradientBoostingClassifier(
        max_iter=50, max_leaf_nodes=8, max_bins=64, early_stopping=False, random_state=seed
    )


def _neighbours(seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(NEIGHBOURS, algorithm="brute")


CLASSIFIERS: dict[str, Callable[[int], Any]] = {"linear": _linear, "trees": _trees, "neighbours": _neighbours}
