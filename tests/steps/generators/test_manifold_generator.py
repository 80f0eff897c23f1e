"""Generators of embeddings that share a norm, zeros and signs: trained, stored, sampled from and scored."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from steps.generators import sample
from steps.generators.contract import load_generator
from steps.generators.manifold_generator import ManifoldGenerator
from tests.steps.generators.conftest import fit
from tests.steps.generators.experiment import Experiment, read_texts, write_experiment
from utils.archives import read_vectors
from utils.errors import InputError

SETTINGS = {
    "mdn": ("--set", "hidden=32,epochs=2,folds=5"),
    "group_gaussian": ("--set", "manifold=auto"),
    "ridge_student": ("--set", "manifold=auto"),
}


def on_surface(x: np.ndarray) -> np.ndarray:
    positive = np.maximum(x, 0)
    return positive / np.linalg.norm(positive, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def surface(tmp_path_factory) -> Experiment:
    return write_experiment(tmp_path_factory.mktemp("surface"), change=on_surface)


@pytest.fixture(scope="module")
def trained(surface: Experiment, tmp_path_factory) -> dict[str, Path]:
    read = read_texts(write_experiment(tmp_path_factory.mktemp("read surface"), change=on_surface))
    found = {name: fit(surface, name, *more) for name, more in SETTINGS.items()}
    return found | {f"read {name}": fit(read, name, *SETTINGS[name]) for name in ("mdn", "group_gaussian")}


@pytest.mark.parametrize("name", [*SETTINGS, "read mdn", "read group_gaussian"])
def test_samples_lie_on_the_surface_and_what_is_saved_comes_back(trained, tmp_path, name):
    generator = load_generator(trained[name])
    assert isinstance(generator, ManifoldGenerator) and not generator.has_density
    texts = np.zeros((2, generator.text_dim), np.float32)
    mixture = generator.mixtures(texts)[0]
    x, components = mixture.tempered(2, 0.5).sample(np.random.default_rng(0), 200)
    assert x.shape == (200, generator.dim) and components.shape == (200,) and (x >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, atol=1e-5)
    assert (x[:, :7] == 0).mean() > 0.1
    copy = Path(shutil.copytree(trained[name], tmp_path / "copy"))
    generator.save(copy)
    for file in ("generator.json", "weights.safetensors"):
        assert (copy / file).read_bytes() == (trained[name] / file).read_bytes()
    again = load_generator(copy).mixtures(texts)[0].tempered(2, 0.5).sample(np.random.default_rng(0), 200)[0]
    np.testing.assert_array_equal(again, x)


def test_a_plain_density_on_request(surface: Experiment):
    assert load_generator(fit(surface, "gaussian")).has_density


def test_the_log_says_what_samples_share(surface: Experiment, caplog):
    fit(surface, "ridge_gaussian", "--set", "manifold=auto")
    assert "all embeddings have norm 1 and no negative entries and many zeros, in 10 of 10 dimensions" in caplog.text


def test_the_command_tells_no_density(trained, surface: Experiment, tmp_path):
    words = ["--model", trained["mdn"], "--descriptions", surface.descriptions, "--text_vectors", surface.text_vectors]
    for nj, more in ((1, []), (2, ["--save_params", "true"])):
        argv = [*words, "--out", tmp_path / str(nj), "--n_samples", 3, *more]
        assert sample.main(list(map(str, argv))) == 0
    lines = [json.loads(line) for line in (tmp_path / "1" / "provenance.jsonl").read_text().splitlines()]
    assert len(lines) == 12 and {line["log_density"] for line in lines} == {None}
    _, x = read_vectors(tmp_path / "1" / "xvector.scp")
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, atol=1e-5)
    told = json.loads((tmp_path / "2" / "mixtures.json").read_text())
    assert told["manifold"]["rectified"] is True and len(told["manifold"]["alive"]) == 10


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda values: values["inner"].update(kind="manifold"), "inner: expected a known kind"),
        (lambda values: values.update(rectified="yes"), "rectified: expected true or false"),
        (lambda values: values.update(norm=-1), "norm: expected a number above 0"),
        (lambda values: values.update(inner=[]), "inner: expected a known kind"),
    ],
)
def test_files_of_no_such_generator_are_refused(trained, tmp_path, change, told):
    load_generator(trained["ridge_student"]).save(tmp_path)
    content = json.loads((tmp_path / "generator.json").read_text())
    change(content["values"])
    (tmp_path / "generator.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=told):
        load_generator(tmp_path)
