"""Do samples follow the text? Classifiers of each attribute, fitted on held-out speakers, judge them.

The classifiers (multinomial logistic regression) see only dev and test speakers, in speaker-disjoint folds: fitted on
the generator's own training speakers they would share those speakers' sampling noise with it. Accuracies are balanced
over the values of an attribute, averaged over the folds, and read as a ratio to the ceiling: what the same
classifiers reach on real training segments in the same mix of groups. The floor is a generator that does not read:
any real training segment under any label.

Embeddings keep the scale of their dimensions: to standardise each one would make nearly dead dimensions decide, where
a sample that is off by a hair is off by many deviations.
"""

from collections.abc import Sequence

import numpy as np

FOLDS = 5
INVERSE_PENALTY = 5.0  # for embeddings of mean squared length 1 around their mean


class AttributeJudge:
    """Linear classifiers of every attribute and fold, applied at once.

    Args:
        attributes: names, in the order in which group ids hold their values.
        x: (N, D) embeddings of held-out speakers. speakers: (N,) numbers. values: (N, A) attribute values.
        seed: decides the folds.
    """

    def __init__(self, attributes: Sequence[str], x: np.ndarray, speakers: np.ndarray, values: np.ndarray, seed: int):
        self.attributes = tuple(attributes)
        self.classes = [np.unique(values[:, column]) for column in range(len(attributes))]
        folds = np.random.default_rng(seed).permutation(speakers.max() + 1)[speakers] % FOLDS
        self._models = [
            [_fit_linear(x[folds != fold], values[folds != fold, column], classes) for fold in range(FOLDS)]
            for column, classes in enumerate(self.classes)
        ]
        self.held_out = self._held_out_accuracy(x, values, folds)

    def correct(self, x: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Share of the folds' classifiers (N, A) that find the value asked for. x: (N, D); values: (N, A)."""
        out = np.empty(values.shape)
        for column, (classes, models) in enumerate(zip(self.classes, self._models, strict=True)):
            wanted = values[:, column]
            out[:, column] = np.mean([classes[(x @ w + b).argmax(axis=1)] == wanted for w, b in models], axis=0)
        return out

    def _held_out_accuracy(self, x: np.ndarray, values: np.ndarray, folds: np.ndarray) -> dict[str, float]:
        """Balanced accuracy on the held-out speakers, each judged by the classifier that has not seen them."""
        accuracies = {}
        for column, name in enumerate(self.attributes):
            found = np.empty_like(values[:, column])
            for fold, (w, b) in enumerate(self._models[column]):
                found[folds == fold] = self.classes[column][(x[folds == fold] @ w + b).argmax(axis=1)]
            accuracies[name] = balanced_accuracy(found == values[:, column], values[:, column])
        return accuracies


def _fit_linear(x: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores x @ w + b, w (D, C) and b (C,), of a logistic regression. A class without a row never wins."""
    from sklearn.linear_model import LogisticRegression

    w, b = np.zeros((x.shape[1], len(classes))), np.full(len(classes), -np.inf)
    places = np.searchsorted(classes, np.unique(labels))
    if len(places) == 1:
        b[places] = 0
        return w.astype(np.float32), b.astype(np.float32)
    mean = x.mean(axis=0)
    scale = 1 / np.sqrt(((x - mean) ** 2).sum(axis=1).mean())
    model = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=1000).fit(
        (x - mean) * scale, labels
    )
    weights, offsets = model.coef_ * scale, model.intercept_
    if len(model.classes_) == 2:
        weights, offsets = np.concatenate([-weights, weights]), np.concatenate([-offsets, offsets])
    w[:, places], b[places] = weights.T, offsets - weights @ mean
    return w.astype(np.float32), b.astype(np.float32)


def balanced_accuracy(correct: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean over the values in `labels` (N,) of the (weighted) mean of `correct` (N,) among their rows."""
    weights = np.ones(len(labels)) if weights is None else weights
    kinds = [labels == value for value in np.unique(labels)]
    return float(np.mean([np.average(correct[rows], weights=weights[rows]) for rows in kinds]))


def mix_weights(groups: np.ndarray, mix: dict[str, float]) -> np.ndarray:
    """Weights (N,) that give rows of `groups` (N,) the shares of `mix`: resampling to that mix, without its noise."""
    names, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return (np.array([mix.get(str(name), 0.0) for name in names]) / counts)[codes]
