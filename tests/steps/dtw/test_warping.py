"""Costs of warping beside the recursion, cell by cell."""

import numpy as np
import pytest

from steps.dtw.warping import cosine_distances, pad, posterior_distances, warp
from utils.vectors import unit_rows


def recursion(d: np.ndarray, band: float) -> float:
    """The cost of one pair (T, U)."""
    n, m = d.shape
    cost = np.full((n + 1, m + 1), np.inf)
    for i in range(n):
        for j in range(m):
            if abs(j - i * (m - 1) / max(n - 1, 1)) > band * m + 1e-9:
                continue
            step = 2 * d[i, j]
            if (i, j) != (0, 0):
                step = min(cost[i, j + 1] + d[i, j], cost[i + 1, j] + d[i, j], cost[i, j] + 2 * d[i, j])
            cost[i + 1, j + 1] = step
    return cost[n, m] / (n + m)


@pytest.mark.parametrize("band", [1.0, 0.4, 0.2, 0.05])
def test_costs_are_those_of_the_recursion(band):
    rng = np.random.default_rng(0)
    sizes = [(5, 8), (9, 4), (1, 1), (1, 6), (6, 1), (7, 7), *rng.integers(2, 30, (20, 2)).tolist()]
    ones, twos = ([unit_rows(rng.normal(size=(size[k], 3))) for size in sizes] for k in (0, 1))
    distances = cosine_distances(pad(ones), pad(twos))
    np.testing.assert_allclose(distances[0, 2, 3], 1 - ones[0][2] @ twos[0][3])
    costs = warp(distances, np.array(sizes), band)
    expected = [recursion(own[:n, :m], band) for own, (n, m) in zip(distances, sizes, strict=True)]
    np.testing.assert_allclose(costs, expected)
    assert np.isfinite(expected).sum() >= 2 and (band == 1) == bool(np.isfinite(expected).all())


def test_a_recording_has_no_distance_to_itself_however_it_is_slowed():
    x = np.eye(6)
    slow = x.repeat(3, axis=0)
    lengths = np.array([[6, 18]])
    assert warp(cosine_distances(x[None], slow[None]), lengths)[0] == pytest.approx(0, abs=1e-12)
    assert warp(posterior_distances(x[None], slow[None]), lengths)[0] == pytest.approx(0, abs=1e-12)
    assert warp(cosine_distances(x[None], slow[None, ::-1]), lengths)[0] > 0.3
