"""Ranks are uniform where the spread is right, with and without a density, and speakers count alike."""

import numpy as np
import pytest

from steps.metrics.calibration_ranks import coverage_curve, distance_ranks, radius_ranks, rank_distance

ALONE = np.arange(4000)  # a speaker each row


@pytest.mark.parametrize("dof", [np.inf, 5.0])
def test_ranks_by_radius_are_uniform(dof: float):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(4000, 7))
    if np.isfinite(dof):
        y *= np.sqrt(dof / rng.chisquare(dof, size=(4000, 1)))
    squares = (y**2).sum(axis=1, keepdims=True)
    ranks = radius_ranks(squares, 7, dof)
    assert rank_distance(ranks, ALONE) < 0.03
    curve = coverage_curve(radius_ranks(squares * 4, 7, dof), ALONE)
    assert curve["50"] < 0.2  # vectors twice as far out as the model says


def test_components_count_by_how_likely_they_are():
    squares = np.array([[7.0, 1e9]])
    one = radius_ranks(squares[:, :1], 7)
    np.testing.assert_allclose(radius_ranks(squares, 7, likely=np.array([[1.0, 0.0]])), one)
    np.testing.assert_allclose(radius_ranks(squares, 7), (one + 1) / 2)


@pytest.mark.parametrize(("spread", "low", "high"), [(1.0, 0.75, 0.85), (0.8, 0.95, 1), (1.25, 0.3, 0.6)])
def test_ranks_by_distance_see_the_spread(spread: float, low: float, high: float):
    rng = np.random.default_rng(1)
    samples, held_out = rng.normal(size=(1500, 10)), spread * rng.normal(size=(1500, 10))
    share = coverage_curve(distance_ranks(samples, held_out), ALONE[:1500])["80"]
    assert low <= share <= high


def test_speakers_count_alike():
    ranks, speakers = np.array([0.9, 0.1, 0.2, 0.3]), np.array([0, 1, 1, 1])
    assert coverage_curve(ranks, speakers, [50]) == {"50": 0.5}
    assert rank_distance(ranks, speakers) == pytest.approx(0.4)  # half of the weight lies above .9


def test_utterances_of_one_speaker_are_no_other_voices():
    """Ten speakers of six utterances each, again and again: new speakers lie in the region of 80 % as often."""
    rng, shares = np.random.default_rng(2), []
    speakers = np.repeat(np.arange(10), 6)
    for _ in range(60):
        voices, new = rng.normal(size=(10, 20)), rng.normal(size=(30, 20))
        samples, held_out = (one + 0.3 * rng.normal(size=one.shape) for one in (voices[speakers], new))
        shares.append([(distance_ranks(samples, held_out, one) <= 0.8).mean() for one in (speakers, None)])
    own, rows = np.mean(shares, axis=0)
    assert own == pytest.approx(0.8, abs=0.05) and rows < own - 0.15
