"""Copies and near copies are found, unseen speakers are not accused."""

import numpy as np
import pytest

from steps.score.data import ScoreData
from steps.score.memorisation import Memorisation


@pytest.fixture(scope="module")
def memorisation(data: ScoreData) -> Memorisation:
    """What the training vectors of the generated split are."""
    return Memorisation(data.train, data.test, np.random.default_rng(0))


def test_unseen_speakers_are_seldom_close(memorisation: Memorisation):
    assert memorisation.close_test < 0.05


def test_copies_are_counted(memorisation: Memorisation, data: ScoreData):
    mixed = np.concatenate([data.test.x[:40], 3 * data.train.x[:7]])  # a multiple has the same direction
    found = memorisation.score(mixed)
    assert found["copies"] == 7
    assert found["n_samples"] == 47
    assert found["smallest_distance"] < 1e-6


def test_a_little_noise_does_not_hide_a_copy(memorisation: Memorisation, data: ScoreData):
    noisy = data.train.x + 0.05 * np.random.default_rng(1).normal(size=data.train.x.shape).astype(np.float32)
    found = memorisation.score(noisy)
    assert found["copies"] == 0
    assert found["close_share"] > 0.95
