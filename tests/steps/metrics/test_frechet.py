"""The Frechet distance against its closed forms, and its ratio on voices of one distribution."""

import numpy as np
import pytest

from steps.metrics.frechet import FrechetRatios, Moments, extrapolated_distance


@pytest.fixture
def x() -> np.ndarray:
    """(500, 6) correlated vectors."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6))


def test_a_set_is_at_no_distance_from_itself(x: np.ndarray):
    assert Moments.of(x).distance(x) == pytest.approx(0, abs=1e-8)


def test_a_shift_costs_its_square(x: np.ndarray):
    assert Moments.of(x).distance(x + np.array([3, 0, 0, -1, 0, 0])) == pytest.approx(10, abs=1e-7)


def test_a_larger_spread_costs_the_difference_of_deviations():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(400, 4))
    deviations = y.std(axis=0)
    centred = y - y.mean(axis=0)
    decorrelated = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred.T, bias=True))).T * deviations
    expected = (deviations**2).sum() * (2.5 - 1) ** 2
    assert Moments.of(decorrelated).distance(2.5 * decorrelated) == pytest.approx(expected, rel=1e-6)


def test_conditions_with_few_segments_are_left_out():
    rng = np.random.default_rng(2)
    train, test = rng.normal(size=(300, 3)), rng.normal(size=(120, 3))
    masks = [{"many": np.arange(n) < 60, "few": np.arange(n) >= n - 49} for n in (300, 120)]
    ratios = FrechetRatios(train, test, *masks)
    assert list(ratios.conditions) == ["many"]
    assert ratios.ratio(train) == pytest.approx(1)
    assert ratios.condition_ratios(train, masks[0]) == {"many": pytest.approx(1)}
    assert ratios.ratio(2 * train) > 5


def test_extrapolation_takes_the_bias_away():
    rng = np.random.default_rng(3)
    found, plain = [], []
    for _ in range(6):
        x, y = rng.normal(size=(300, 10)), 0.5 + rng.normal(size=(200, 10))  # 10 * .25 apart
        found.append(extrapolated_distance(x, y, (np.arange(300), np.arange(200)), rng))
        plain.append(Moments.of(y).distance(x))
    assert np.mean(plain) > 2.62
    assert np.mean(found) == pytest.approx(2.5, abs=0.12)
