"""Draws below zero follow the conditional density; what is known stays; the spread that was cut off is found again."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, truncnorm

from steps.generators.imputation import Rows, TwoLevels, below_zero, draw, draw_speakers, fit_levels, impute
from steps.generators.manifold import Manifold
from steps.generators.pairs import Pairs

N_SPEAKERS, UTTERANCES = 300, 5


def made(seed: int = 0) -> tuple[Pairs, np.ndarray, TwoLevels]:
    """Pairs whose embeddings are rectified Gaussians of two levels, their pre-activations, and these levels."""
    rng = np.random.default_rng(seed)
    between, within = (scale * np.cov(rng.normal(size=(4, 20))) for scale in (1.0, 0.3))
    means = np.array([[0.4, -0.5, 0.2, 0.0], [-0.3, 0.6, 0.2, 0.5]])
    speakers = np.repeat(np.arange(N_SPEAKERS), UTTERANCES)
    groups = speakers % 2
    voices = rng.multivariate_normal(np.zeros(4), between, N_SPEAKERS)
    z = means[groups] + voices[speakers] + rng.multivariate_normal(np.zeros(4), within, len(speakers))
    none = np.empty((0, 1), np.float32), np.empty(0, np.int64)
    pairs = Pairs(np.maximum(z, 0).astype(np.float32), speakers, groups, ["a", "b"], *none, *none)
    return pairs, z, TwoLevels(means, between, within)


def test_known_entries_stay_and_the_others_are_negative_with_the_spread_that_was_cut_off():
    pairs, z, levels = made()
    train, dev = impute(Manifold.find(pairs.x), pairs, pairs, seed=0)
    for found in (train.x, dev.x):
        np.testing.assert_array_equal(np.maximum(found, 0), pairs.x)
        assert (found[pairs.x == 0] < 0).all() and found.dtype == np.float32
    truth = fit_levels(Rows(z, z <= 0, pairs.speakers, pairs.groups), 2)
    again = fit_levels(Rows(train.x.astype(float), z <= 0, pairs.speakers, pairs.groups), 2)
    for name, near in (("means", 0.1), ("between", 0.2), ("within", 0.06)):
        np.testing.assert_allclose(getattr(again, name)[:2], getattr(truth, name)[:2], atol=near)
    rectified = fit_levels(Rows(pairs.x.astype(float), z <= 0, pairs.speakers, pairs.groups), 2)
    assert np.abs(rectified.between - levels.between).max() > 2 * np.abs(again.between - levels.between).max()


def test_the_same_seed_gives_the_same_and_dev_moves_nothing():
    pairs, _, _ = made()
    manifold, few = Manifold.find(pairs.x), pairs.of_speakers(pairs.speakers < 40)
    first, again = impute(manifold, few, few, 3), impute(manifold, few, pairs.of_speakers(pairs.speakers > 290), 3)
    np.testing.assert_array_equal(first[0].x, again[0].x)
    assert not np.array_equal(first[0].x, impute(manifold, few, few, 4)[0].x)


def test_a_group_that_training_lacks_and_speakers_of_one_utterance():
    pairs, _, _ = made()
    lonely = pairs.of_speakers(np.arange(len(pairs.x)) % UTTERANCES == 0)
    other = Pairs(pairs.x, pairs.speakers, pairs.groups, ["a", "never seen"], *[np.empty((0, 1))] * 4)
    train, dev = impute(Manifold.find(lonely.x), lonely, other, seed=0)
    assert np.isfinite(train.x).all() and np.isfinite(dev.x).all()


@pytest.mark.parametrize(("mean", "deviation"), [(-1.0, 0.5), (0.0, 1.0), (2.0, 1.0), (30.0, 1.0)])
def test_draws_below_zero_are_those_of_the_cut_gaussian(mean, deviation):
    found = below_zero(np.full(100_000, mean), deviation, np.random.default_rng(0))
    exact = truncnorm(-np.inf, -mean / deviation, loc=mean, scale=deviation)
    assert (found <= 0).all()
    np.testing.assert_allclose([found.mean(), found.std()], [exact.mean(), exact.std()], rtol=0.02)


def test_speakers_are_drawn_from_their_posterior():
    pairs, z, levels = made()
    levels = levels._replace(means=np.zeros((2, 4)))
    one = Rows(z[:3], z[:3] <= 0, np.zeros(3, int), np.zeros(3, int))
    rng = np.random.default_rng(0)
    found = np.stack([draw_speakers(one, levels, rng)[0] for _ in range(20_000)])
    covariance = np.linalg.inv(np.linalg.inv(levels.between) + 3 * np.linalg.inv(levels.within))
    np.testing.assert_allclose(
        found.mean(axis=0), covariance @ np.linalg.inv(levels.within) @ z[:3].sum(axis=0), atol=0.02
    )
    np.testing.assert_allclose(np.cov(found.T), covariance, atol=0.02)


def test_a_sweep_keeps_the_conditional_density():
    """Of z = (known, free) with one utterance a speaker, the free entry has the cut conditional Gaussian."""
    joint = np.array([[1.0, 0.8], [0.8, 1.5]])
    levels = TwoLevels(np.zeros((1, 2)), 0.6 * joint, 0.4 * joint)
    n = 40_000
    z = np.stack([np.full(n, 0.7), np.full(n, -0.5)], axis=1)
    rows = Rows(z, np.tile([False, True], (n, 1)), np.arange(n), np.zeros(n, int))
    rng = np.random.default_rng(0)
    for _ in range(15):
        draw(rows, levels, rng)
    grid = np.linspace(-8, 0, 4001)
    density = multivariate_normal(np.zeros(2), joint).pdf(np.stack([np.full_like(grid, 0.7), grid], axis=1))
    assert rows.z[:, 1].mean() == pytest.approx((grid * density).sum() / density.sum(), abs=0.01)
