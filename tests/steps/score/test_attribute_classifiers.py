"""The classifiers of attributes: accuracy on held-out speakers, on right labels and on wrong ones."""

import numpy as np
import pytest

from steps.score.attribute_classifiers import AttributeClassifiers, mix_weights
from steps.score.data import ScoreData


@pytest.fixture(scope="module")
def classifiers(data: ScoreData) -> AttributeClassifiers:
    """Classifiers of the generated test speakers."""
    values = data.values(data.test.groups)
    return AttributeClassifiers(data.attributes, data.test.x, data.test.speaker_codes, values, seed=0)


def test_labels_that_mean_nothing_are_found_at_chance_on_held_out_speakers(data: ScoreData):
    values = data.values(data.test.groups).copy()
    rng = np.random.default_rng(0)
    by_speaker = rng.choice(["high", "low", "medium"], data.test.n_speakers)
    values[:, 1] = by_speaker[data.test.speaker_codes]
    classifiers = AttributeClassifiers(data.attributes, data.test.x, data.test.speaker_codes, values, seed=0)
    assert classifiers.held_out["pitch"] < 0.45  # folds that share speakers would give more
    assert classifiers.held_out["gender"] > 0.95


def test_embeddings_under_wrong_labels_are_told(classifiers: AttributeClassifiers, data: ScoreData):
    values = data.values(data.train.groups)
    right = classifiers.correct(data.train.x, values).mean(axis=0)
    assert right[0] > 0.95 and 0.6 < right[1] < 1
    swapped = values.copy()
    swapped[:, 0] = np.where(values[:, 0] == "male", "female", "male")
    assert classifiers.correct(data.train.x, swapped)[:, 0].mean() < 0.05


def test_a_nearly_dead_dimension_does_not_decide(data: ScoreData):
    """A generator misses a hair-thin dimension by many of its deviations; that must not change its accuracy."""
    rng = np.random.default_rng(1)
    thin = 1e-4 * rng.normal(size=(len(data.test.x), 3)).astype(np.float32)
    x = np.concatenate([data.test.x, thin], axis=1)
    labels = data.values(data.test.groups)
    classifiers = AttributeClassifiers(data.attributes, x, data.test.speaker_codes, labels, seed=0)
    off = np.concatenate([data.train.x, np.full((len(data.train.x), 3), 0.02, np.float32)], axis=1)
    plain = np.concatenate([data.train.x, np.zeros((len(data.train.x), 3), np.float32)], axis=1)
    values = data.values(data.train.groups)
    assert classifiers.correct(off, values).mean() == pytest.approx(classifiers.correct(plain, values).mean(), abs=0.01)


def test_mix_weights_give_each_group_its_share():
    groups = np.array(["a", "a", "a", "b", "c"])
    weights = mix_weights(groups, {"a": 6, "b": 2})
    np.testing.assert_allclose(weights, [2, 2, 2, 2, 0])
