"""Corrected p values, beside a case worked by hand; and false alarms of halves."""

import numpy as np
import pytest

from steps.metrics.significance import holm, p_of_halves


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.9])).tolist() == [1, 1]


def test_halves_of_a_mean_keep_their_level():
    """Means of 60 numbers around 0: the share that halves call different from 0 at 5 % is near 5 %."""
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(400):
        x = rng.normal(size=60)
        halves = np.array([x[rng.permutation(60)[:30]].mean() for _ in range(20)])
        alarms += p_of_halves(x.mean(), halves) < 0.05
    assert 5 <= alarms <= 36  # 400 draws at 5 %: 20 with a deviation of 4.4


def test_what_never_varies():
    assert p_of_halves(0.0, np.zeros(5)) == 1
    assert p_of_halves(0.3, np.zeros(5)) == 0


def test_rounding_is_no_difference():
    assert p_of_halves(3e-8, np.zeros(5), size=1.0) == 1
    assert p_of_halves(3e-8, np.zeros(5), size=1e-3) == 0
