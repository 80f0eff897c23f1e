"""Classifiers of sentence vectors with soft labels."""

import numpy as np
import pytest

from steps.text.text_classifier import TextClassifier, fit_classifier, soft_labels
from utils.errors import InputError

VALUES = {"pitch": ("high", "low"), "accent": ("irish", "welsh")}
DIM = 5


@pytest.fixture(scope="module")
def fitted():
    """Vectors whose first entry says the pitch, and whose second one says whether it is said at all."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, DIM)).astype(np.float32)
    said = [{"pitch": {"high" if row[0] > 0 else "low" if row[1] > 0 else "unsaid": 1.0}} for row in vectors]
    labels = soft_labels(said, VALUES)
    return fit_classifier(vectors, labels, [f"kind {n % 9}" for n in range(300)], VALUES), vectors, labels


def test_soft_labels():
    said = [{"pitch": {"low": 0.5, "unsaid": 0.5}}, {"accent": {"welsh": 1.0}}]
    labels = soft_labels(said, VALUES)
    assert labels["pitch"].tolist() == [[0, 0.5, 0.5], [0, 0, 0]] and labels["accent"].tolist() == [[0] * 3, [0, 1, 0]]


def test_posteriors(fitted):
    classifier, vectors, labels = fitted
    posteriors = classifier.posteriors(vectors)
    assert np.allclose(posteriors["pitch"].sum(axis=1), 1, atol=1e-5)
    assert np.mean(posteriors["pitch"].argmax(axis=1) == labels["pitch"].argmax(axis=1)) > 0.8
    assert np.allclose(posteriors["accent"], 1 / 3, atol=1e-5)  # nothing was said of it


def test_a_vector_is_read_as_alone():
    rng = np.random.default_rng(1)
    weights, offsets = rng.normal(size=(384, 3)).astype(np.float32), np.zeros(3, np.float32)
    classifier = TextClassifier({"pitch": ("high", "low")}, {"pitch": weights}, {"pitch": offsets})
    vectors = rng.normal(size=(200, 384)).astype(np.float32) / 20
    alone = [classifier.posteriors(vectors[row : row + 1])["pitch"][0] for row in range(200)]
    assert np.array_equal(classifier.posteriors(vectors)["pitch"], alone)


def test_doubtful_labels_give_doubtful_posteriors():
    vectors = np.tile(np.eye(2, dtype=np.float32), (60, 1))
    labels = soft_labels(
        [{"pitch": {"low": 0.5, "unsaid": 0.5}}, {"pitch": {"high": 1.0}}] * 60, {"pitch": ("high", "low")}
    )
    classifier = fit_classifier(vectors, labels, [str(n // 2) for n in range(120)], {"pitch": ("high", "low")})
    (first, second) = classifier.posteriors(np.eye(2, dtype=np.float32))["pitch"]
    assert np.allclose(first[1:], 0.5, atol=0.1) and second[0] > 0.9


def test_arrays_come_back_and_are_checked(fitted):
    classifier, vectors, _ = fitted
    arrays = classifier.arrays()
    again = TextClassifier.from_arrays(VALUES, DIM, arrays, "file")
    assert np.array_equal(again.posteriors(vectors)["pitch"], classifier.posteriors(vectors)["pitch"])
    nan = arrays["weights.pitch"] * np.float32("nan")
    for bad in ({}, arrays | {"weights.pitch": nan}, arrays | {"more": nan}, arrays | {"offsets.pitch": np.zeros(9)}):
        with pytest.raises(InputError, match="^file: expected finite float32 arrays"):
            TextClassifier.from_arrays(VALUES, DIM, bad, "file")
