"""The classifiers of attributes: honest on held-out speakers, right on the ceiling, at chance for the deaf."""

import numpy as np
import pytest

from steps.score.attributes import AttributeJudge, balanced_accuracy, mix_weights
from steps.score.data import ScoreData


@pytest.fixture(scope="module")
def judge(data: ScoreData) -> AttributeJudge:
    """Classifiers of the generated test speakers."""
    return AttributeJudge(data.attributes, data.test.x, data.test.speaker_codes, data.values(data.test.groups), seed=0)


def test_labels_that_mean_nothing_are_found_at_chance_on_held_out_speakers(data: ScoreData):
    values = data.values(data.test.groups).copy()
    rng = np.random.default_rng(0)
    by_speaker = rng.choice(["high", "low", "medium"], data.test.n_speakers)
    values[:, 1] = by_speaker[data.test.speaker_codes]
    judge = AttributeJudge(data.attributes, data.test.x, data.test.speaker_codes, values, seed=0)
    assert judge.held_out["pitch"] < 0.45  # folds that share speakers would give more
    assert judge.held_out["gender"] > 0.95


def test_embeddings_under_wrong_labels_are_told(judge: AttributeJudge, data: ScoreData):
    values = data.values(data.train.groups)
    right = judge.correct(data.train.x, values).mean(axis=0)
    assert right[0] > 0.95 and 0.6 < right[1] < 1
    swapped = values.copy()
    swapped[:, 0] = np.where(values[:, 0] == "male", "female", "male")
    assert judge.correct(data.train.x, swapped)[:, 0].mean() < 0.05


def test_a_nearly_dead_dimension_does_not_decide(data: ScoreData):
    """A generator misses a hair-thin dimension by many of its deviations; that must not spoil the verdict."""
    rng = np.random.default_rng(1)
    thin = 1e-4 * rng.normal(size=(len(data.test.x), 3)).astype(np.float32)
    x = np.concatenate([data.test.x, thin], axis=1)
    judge = AttributeJudge(data.attributes, x, data.test.speaker_codes, data.values(data.test.groups), seed=0)
    off = np.concatenate([data.train.x, np.full((len(data.train.x), 3), 0.02, np.float32)], axis=1)
    plain = np.concatenate([data.train.x, np.zeros((len(data.train.x), 3), np.float32)], axis=1)
    values = data.values(data.train.groups)
    assert judge.correct(off, values).mean() == pytest.approx(judge.correct(plain, values).mean(), abs=0.01)


def test_balanced_accuracy_counts_values_the_same():
    correct, labels = np.array([1, 1, 1, 0]), np.array(["a", "a", "a", "b"])
    assert balanced_accuracy(correct, labels) == 0.5
    assert balanced_accuracy(correct, labels, np.array([1.0, 1.0, 1.0, 9.0])) == 0.5
    assert balanced_accuracy(np.array([1, 0]), np.array(["a", "a"]), np.array([3.0, 1.0])) == 0.75


def test_mix_weights_give_each_group_its_share():
    groups = np.array(["a", "a", "a", "b", "c"])
    weights = mix_weights(groups, {"a": 6, "b": 2})
    np.testing.assert_allclose(weights, [2, 2, 2, 2, 0])
