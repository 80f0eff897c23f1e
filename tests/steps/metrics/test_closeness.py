"""The threshold of closeness is the first percentile of distances between speakers."""

import numpy as np
import pytest

from steps.metrics.closeness import close_threshold
from utils.vectors import unit_rows


def test_rows_of_one_speaker_do_not_count():
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(40), 2)
    unit = unit_rows(rng.normal(size=(40, 5))[speakers] + 1e-3 * rng.normal(size=(80, 5)))
    distances = 1 - unit @ unit.T
    distances[speakers[:, None] == speakers] = np.inf
    assert close_threshold(unit, speakers, np.arange(80)) == pytest.approx(np.percentile(distances.min(axis=1), 1))
