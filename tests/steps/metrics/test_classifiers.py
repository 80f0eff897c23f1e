"""Linear classifiers: what they find, labels without examples, folds of speakers, accuracy by label."""

import numpy as np
import pytest

from steps.metrics.classifiers import (
    FOLDS,
    LEAST_SPEAKERS,
    balanced_accuracy,
    cross_fit,
    fit,
    held_out_posteriors,
    learnable,
    log_odds,
    speaker_folds,
)  # fmt: skip


def clouds(n_speakers: int, names: tuple[str, ...], dtype: type = np.float64):
    """Three embeddings (N, 5) of each speaker, around a centre for each label; labels (N,) and speakers (N,)."""
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(n_speakers), 3)
    numbers = speakers % len(names)
    x = 4 * rng.normal(size=(len(names), 5))[numbers] + rng.normal(size=(len(speakers), 5))
    return x.astype(dtype), np.array(names)[numbers], speakers


@pytest.mark.parametrize("names", [("low", "high"), ("low", "high", "medium")])
def test_posteriors_sum_to_one_and_the_likeliest_is_the_label(names):
    x, labels, _ = clouds(30, names)
    model = fit(x, labels)
    posteriors = model.posteriors(x)
    assert model.classes == tuple(sorted(names))
    np.testing.assert_allclose(posteriors.sum(axis=1), 1)
    assert (model.labels(x) == np.array(model.classes)[posteriors.argmax(axis=1)]).all()
    assert (model.labels(x) == labels).mean() > 0.95


def test_two_labels_have_the_posteriors_of_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    x, labels, _ = clouds(30, ("a", "b"))
    scaled = (x - x.mean(axis=0)) / np.sqrt(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean())
    expected = LogisticRegression(C=5.0, class_weight="balanced", max_iter=1000).fit(scaled, labels)
    np.testing.assert_allclose(fit(x, labels).posteriors(x), expected.predict_proba(scaled), atol=1e-9)


@pytest.mark.parametrize("present", [("a",), ("a", "c"), ("a", "b", "c")])
def test_a_label_without_examples_is_never_found(present):
    x, labels, _ = clouds(12, present)
    model = fit(x, labels, ["a", "b", "c"])
    assert model.classes == ("a", "b", "c")
    assert set(model.labels(x)) <= set(present)
    absent = [column for column, name in enumerate(model.classes) if name not in present]
    assert (model.posteriors(x)[:, absent] == 0).all()
    np.testing.assert_allclose(model.posteriors(x).sum(axis=1), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_is_that_of_the_embeddings(dtype):
    x, labels, _ = clouds(12, ("a", "b"), dtype)
    model = fit(x, labels)
    assert model.weights.dtype == model.offsets.dtype == model.scores(x).dtype == dtype


def test_a_speaker_is_in_one_fold_and_folds_follow_the_seed():
    speakers = np.repeat([f"s{number}" for number in range(23)], 4)
    folds = speaker_folds(speakers, 3)
    assert (folds.reshape(23, 4) == folds.reshape(23, 4)[:, :1]).all()
    assert set(np.bincount(folds.reshape(23, 4)[:, 0])) == {4, 5} and folds.max() == FOLDS - 1
    assert (folds == speaker_folds(speakers, 3)).all() and (folds != speaker_folds(speakers, 4)).any()


def test_a_fold_is_judged_by_a_classifier_that_has_not_seen_it():
    """Labels that only the speakers themselves explain are found by who has seen the speaker, and not held out."""
    rng = np.random.default_rng(1)
    speakers = np.repeat(np.arange(40), 6)
    x = rng.normal(size=(40, 60))[speakers] + 0.01 * rng.normal(size=(240, 60))
    labels = rng.permutation(np.repeat(["a", "b"], 20))[speakers]
    classes, posteriors = held_out_posteriors(x, labels, speakers, 0)
    held_out = balanced_accuracy(np.array(classes)[posteriors.argmax(axis=1)] == labels, labels)
    seen = balanced_accuracy(fit(x, labels).labels(x) == labels, labels)
    assert held_out < 0.7 < 0.95 < seen
    models = cross_fit(x, labels, speaker_folds(speakers, 0))
    assert len(models) == FOLDS and all(model.classes == ("a", "b") for model in models)


def test_labels_of_few_speakers_are_not_learnable():
    speakers = np.arange(3 * LEAST_SPEAKERS)
    labels = np.repeat(["a", "b", "c"], LEAST_SPEAKERS)
    assert learnable(labels, speakers) == ["a", "b", "c"]
    labels[0] = "b"
    assert learnable(labels, speakers) == ["b", "c"]
    assert learnable(labels[labels == "c"], speakers[labels == "c"]) == []


def test_log_odds_are_finite():
    np.testing.assert_allclose(log_odds(np.array([0.5, 0.9])), [0, np.log(9)])
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_balanced_accuracy_counts_values_the_same():
    correct, labels = np.array([1, 1, 1, 0]), np.array(["a", "a", "a", "b"])
    assert balanced_accuracy(correct, labels) == 0.5
    assert balanced_accuracy(correct, labels, np.array([1.0, 1.0, 1.0, 9.0])) == 0.5
    assert balanced_accuracy(np.array([1, 0]), np.array(["a", "a"]), np.array([3.0, 1.0])) == 0.75


def test_weights_lie_in_memory_as_they_are_read():
    """The last digits of scores, and decisions that are nearly even, depend on the layout."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(60, 5)).astype(np.float32), np.array(["a", "b", "c"] * 20)
    assert fit(x, labels).weights.flags.c_contiguous
