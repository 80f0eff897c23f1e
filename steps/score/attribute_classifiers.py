"""Classifiers of each attribute, fitted to held-out speakers, which tell whether samples follow their texts.

The classifiers are fitted to dev and test speakers only, in speaker-disjoint folds: fitted to the training speakers of
the generator, they would share the sampling noise of these speakers with it. Accuracies are balanced over the values
of an attribute, averaged over the folds, and given as a ratio to the ceiling: the accuracy on real training segments in
the same mix of groups. The floor is that of a generator that ignores its text: real training segments under any label.
"""

from collections.abc import Sequence

import numpy as np

from steps.metrics.classifiers import balanced_accuracy, cross_fit, speaker_folds


class AttributeClassifiers:
    """Linear classifiers of every attribute and fold, applied at once.

    Args:
        attributes: names, in the order in which group ids hold their values.
        x: (N, D) embeddings of held-out speakers. speakers: (N,). values: (N, A) attribute values.
        seed: decides the folds.
    """

    def __init__(self, attributes: Sequence[str], x: np.ndarray, speakers: np.ndarray, values: np.ndarray, seed: int):
        self.attributes = tuple(attributes)
        folds = speaker_folds(speakers, seed)
        self._models = [cross_fit(x, column, folds) for column in values.T]  # a list of folds for each attribute
        self.classes = [models[0].classes for models in self._models]
        self.floors = {name: 1 / len(classes) for name, classes in zip(attributes, self.classes, strict=True)}
        self.held_out = self._held_out_accuracy(x, values, folds)

    def correct(self, x: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Share (N, A) of the folds' classifiers that find the wanted values (N, A) in x (N, D)."""
        columns = zip(self._models, values.T, strict=True)
        shares = [np.mean([model.labels(x) == wanted for model in models], axis=0) for models, wanted in columns]
        return np.stack(shares, axis=1)

    def accuracies(self, x: np.ndarray, values: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
        """Balanced accuracy of each attribute on x (N, D) that should have the values (N, A), weighted by (N,)."""
        correct = self.correct(x, values)
        return {
            name: balanced_accuracy(correct[:, column], values[:, column], weights)
            for column, name in enumerate(self.attributes)
        }

    def posteriors(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Posteriors (N, C) of the `classes` of each attribute, for x (N, D): the mean of the folds' classifiers."""
        means = (np.mean([model.posteriors(x) for model in models], axis=0) for models in self._models)
        return dict(zip(self.attributes, means, strict=True))

    def _held_out_accuracy(self, x: np.ndarray, values: np.ndarray, folds: np.ndarray) -> dict[str, float]:
        """Balanced accuracy on the held-out speakers, each judged by the classifier that has not seen them."""
        accuracies = {}
        for name, models, wanted in zip(self.attributes, self._models, values.T, strict=True):
            correct = np.empty(len(x), dtype=bool)
            for fold, model in enumerate(models):
                correct[folds == fold] = model.labels(x[folds == fold]) == wanted[folds == fold]
            accuracies[name] = balanced_accuracy(correct, wanted)
        return accuracies


def mix_weights(groups: np.ndarray, mix: dict[str, float]) -> np.ndarray:
    """Weights (N,) under which the groups (N,) of rows have the shares of `mix` (group -> share)."""
    names, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return (np.array([mix.get(str(name), 0.0) for name in names]) / counts)[codes]
