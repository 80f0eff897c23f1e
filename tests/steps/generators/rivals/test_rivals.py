"""What all rivals do as other generators: sampled by the command, under a reader, on a surface; what they refuse."""

import json
import re

import numpy as np
import pytest

from steps.generators import merge_samples, plan_samples, sample
from steps.generators.contract import load_generator
from tests.steps.generators.conftest import RIVALS, fit
from tests.steps.generators.experiment import Experiment, write_experiment
from tests.steps.generators.test_manifold_generator import on_surface
from tests.steps.generators.test_read_generator import CERTAIN, text
from tests.steps.generators.test_sample import files, words

NO_MIXTURES = ("pool", "pool_scaled", "flow")


@pytest.mark.parametrize("name", RIVALS)
def test_the_command_draws_the_same_in_one_process_and_in_jobs(experiment: Experiment, rivals, tmp_path, name):
    assert sample.main(words(experiment, rivals[name], tmp_path / "a" / "out", "-n", "300")) == 0
    options = words(experiment, rivals[name], tmp_path / "b" / "out", "-n", "300", "--nj", "2")
    assert plan_samples.main(options) == 0
    for job in ("2", "1"):
        assert sample.main([*options, "--job", job]) == 0
    assert merge_samples.main(options) == 0
    assert files(tmp_path / "a" / "out") == files(tmp_path / "b" / "out")
    rows = [json.loads(line) for line in (tmp_path / "a" / "out" / "provenance.jsonl").read_text().splitlines()]
    assert all((row["log_density"] is None) == name.startswith("pool") for row in rows)


@pytest.mark.parametrize("name", RIVALS)
def test_a_text_that_was_read_mixes_over_the_groups(read_rivals, read: Experiment, name):
    generator, x = load_generator(read_rivals[name]), read.pairs("test").x
    doubtful = generator.mixtures(text((0.5, 0.5, 0), (0, 1, 0)))[0]
    drawn = doubtful.sample(np.random.default_rng(0), 2000)[0]
    sides = [generator.mixtures(CERTAIN[f"{gender}_low"])[0] for gender in ("female", "male")]
    means = [side.sample(np.random.default_rng(1), 2000)[0].mean(axis=0) for side in sides]
    deviation = np.sqrt(drawn.var(axis=0).max() / 2000)
    np.testing.assert_allclose(drawn.mean(axis=0), np.mean(means, axis=0), atol=6 * deviation)
    moved = doubtful.moved(np.ones(generator.dim)).sample(np.random.default_rng(0), 2000)[0]
    step = np.linalg.norm((moved - drawn).mean(axis=0), axis=-1)  # within the subspace, where there is one
    assert 0 < step < 1.001 * np.sqrt(generator.dim)
    if generator.has_density:
        densities = np.stack([side.log_density(x) for side in sides])
        np.testing.assert_allclose(doubtful.log_density(x), np.logaddexp(*densities) - np.log(2), rtol=1e-6)


@pytest.mark.parametrize("name", RIVALS)
def test_samples_lie_on_the_surface_of_real_embeddings(tmp_path_factory, name):
    surface = write_experiment(tmp_path_factory.mktemp(name), change=on_surface)
    generator = load_generator(fit(surface, name, "--set", "manifold=auto"))
    assert generator.kind == "manifold" and not generator.has_density
    x = generator.mixtures(surface.pairs("test").variants[:1])[0].sample(np.random.default_rng(0), 50)[0]
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, atol=1e-5)
    assert (x >= 0).all()


@pytest.mark.parametrize("name", NO_MIXTURES)
@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            ("--save_params", "true"),
            "--save_params: .* is a generator of the kind '(pool|flow)', whose samples have no",
        ),
        (("--utts_per_speaker", "2"), "--utts_per_speaker: .* is a generator of the kind '(pool|flow)'"),
    ],
)
@pytest.mark.parametrize("of", ["rivals", "read_rivals"])
def test_what_needs_components_is_refused_by_name(
    request, read, experiment, tmp_path, capsys, caplog, name, more, told, of
):
    made = {"rivals": experiment, "read_rivals": read}[of]
    assert sample.main(words(made, request.getfixturevalue(of)[name], tmp_path / "out", *more)) == 1
    error = capsys.readouterr().err
    assert error.count("ERROR") == 1
    assert re.search(told, error)
    assert not (tmp_path / "out").exists()
