"""Classifiers of a label on embeddings whose judgements are about speakers that they have not seen.

Multinomial logistic regression on embeddings that are centred and scaled as one (each dimension by itself would make
nearly dead ones decide), classes weighted equally. The speakers are dealt into folds; each fold is judged by the
classifier of the others.
"""

from dataclasses import dataclass

import numpy as np

FOLDS = 5
INVERSE_PENALTY = 5.0  # for embeddings of mean squared length 1 around their mean
LEAST_SPEAKERS = 2 * FOLDS  # of a label, or it is not learnt
SURE = 1e-6  # no classifier of so few speakers is surer than this


@dataclass(frozen=True, eq=False)
class Classifier:
    """A linear classifier: scores x @ weights + offsets.

    Attributes:
        classes: names (C). weights: (D, C). offsets: (C,).
    """

    classes: tuple[str, ...]
    weights: np.ndarray
    offsets: np.ndarray

    def posteriors(self, x: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, C), rows that sum to 1."""
        scores = x @ self.weights + self.offsets
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)


def fit(x: np.ndarray, labels: np.ndarray) -> Classifier:
    """Fit a classifier to embeddings (N, D) and their labels (N,), of two kinds or more."""
    from sklearn.linear_model import LogisticRegression

    mean = x.mean(axis=0, dtype=np.float64)
    scale = 1 / np.sqrt(((x - mean) ** 2).sum(axis=1).mean())
    model = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=1000)
    model.fit((x - mean) * scale, labels)
    weights, offsets = model.coef_ * scale, model.intercept_
    if len(model.classes_) == 2:  # one row: the scores of the second class, relative to the first
        weights, offsets = np.concatenate([0 * weights, weights]), np.concatenate([0 * offsets, offsets])
    return Classifier(tuple(map(str, model.classes_)), weights.T, offsets - weights @ mean)


def learnable(labels: np.ndarray, speakers: np.ndarray) -> list[str]:
    """The labels that have speakers enough to be learnt without those of one fold; none if that is one label only."""
    kinds = [str(kind) for kind in np.unique(labels) if len(np.unique(speakers[labels == kind])) >= LEAST_SPEAKERS]
    return kinds if len(kinds) > 1 else []


def held_out_posteriors(x: np.ndarray, labels: np.ndarray, speakers: np.ndarray, seed: int) -> tuple[tuple, np.ndarray]:
    """Judge each embedding by a classifier that has not seen its speaker.

    Args:
        x: (N, D). labels, speakers: (N,), all labels `learnable`.
    Returns:
        The classes (C), and posteriors (N, C).
    """
    names, numbers = np.unique(speakers, return_inverse=True)
    folds = np.random.default_rng(seed).permutation(len(names))[numbers] % FOLDS
    classes = tuple(map(str, np.unique(labels)))
    found = np.zeros((len(x), len(classes)))
    for fold in range(FOLDS):
        held = folds == fold
        model = fit(x[~held], labels[~held])
        columns = [classes.index(name) for name in model.classes]
        found[np.ix_(held, columns)] = model.posteriors(x[held])
    return classes, found


def log_odds(posteriors: np.ndarray) -> np.ndarray:
    """Natural log odds of probabilities, any shape."""
    inside = np.clip(posteriors, SURE, 1 - SURE)
    return np.log(inside) - np.log1p(-inside)


def balanced_accuracy(classes: tuple[str, ...], posteriors: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the labels of the share of their rows that are judged right."""
    right = np.array(classes)[posteriors.argmax(axis=1)] == labels
    return float(np.mean([right[labels == kind].mean() for kind in np.unique(labels)]))
