"""Density and coverage, precision and recall against a plain count, and the expectation of coverage."""

import numpy as np
import pytest

from steps.metrics.coverage import (
    density_and_coverage,
    expected_coverage,
    neighbours_for,
    own_coverage,
    precision_and_recall,
)
from utils.vectors import unit_rows


def test_they_agree_with_a_plain_count():
    rng = np.random.default_rng(0)
    real, made = unit_rows(rng.normal(size=(30, 3))), unit_rows(rng.normal(size=(20, 3)))
    among = 1 - real @ real.T
    np.fill_diagonal(among, np.inf)
    radius = np.sort(among, axis=1)[:, 3]
    inside = (1 - made @ real.T) <= radius
    assert density_and_coverage(real, made, 4) == (inside.sum() / (4 * 20), inside.any(axis=0).mean())


def test_precision_and_recall_agree_with_a_plain_count():
    rng = np.random.default_rng(4)
    real, made = unit_rows(rng.normal(size=(25, 3))), unit_rows(np.array([1, 0, 0]) + rng.normal(size=(40, 3)))
    expected = []
    for x, centres in ((made, real), (real, made)):
        radius = np.sort(1 - centres @ centres.T, axis=1)[:, 2]  # the first is the centre itself
        expected.append(np.mean([(1 - centres @ one <= radius).any() for one in x]))
    assert precision_and_recall(real, made, 2) == tuple(expected) and min(expected) < 1


def test_a_narrow_generator_is_precise_and_recalls_little():
    rng = np.random.default_rng(5)
    real = unit_rows(rng.normal(size=(200, 4)))
    narrow = unit_rows(np.array([3, 0, 0, 0]) + 0.3 * rng.normal(size=(200, 4)))
    precision, recall = precision_and_recall(real, narrow, 3)
    assert precision > 0.9 and recall < 0.2
    assert precision_and_recall(narrow, real, 3) == (recall, precision)


def test_samples_far_away_cover_nothing():
    rng = np.random.default_rng(1)
    real = unit_rows(np.array([5, 0, 0]) + rng.normal(size=(40, 3)))
    made = unit_rows(np.array([-5, 0, 0]) + rng.normal(size=(40, 3)))
    assert density_and_coverage(real, made, 5) == (0, 0)


@pytest.mark.parametrize(("n", "m", "k"), [(51, 51, 5), (10, 10, 4), (3, 3, 1), (30, 12, 5)])
def test_expected_coverage_is_what_one_distribution_gets(n: int, m: int, k: int):
    rng = np.random.default_rng(2)
    draws = [unit_rows(rng.normal(size=(n + m, 6))) for _ in range(400)]
    found = np.mean([density_and_coverage(x[:n], x[n:], k)[1] for x in draws])
    assert found == pytest.approx(expected_coverage(n, m, k), abs=0.03)


def test_small_groups_have_local_balls():
    assert [neighbours_for(n) for n in (3, 4, 5, 10, 11, 500)] == [1, 1, 2, 4, 5, 5]


def test_own_coverage_agrees_with_a_plain_count():
    rng = np.random.default_rng(6)
    real, made = unit_rows(rng.normal(size=(30, 3))), unit_rows(rng.normal(size=(25, 3)))
    groups, asked = rng.permutation(np.repeat(["a", "b", "c"], 10)), np.repeat(["a", "b", "new", "b", "a"], 5)
    radius = np.sort(1 - real @ real.T, axis=1)[:, neighbours_for(30)]  # the first is the centre itself
    covered = [
        any(1 - x @ y <= reach for y in made[asked == group])
        for x, group, reach in zip(real, groups, radius, strict=True)
    ]
    assert own_coverage((real, groups), (made, asked)) == np.mean(covered) and 0 < np.mean(covered) < 2 / 3
