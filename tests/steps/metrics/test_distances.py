"""Nearest neighbours and the mean over pairs, against the plain N x N matrix."""

import numpy as np
import pytest

from steps.metrics import distances
from steps.metrics.distances import mean_pairwise_distance, nearest, nearest_other, one_row_each
from utils.vectors import unit_rows


@pytest.fixture
def unit() -> np.ndarray:
    """(60, 5) unit vectors."""
    return unit_rows(np.random.default_rng(0).normal(size=(60, 5)))


def test_nearest_agrees_with_the_full_matrix_in_any_block_size(unit: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    full = np.sort(1 - unit[:20] @ unit[20:].T, axis=1)
    for block in (1, 100, 1 << 20):
        monkeypatch.setattr(distances, "BLOCK", block)
        np.testing.assert_allclose(nearest(unit[:20], unit[20:], 3), full[:, :3], atol=1e-6)


def test_equal_ids_are_no_neighbours(unit: np.ndarray):
    matrix = 1 - unit @ unit.T
    np.fill_diagonal(matrix, np.inf)
    np.testing.assert_allclose(nearest_other(unit), matrix.min(axis=1), atol=1e-6)
    speakers = np.arange(60) // 6
    matrix[speakers[:, None] == speakers] = np.inf
    np.testing.assert_allclose(nearest(unit, unit, 1, speakers, speakers)[:, 0], matrix.min(axis=1), atol=1e-6)


def test_a_query_without_neighbours_is_infinitely_far(unit: np.ndarray):
    same = np.zeros(60, dtype=int)
    assert np.isinf(nearest(unit, unit, 1, same, same)).all()


def test_a_copy_is_at_no_distance(unit: np.ndarray):
    assert nearest(unit[7:8] * 1.0, unit)[0, 0] < 1e-6


def test_the_mean_over_pairs_needs_no_pairs():
    x = np.random.default_rng(1).normal(size=(50, 7)) * np.linspace(0.1, 9, 50)[:, None]
    unit = unit_rows(x)
    pairs = 1 - (unit @ unit.T)[np.triu_indices(50, 1)]
    assert mean_pairwise_distance(x) == pytest.approx(pairs.mean(), abs=1e-6)


def test_one_row_for_each_value_and_every_row_has_its_turn():
    codes = np.array([2, 0, 0, 1, 2, 2])
    picks = np.array([one_row_each(np.random.default_rng(seed), codes) for seed in range(40)])
    assert (codes[picks] == [0, 1, 2]).all()
    assert [set(column) for column in picks.T] == [{1, 2}, {3}, {0, 4, 5}]
