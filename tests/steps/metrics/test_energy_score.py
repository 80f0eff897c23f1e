"""The energy score against its closed form for a standard Gaussian, and against the plain sums over pairs."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import norm

from steps.metrics import energy_score
from steps.metrics.energy_score import energy_scores, mean_distances


def test_the_score_of_a_gaussian_is_its_closed_form():
    y = np.array([[-1.0], [0.0], [2.5]])
    samples = norm.ppf((np.arange(4000) + 0.5) / 4000)[:, None]  # E|X - y| of N(0, 1), and E|X - X'| = 2 / sqrt(pi)
    expected = 2 * norm.pdf(y[:, 0]) + y[:, 0] * (2 * norm.cdf(y[:, 0]) - 1) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(energy_scores(samples, y), expected, atol=2e-3)


def test_blocks_are_those_of_the_full_matrix(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    x, y = 5 + rng.normal(size=(30, 6)), 5 + rng.normal(size=(20, 6))
    for block in (1, 100, 1 << 20):
        monkeypatch.setattr(energy_score, "BLOCK", block)
        np.testing.assert_allclose(mean_distances(x, y), cdist(x, y).mean(axis=1), rtol=1e-5)


def test_it_is_lowest_for_the_right_spread():
    rng = np.random.default_rng(1)
    y, samples = rng.normal(size=(1000, 8)), rng.normal(size=(1000, 8))
    scores = [energy_scores(spread * samples, y).mean() for spread in (0.5, 1, 1.6)]
    assert scores[1] < min(scores[0], scores[2])


def test_pairs_of_one_speaker_do_not_count():
    rng, speakers = np.random.default_rng(3), np.array([4, 1, 4, 0, 1, 4, 7])
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
    others = speakers[:, None] != speakers
    expected = cdist(y, x).mean(axis=1) - cdist(x, x)[others].mean() / 2
    np.testing.assert_allclose(energy_scores(x, y, speakers), expected, rtol=1e-5)
    np.testing.assert_allclose(energy_scores(x, y, np.arange(7)), energy_scores(x, y), rtol=1e-6)
