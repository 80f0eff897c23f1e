"""Costs of warping beside the recursion, cell by cell."""

import numpy as np
import pytest
import torch

from steps.dtw.warping import cosine_distances, pad, posterior_distances, warp


def recursion(d: np.ndarray, band: float) -> float:
    """The cost of one pair (T, U)."""
    n, m = d.shape
    cost = np.full((n + 1, m + 1), np.inf)
    for i in range(n):
        for j in range(m):
            if abs(j - i * (m - 1) / max(n - 1, 1)) > band * m:
                continue
            step = 2 * d[i, j]
            if (i, j) != (0, 0):
                step = min(cost[i, j + 1] + d[i, j], cost[i + 1, j] + d[i, j], cost[i, j] + 2 * d[i, j])
            cost[i + 1, j + 1] = step
    return cost[n, m] / (n + m)


@pytest.mark.parametrize("band", [1.0, 0.3])
def test_costs_are_those_of_the_recursion(band):
    rng = np.random.default_rng(0)
    sizes = [(5, 8), (9, 4), (1, 1), (1, 6), (7, 7)]
    ones, twos = ([torch.from_numpy(rng.normal(size=(size[k], 3))) for size in sizes] for k in (0, 1))
    distances = cosine_distances(pad(ones), pad(twos))
    costs = warp(distances, torch.tensor(sizes), band)
    expected = [recursion(own[:n, :m].numpy(), band) for own, (n, m) in zip(distances, sizes, strict=True)]
    np.testing.assert_allclose(costs, expected)
    assert np.isfinite(expected).sum() >= 3


def test_a_recording_has_no_distance_to_itself_however_it_is_slowed():
    x = torch.nn.functional.one_hot(torch.arange(6)).double()
    slow = x.repeat_interleave(3, dim=0)
    lengths = torch.tensor([[6, 18]])
    assert warp(cosine_distances(x[None], slow[None]), lengths).item() == pytest.approx(0, abs=1e-12)
    assert warp(posterior_distances(x[None], slow[None]), lengths).item() == pytest.approx(0, abs=1e-12)
    assert warp(cosine_distances(x[None], slow.flip(0)[None]), lengths).item() > 0.3
