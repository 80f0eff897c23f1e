"""MMD against the plain sums over pairs, in any block size, and the level and power of its permutation test."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from steps.metrics import kernel_distance
from steps.metrics.kernel_distance import SCALES, kernel_test


def plain(x: np.ndarray, y: np.ndarray) -> float:
    """MMD^2 by the definition."""
    median = np.median(pdist(np.concatenate([x, y])))
    xx, yy, xy = (
        np.mean([np.exp(-(cdist(a, b) ** 2) / (2 * (s * median) ** 2)) for s in SCALES], axis=0)
        for a, b in ((x, x), (y, y), (x, y))
    )
    n, m = len(x), len(y)
    return (xx.sum() - n) / (n * (n - 1)) + (yy.sum() - m) / (m * (m - 1)) - 2 * xy.mean()


@pytest.mark.parametrize("block", [50, 1 << 22])
def test_the_estimate_is_that_of_the_definition(block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernel_distance, "BLOCK", block)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5)), 0.3 + rng.normal(size=(25, 5))
    assert kernel_test(x, y, rng, 3).squared == pytest.approx(plain(x, y), abs=1e-6)


def test_permutations_keep_their_level_and_find_a_shift():
    p = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        p.append(kernel_test(rng.normal(size=(30, 4)), rng.normal(size=(20, 4)), rng, 39).p)
    assert np.mean(np.array(p) <= 0.05) <= 0.1
    assert 0.4 < np.mean(p) < 0.6
    rng = np.random.default_rng(0)
    assert kernel_test(rng.normal(size=(60, 4)), 1 + rng.normal(size=(60, 4)), rng, 99).p == pytest.approx(0.01)


@pytest.mark.parametrize("size", [0, 1e-30, 1e-6])
def test_samples_that_are_nearly_one_vector_have_a_distance(size: float):
    rng = np.random.default_rng(0)
    y = 1 + rng.normal(size=(20, 5))
    found = kernel_test(size * rng.normal(size=(80, 5)), y, rng, 19)  # most distances are next to nothing
    assert 0.5 < found.squared < 2 and found.p == pytest.approx(0.05)


def test_sets_that_are_one_vector_are_no_distance_apart():
    found = kernel_test(np.ones((5, 3)), np.ones((4, 3)), np.random.default_rng(0), 9)
    assert found.squared == pytest.approx(0, abs=1e-9) and found.p == 1
