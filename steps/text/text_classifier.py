"""What a sentence vector says about attributes, learnt from labelled texts: a posterior over the values and `unsaid`.

For each attribute a multinomial logistic regression on sentence vectors with soft labels; its posteriors are calibrated
by one temperature, which kinds of texts that were left out of the regression decide. Texts only, no voices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from steps.text.layout import UNSAID
from utils.errors import InputError

INVERSE_PENALTY = 10.0  # of the regression, for vectors of length 1
FOLDS = 3  # of the kinds, for the temperature
TEMPERATURES = np.geomspace(0.5, 8, 25)
ABSENT = -100.0  # score of a class without examples
LEAST = 1e-4  # posteriors below this count as this in the calibration


@dataclass(frozen=True, eq=False)
class TextClassifier:
    """A linear classifier for each attribute.

    Attributes:
        attributes: attribute -> its k values; the last class of each is `unsaid`.
        weights: attribute -> (S, k + 1). offsets: attribute -> (k + 1,), ABSENT for a class without examples.
    """

    attributes: Mapping[str, tuple[str, ...]]
    weights: Mapping[str, np.ndarray]
    offsets: Mapping[str, np.ndarray]

    def posteriors(self, vectors: np.ndarray) -> dict[str, np.ndarray]:
        """Attribute -> (T, k + 1) for sentence vectors (T, S), each multiplied alone, so that others change no bit."""
        scores = {name: np.stack([one @ self.weights[name] for one in vectors]) for name in self.attributes}
        return {name: _softmax(one + self.offsets[name]) for name, one in scores.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """All numbers by name, as `from_arrays` takes them."""
        parts = {"weights": self.weights, "offsets": self.offsets}
        return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    @classmethod
    def from_arrays(
        cls, attributes: Mapping[str, tuple[str, ...]], dim: int, arrays: Mapping[str, np.ndarray], where: object
    ) -> "TextClassifier":
        """The classifier of these arrays. Raises InputError, which begins with `where`, if they do not fit."""
        shapes = {f"weights.{name}": (dim, len(values) + 1) for name, values in attributes.items()}
        shapes |= {f"offsets.{name}": (len(values) + 1,) for name, values in attributes.items()}
        good = arrays.keys() == shapes.keys() and all(
            arrays[name].shape == shape and arrays[name].dtype == np.float32 and np.isfinite(arrays[name]).all()
            for name, shape in shapes.items()
        )
        if not good:
            raise InputError(f"{where}: expected finite float32 arrays {', '.join(shapes)}; run stages 1 and 4 again")
        parts = ({name: arrays[f"{part}.{name}"] for name in attributes} for part in ("weights", "offsets"))
        return cls(attributes, *parts)


def soft_labels(
    said: Sequence[Mapping[str, Mapping[str, float]]], attributes: Mapping[str, Sequence[str]]
) -> dict[str, np.ndarray]:
    """Attribute -> weights (T, k + 1) of values and `unsaid`, for what T texts say; 0 where a text has no attribute."""
    return {
        name: np.array([[one.get(name, {}).get(value, 0.0) for value in (*values, UNSAID)] for one in said])
        for name, values in attributes.items()
    }


@threadpool_limits.wrap(limits=1)  # the same numbers for any number of threads
def fit_classifier(
    vectors: np.ndarray, labels: Mapping[str, np.ndarray], kinds: Sequence[str], attributes: Mapping[str, Sequence[str]]
) -> TextClassifier:
    """Fit a classifier.

    Args:
        vectors: (T, S) sentence vectors of labelled texts. labels: attribute -> (T, k + 1), as of `soft_labels`.
        kinds: (T) of the texts; a temperature is judged on texts of kinds that the regression has not seen.
    """
    folds = _folds(kinds)
    weights, offsets = {}, {}
    for name in attributes:
        held_out = np.zeros_like(labels[name])
        for fold in range(FOLDS):
            w, b = _regression(vectors[folds != fold], labels[name][folds != fold])
            held_out[folds == fold] = vectors[folds == fold] @ w + b
        temperature = _temperature(held_out, labels[name])
        w, b = _regression(vectors, labels[name])
        weights[name], offsets[name] = (w / temperature).astype(np.float32), (b / temperature).astype(np.float32)
    return TextClassifier({name: tuple(values) for name, values in attributes.items()}, weights, offsets)


def _folds(kinds: Sequence[str]) -> np.ndarray:
    """The fold (T,) of each text: whole kinds, the largest first into the smallest fold."""
    names, numbers, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    sizes, fold = np.zeros(FOLDS), np.zeros(len(names), int)
    for kind in np.argsort(-counts, kind="stable"):
        fold[kind] = sizes.argmin()
        sizes[fold[kind]] += counts[kind]
    return fold[numbers]


def _regression(vectors: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (S, C) and offsets (C,) of vectors (T, S) with soft labels (T, C): a row for each label with a weight."""
    from sklearn.linear_model import LogisticRegression

    rows, classes = np.nonzero(labels)
    weights, offsets = np.zeros((vectors.shape[1], labels.shape[1])), np.full(labels.shape[1], ABSENT)
    present = np.unique(classes)
    if len(present) < 2:
        offsets[present] = 0
        return weights, offsets
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=500)
    model.fit(vectors[rows], classes, sample_weight=labels[rows, classes])
    w, b = model.coef_, model.intercept_
    if len(present) == 2:  # one row: the scores of the second class, relative to the first
        w, b = np.concatenate([0 * w, w]), np.concatenate([0 * b, b])
    weights[:, present], offsets[present] = w.T, b
    return weights, offsets


def _temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The temperature at which posteriors of the scores (T, C) give the labels (T, C) the highest mean log."""
    log = [np.log(np.maximum(_softmax(scores / t), LEAST)) for t in TEMPERATURES]
    return float(TEMPERATURES[np.argmax([(labels * one).sum() for one in log])])


def _softmax(scores: np.ndarray) -> np.ndarray:
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)
