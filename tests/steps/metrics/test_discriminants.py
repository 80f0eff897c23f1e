"""The directions in which speakers differ."""

import numpy as np
import pytest

from steps.metrics.discriminants import discriminants
from steps.metrics.plda import speaker_statistics
from utils.errors import InputError


def test_directions_separate_speakers_and_have_variance_one_within():
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(30), 40)
    x = rng.normal(size=(1200, 4)) * [1, 5, 1, 1] + 3 * rng.normal(size=(30, 1))[speakers] * [1, 0, 0, 1]
    found = discriminants(speaker_statistics(x, speakers), 1e-9)
    assert np.abs(found[0, [0, 3]]).min() > 10 * np.abs(found[0, [1, 2]]).max()
    means = np.stack([x[speakers == one].mean(axis=0) for one in range(30)])
    within = ((x - means[speakers]) @ found.T).T @ ((x - means[speakers]) @ found.T) / (1200 - 30)
    assert within == pytest.approx(np.eye(len(found)), abs=1e-6)


def test_shrinkage_is_a_ridge_but_for_a_common_length():
    rng = np.random.default_rng(2)
    speakers = np.repeat(np.arange(5), 8)
    statistics = speaker_statistics(rng.normal(size=(40, 3)) + rng.normal(size=(5, 3))[speakers], speakers)
    scale = np.sqrt(np.diag(statistics.scatter) / 35)
    within = statistics.scatter / 35 / np.outer(scale, scale)
    found = discriminants(statistics, 0.2 / 1.2) * scale
    assert found @ (within + 0.2 * np.eye(3)) @ found.T == pytest.approx(1.2 * np.eye(3), abs=1e-9)


def test_dimensions_that_never_vary_are_left_out():
    rng = np.random.default_rng(1)
    x = np.hstack([rng.normal(size=(40, 2)), np.full((40, 1), 7.0)])
    found = discriminants(speaker_statistics(x, np.repeat(np.arange(4), 10)), 0.01)
    assert len(found) == 2 and np.isfinite(found).all() and not found[:, 2].any()
    with pytest.raises(InputError, match="are all the same"):
        discriminants(speaker_statistics(x[:, 2:], np.repeat(np.arange(4), 10)), 0.01)
