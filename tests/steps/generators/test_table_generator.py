"""The mixtures that a network gives for known texts, kept in a table: the same numbers, and no torch to load."""

import subprocess
import sys

import numpy as np
import pytest

from steps.generators import plan_samples, sample
from steps.generators.contract import load_generator
from tests.steps.generators.conftest import ROOT
from tests.steps.generators.experiment import Experiment
from tests.steps.generators.test_sample import files, words
from utils.archives import read_vectors

WITHOUT_TORCH = """
import sys
from steps.generators import merge_samples, sample
assert sample.main(sys.argv[1:] + ["--job", "1"]) == 0 and merge_samples.main(sys.argv[1:]) == 0
assert "torch" not in sys.modules
"""


@pytest.mark.parametrize("name", ["mdn", "mdn_plain", "ridge_student"])
@pytest.mark.parametrize("which", ["models", "read_models"])
def test_a_table_gives_what_the_network_gives(request, read: Experiment, experiment, tmp_path, name, which):
    model = request.getfixturevalue(which)[name]
    made = read if which == "read_models" else experiment
    texts = read_vectors(made.text_vectors / "text_vec.scp")[1]
    generator = load_generator(model)
    table = generator.in_table(texts, 10**6)
    if name == "ridge_student":  # it has no network
        assert table is None
        return
    assert generator.in_table(texts, 100) is None
    table.save(tmp_path)
    if (model / "reader.json").is_file():
        (tmp_path / "reader.json").write_bytes((model / "reader.json").read_bytes())
    again = load_generator(tmp_path)
    assert (again.dim, again.text_dim, again.layout) == (generator.dim, generator.text_dim, generator.layout)
    for known, found in zip(generator.mixtures(texts), again.mixtures(texts), strict=True):
        for one, other in zip(known.original_space().values(), found.original_space().values(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_jobs_of_a_network_load_no_torch(experiment: Experiment, models, tmp_path):
    options = words(experiment, models["mdn"], tmp_path / "out", "-n", "90")
    assert plan_samples.main(options) == 0
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *options], check=True, cwd=ROOT)
    assert sample.main(words(experiment, models["mdn"], tmp_path / "alone/out", "-n", "90")) == 0
    assert files(tmp_path / "out") == files(tmp_path / "alone/out")
