"""Differences in time against Kaldi's recursion, frame by frame."""

import numpy as np
import pytest

from steps.features.deltas import add_deltas


def kaldi_deltas(features: np.ndarray, order: int, window: int) -> np.ndarray:
    """feature-functions.cc: scales of an order are those of the last times j, slid by j, over the sum of all j^2."""
    scales = [[1.0]]
    for _ in range(order):
        half = len(scales[-1]) // 2 + window
        now = [0.0] * (2 * half + 1)
        for j in range(-window, window + 1):
            for k, scale in enumerate(scales[-1], -(len(scales[-1]) // 2)):
                now[j + k + half] += j * scale
        scales.append([value / sum(j * j for j in range(-window, window + 1)) for value in now])
    rows = []
    for frame in range(len(features)):
        parts = []
        for one in scales:
            at = [min(max(frame + j, 0), len(features) - 1) for j in range(-(len(one) // 2), len(one) // 2 + 1)]
            parts.append(sum(scale * features[number] for scale, number in zip(one, at, strict=True)))
        rows.append(np.concatenate(parts))
    return np.array(rows)


@pytest.mark.parametrize(("order", "window"), [(0, 2), (1, 2), (2, 2), (2, 1), (3, 4)])
@pytest.mark.parametrize("frames", [1, 2, 30])
def test_equals_the_recursion(order, window, frames):
    features = np.random.default_rng(frames).normal(size=(frames, 3)).astype(np.float32)
    found = add_deltas(features, order, window)
    assert found.dtype == np.float32 and found.shape == (frames, 3 * (order + 1))
    np.testing.assert_allclose(found, kaldi_deltas(features, order, window), atol=1e-5)


def test_a_slope_has_its_difference():
    slope = np.arange(20, dtype=np.float32)[:, None] * [[2.0, -3.0]]
    found = add_deltas(slope.astype(np.float32), 2, 2)
    np.testing.assert_allclose(found[4:-4, 2:4], np.broadcast_to([2, -3], (12, 2)), atol=1e-5)
    np.testing.assert_allclose(found[4:-4, 4:], 0, atol=1e-5)


def test_no_frames_stay_none():
    assert add_deltas(np.empty((0, 4), np.float32), 2, 2).shape == (0, 12)
