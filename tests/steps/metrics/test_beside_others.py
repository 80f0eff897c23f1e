"""Metrics have the values of scikit-learn, prdc and scipy, which have them, too."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.bench.metric_speed import pairs
from tests.bench.metrics_at_scale import voices

PAIRS = pairs(*(voices(120, 16, 1, seed).x for seed in (1, 2)))


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=["-".join(names) for names in PAIRS])
def test_values_are_theirs(ours: Callable, theirs: Callable):
    np.testing.assert_allclose(ours(), theirs(), rtol=1e-5, atol=1e-6)
