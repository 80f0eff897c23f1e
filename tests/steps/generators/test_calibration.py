"""Coverage of regions of highest density: right for the generator's own samples, low where it is too narrow."""

import json
from dataclasses import replace

import numpy as np
import pytest

from steps.generators.calibration import FILE, region_ranks, write_calibration
from steps.generators.contract import load_generator
from steps.generators.mixture import Frame, Mixture
from tests.steps.generators.experiment import Experiment

MIXTURE = Mixture(np.log([0.3, 0.7]), np.array([[0.0] * 6, [3.0] * 6]), np.ones((2, 6)), Frame(np.zeros(6)))


@pytest.mark.parametrize(("spread", "held"), [(1.0, 0.8), (0.5, 0.3), (2.0, 0.99)])
def test_ranks_are_uniform_where_the_density_is_right(spread, held):
    x = MIXTURE.sample(np.random.default_rng(0), 4000)[0]
    ranks = region_ranks(MIXTURE.tempered(spread=spread), x, np.random.default_rng(1))
    share = (ranks <= 0.8).mean()
    assert abs(share - held) < 0.03 if spread == 1 else (share < 0.5) == (spread < 1)


def test_training_leaves_the_coverage_of_dev_speakers(models, experiment: Experiment, tmp_path):
    told = json.loads((models["ridge_gaussian"] / FILE).read_text())
    assert told["speakers"] == 12 and set(told["temperatures"]) == {"0.9", "1", "1.1"}
    narrow, usual, wide = (told["temperatures"][key] for key in ("0.9", "1", "1.1"))
    assert all(narrow[level] <= usual[level] + 0.05 and usual[level] <= wide[level] + 0.05 for level in usual)
    dev = experiment.pairs("dev")
    none = replace(dev, x=dev.x[:0], speakers=dev.speakers[:0], groups=dev.groups[:0])
    write_calibration(load_generator(models["ridge_gaussian"]), none, tmp_path, 0)
    assert not list(tmp_path.iterdir())
