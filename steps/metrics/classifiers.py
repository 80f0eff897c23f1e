"""Linear classifiers of embeddings, cross-fitted: a speaker is judged by a classifier fitted to other speakers.

Multinomial logistic regression on embeddings that are centred and divided by one scale (a scale for each dimension
would enlarge those that are nearly constant), classes weighted equally. The speakers are dealt into folds; the
classifier of a fold is fitted to all other folds. Everything is computed in the precision of the embeddings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FOLDS = 5
INVERSE_PENALTY = 5.0  # for embeddings of mean squared length 1 around their mean
WEAK = 500.0  # likewise, of a classifier that may use narrow directions as well as wide ones
LEAST_SPEAKERS = 2 * FOLDS  # labels of fewer speakers are not learnt
SURE = 1e-6  # posteriors are clipped to SURE .. 1 - SURE, which few speakers cannot estimate better


@dataclass(frozen=True, eq=False)
class Classifier:
    """A linear classifier: scores x @ weights + offsets.

    Attributes:
        classes: names (C). weights: (D, C). offsets: (C,); that of a class without examples is -infinity.
    """

    classes: tuple[str, ...]
    weights: np.ndarray
    offsets: np.ndarray

    def scores(self, x: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, C)."""
        return x @ self.weights + self.offsets

    def posteriors(self, x: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, C), rows that sum to 1."""
        scores = self.scores(x)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)

    def labels(self, x: np.ndarray) -> np.ndarray:
        """The likeliest class (N,) of each embedding (N, D)."""
        return np.array(self.classes)[self.scores(x).argmax(axis=1)]


def fit(
    x: np.ndarray, labels: np.ndarray, classes: Sequence[str] | None = None, inverse_penalty: float = INVERSE_PENALTY
) -> Classifier:
    """Fit a classifier to embeddings (N, D) and their labels (N,), for `classes`, by default those of the labels."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(labels)
    classes = tuple(map(str, present if classes is None else classes))
    columns = [classes.index(name) for name in map(str, present)]
    # rows in memory order: a product with the transposed layout rounds its last digits differently
    weights, offsets = np.zeros((x.shape[1], len(classes)), x.dtype), np.full(len(classes), -np.inf, x.dtype)
    if len(columns) == 1:
        offsets[columns] = 0
        return Classifier(classes, weights, offsets)
    mean = x.mean(axis=0)
    scale = 1 / np.sqrt(((x - mean) ** 2).sum(axis=1).mean())
    model = LogisticRegression(C=inverse_penalty, class_weight="balanced", max_iter=1000)
    model.fit((x - mean) * scale, labels)
    w, b = model.coef_ * scale, model.intercept_
    if len(columns) == 2:  # one row: the scores of the second class, relative to the first
        w, b = np.concatenate([0 * w, w]), np.concatenate([0 * b, b])
    weights[:, columns], offsets[columns] = w.T, b - w @ mean
    return Classifier(classes, weights, offsets)


def speaker_folds(speakers: np.ndarray, seed: int) -> np.ndarray:
    """The fold (N,) of each row, the same for all rows of a speaker (N,)."""
    names, numbers = np.unique(speakers, return_inverse=True)
    return np.random.default_rng(seed).permutation(len(names))[numbers] % FOLDS


def cross_fit(
    x: np.ndarray, labels: np.ndarray, folds: np.ndarray, inverse_penalty: float = INVERSE_PENALTY
) -> list[Classifier]:
    """For each fold, a classifier of all labels that is fitted to the other folds. x: (N, D); labels, folds: (N,)."""
    classes = np.unique(labels)
    return [fit(x[folds != fold], labels[folds != fold], classes, inverse_penalty) for fold in range(FOLDS)]


def learnable(labels: np.ndarray, speakers: np.ndarray, least: int = LEAST_SPEAKERS) -> list[str]:
    """The labels with at least `least` speakers, sorted; none if there is only one such label."""
    kinds = [str(kind) for kind in np.unique(labels) if len(np.unique(speakers[labels == kind])) >= least]
    return kinds if len(kinds) > 1 else []


def held_out_posteriors(x: np.ndarray, labels: np.ndarray, speakers: np.ndarray, seed: int) -> tuple[tuple, np.ndarray]:
    """Posteriors of each embedding by the classifier that was not fitted to its speaker.

    Args:
        x: (N, D). labels, speakers: (N,), all labels `learnable`.
    Returns:
        The classes (C), and posteriors (N, C).
    """
    folds = speaker_folds(speakers, seed)
    models = cross_fit(x, labels, folds)
    return models[0].classes, unseen_posteriors(models, x, folds)


def unseen_posteriors(models: Sequence[Classifier], x: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Posteriors (N, C) of embeddings x (N, D) by the classifier of their fold (N,), see `cross_fit`."""
    found = np.zeros((len(x), len(models[0].classes)))
    for fold, model in enumerate(models):
        found[folds == fold] = model.posteriors(x[folds == fold])
    return found


def log_odds(posteriors: np.ndarray) -> np.ndarray:
    """Natural log odds of probabilities, any shape."""
    inside = np.clip(posteriors, SURE, 1 - SURE)
    return np.log(inside) - np.log1p(-inside)


def balanced_accuracy(correct: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean over the labels (N,) of the mean of `correct` (N,), weighted by `weights` (N,), in their rows."""
    weights = np.ones(len(labels)) if weights is None else weights
    kinds = [labels == value for value in np.unique(labels)]
    return float(np.mean([np.average(correct[rows], weights=weights[rows]) for rows in kinds]))
