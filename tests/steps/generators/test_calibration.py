"""Coverage of regions of highest density: right for the generator's own samples, low where it is too narrow."""

import json
from dataclasses import replace

import numpy as np
import pytest

from steps.generators.calibration import FILE, calibrate, region_ranks
from steps.generators.contract import load_generator
from steps.generators.mixture import Frame, Mixture
from tests.steps.generators.experiment import Experiment

MIXTURE = Mixture(np.log([0.3, 0.7]), np.array([[0.0] * 6, [3.0] * 6]), np.ones((2, 6)), Frame(np.zeros(6)))


@pytest.mark.parametrize(("spread", "held"), [(1.0, 0.8), (0.5, 0.3), (2.0, 0.99)])
def test_ranks_are_uniform_where_the_density_is_right(spread, held):
    x = MIXTURE.sample(np.random.default_rng(0), 4000)[0]
    ranks = region_ranks(MIXTURE.tempered(spread=spread), x, np.random.default_rng(1))
    share = (ranks <= 0.8).mean()
    assert abs(share - held) < 0.05 if spread == 1 else (share < 0.5) == (spread < 1)


def test_training_leaves_the_coverage_of_dev_speakers_before_and_after(models, experiment: Experiment):
    told = json.loads((models["ridge_gaussian"] / FILE).read_text())
    assert told["speakers"] == 12 and set(told["at"]) == {"0.9", "1", "1.1"}
    assert told["temperatures"].keys() == {"weights", "between", "within"}
    assert told["temperatures"]["weights"] == told["temperatures"]["between"] == 1  # 12 are too few
    assert told["at"]["1"].items() <= told["after"].items()
    narrow, usual, wide = (told["at"][key] for key in ("0.9", "1", "1.1"))
    assert all(narrow[level] <= usual[level] + 0.05 and usual[level] <= wide[level] + 0.05 for level in usual)
    real, before, after = (told["cosines"][whose] for whose in ("real", "before", "after"))
    assert abs(after["mean"] - real["mean"]) <= abs(before["mean"] - real["mean"]) + 0.01
    dev = experiment.pairs("dev")
    none = replace(dev, x=dev.x[:0], speakers=dev.speakers[:0], groups=dev.groups[:0])
    generator = load_generator(models["ridge_gaussian"])
    assert calibrate(generator, none, 0) == (generator, {})


@pytest.mark.parametrize("wrong", [0.5, 2.0])
@pytest.mark.parametrize("whose", ["models", "read_models"])
def test_what_dev_speakers_contradict_is_corrected_and_kept_with_the_model(
    wrong, whose, request: pytest.FixtureRequest, tmp_path
):
    made = request.getfixturevalue("experiment" if whose == "models" else "read")
    generator = load_generator(request.getfixturevalue(whose)["ridge_gaussian"])
    texts, dev = made.pairs("dev").texts, made.pairs("dev")
    groups = np.arange(1000) % len(texts)
    x = np.concatenate([one.tempered(spread=wrong).sample(np.random.default_rng(row), 1)[0]
                        for row, one in enumerate(generator.mixtures(texts[groups]))])  # fmt: skip
    many = replace(dev, x=x, speakers=np.arange(1000), groups=dev.text_groups[groups])
    found, told = calibrate(generator, many, 0)
    assert told["temperatures"]["between"] == pytest.approx(wrong, rel=0.1)
    for level in ("50", "80"):
        assert told["after"][level] == pytest.approx(int(level) / 100, abs=0.06) != told["before"][level]
    found.save(tmp_path)
    for name in ("encoder.json", "reader.json", "reader.safetensors"):
        if (source := request.getfixturevalue(whose)["ridge_gaussian"] / name).is_file():
            (tmp_path / name).write_bytes(source.read_bytes())
    again = load_generator(tmp_path).mixtures(texts[:1])[0]
    np.testing.assert_array_equal(again.scales, found.mixtures(texts[:1])[0].scales)
    np.testing.assert_allclose(
        again.scales, generator.mixtures(texts[:1])[0].scales * told["temperatures"]["between"] ** 0.5
    )
