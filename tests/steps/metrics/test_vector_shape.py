"""Norms, zeros and negative entries: known shares, the mean of speakers, and no norm that is rounding alone."""

import numpy as np
import pytest

from steps.metrics.vector_shape import mean_norm, negative_share, norm_distance, zero_share


def test_shares_are_those_of_speakers():
    x = np.array([[1.0, 0, 0, -1], [1, 1, 1, 1], [0, 0, 0, -2]])
    speakers = np.array([0, 1, 1])
    assert zero_share(x, speakers) == pytest.approx((0.5 + 0.75 / 2) / 2)
    assert negative_share(x, speakers) == pytest.approx((0.25 + 0.125) / 2)
    assert mean_norm(x, speakers) == pytest.approx((np.sqrt(2) + 2) / 2)


def test_norms_of_other_lengths_are_apart_and_rounding_is_not():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 8))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    assert norm_distance(x.astype(np.float32), x * (1 + 1e-6)) == 0
    assert norm_distance(1.01 * x, x) == 1
    assert norm_distance(x[:25] * 2, np.concatenate([x, 2 * x])) == pytest.approx(0.5)
