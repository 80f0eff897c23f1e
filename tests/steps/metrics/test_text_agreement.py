"""The divergence of known distributions, and ranks of groups."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import norm

from steps.metrics.text_agreement import Sampled, js_divergence, retrieval


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0, 50.0])
def test_the_divergence_of_two_gaussians(shift: float):
    grid = np.linspace(-9, shift + 9, 100001)
    expected = jensenshannon(norm.pdf(grid) + 1e-300, norm.pdf(grid, shift) + 1e-300, base=2) ** 2
    sampled = []
    for centre, other in ((0, shift), (shift, 0)):
        x = norm.ppf((np.arange(20000) + 0.5) / 20000) + centre
        sampled.append(Sampled(norm.logpdf(x, centre), norm.logpdf(x, other)))
    assert js_divergence(*sampled) == pytest.approx(expected, abs=1e-3)


def test_the_nearest_group_is_retrieved():
    distances = np.array([[0.1, 0.2, 0.3], [0.5, 0.9, 0.7], [0.4, 0.4, 0.9]])
    found = retrieval(distances, np.array([0, 1, 0]))
    assert found.accuracy == pytest.approx(1 / 3)  # the last is as near to another group
    assert found.reciprocal_rank == pytest.approx((1 + 1 / 3 + 1 / 1.5) / 3)
