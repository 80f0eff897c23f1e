"""Generators that mix over the posterior which a reader put into the text vector."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from steps.generators.blend import Blend
from steps.generators.contract import load_generator
from steps.generators.read_generator import ReadGenerator
from tests.steps.generators.conftest import NAMES, fit
from tests.steps.generators.experiment import DIM, GROUPS, LAYOUT, TEXT_DIM, Experiment, read_texts, write_experiment
from utils.errors import InputError

BLIND = ("gaussian", "blind_gmm")


def text(gender: tuple[float, ...], pitch: tuple[float, ...]) -> np.ndarray:
    """A text vector (1, E) of these posteriors."""
    posteriors = {"gender": np.array([gender]), "pitch": np.array([pitch])}
    return LAYOUT.join(np.zeros((1, TEXT_DIM)), posteriors)


CERTAIN = {
    group: text(tuple(np.eye(3)[["female", "male"].index(gender)]), tuple(np.eye(3)[["high", "low"].index(pitch)]))
    for group in GROUPS
    for gender, pitch in [group.split("_")]
}


@pytest.mark.parametrize("name", NAMES)
def test_the_density_is_the_mixture_over_the_groups(read_models, read: Experiment, name):
    generator, x = load_generator(read_models[name]), read.pairs("test").x
    assert isinstance(generator, ReadGenerator) and (generator.dim, generator.text_dim) == (DIM, LAYOUT.dim)
    density = {group: generator.log_density(x, vector)[:, 0] for group, vector in CERTAIN.items()}
    doubtful = generator.mixtures(text((0.5, 0.5, 0), (0, 1, 0)))[0]
    wanted = np.logaddexp(density["female_low"], density["male_low"]) - np.log(2)
    np.testing.assert_allclose(doubtful.log_density(x), wanted, rtol=1e-9)
    unsaid = generator.mixtures(text((0, 0, 1), (0, 1, 0)))[0].log_density(x)
    np.testing.assert_allclose(unsaid, wanted, atol=0.2)  # both genders have as many speakers
    assert isinstance(doubtful, Blend) == (name == "group_gaussian")  # which has a frame for each group
    if name not in BLIND and name != "mdn_plain":  # which is trained for a moment
        own = read.pairs("train")
        for group in GROUPS:
            rows = own.x[own.groups == own.group_names.index(group)]
            fits = {other: generator.log_density(rows, vector).mean() for other, vector in CERTAIN.items()}
            assert max(fits, key=fits.get) == group


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_is_the_same(read_models, tmp_path, name):
    generator = load_generator(read_models[name])
    generator.save(tmp_path)
    for file in ("generator.json", "weights.safetensors"):
        assert (tmp_path / file).read_bytes() == (read_models[name] / file).read_bytes()


def test_a_model_of_a_blind_generator_samples_the_same_whatever_is_read(read_models):
    generator = load_generator(read_models["gaussian"])
    mixtures = generator.mixtures(np.concatenate([text((0.5, 0.3, 0.2), (0, 0, 1)), CERTAIN["male_low"]]))
    assert [len(mixture.log_weights) for mixture in mixtures] == [1, 1]


def test_texts_that_were_read_alike_share_a_mixture(read_models):
    generator = load_generator(read_models["mdn"])
    texts = np.concatenate([CERTAIN["male_low"]] * 3)
    texts[1, :TEXT_DIM] = 5  # other words
    first, second, third = generator.mixtures(texts)
    assert first is second and second is third


def test_captions_say_no_more_than_the_group(tmp_path, read_models):
    made = read_texts(write_experiment(tmp_path / "captions", captions="instead"))
    with_captions = fit(made, "ridge_gaussian")
    assert (with_captions / "weights.safetensors").read_bytes() == (
        read_models["ridge_gaussian"] / "weights.safetensors"
    ).read_bytes()


def test_without_a_reader_a_small_penalty_of_captions_is_named(tmp_path, caplog):
    made = write_experiment(tmp_path / "captions", captions="beside")
    fit(made, "ridge_gaussian")
    assert "captions are learnt with a penalty of 0.1" in caplog.text
    caplog.clear()
    fit(made, "ridge_gaussian", "--set", "penalty=3")
    assert "captions are learnt" not in caplog.text


@pytest.fixture
def model(read_models, tmp_path) -> Path:
    """A copy of a model, to be spoilt."""
    return Path(shutil.copytree(read_models["ridge_gaussian"], tmp_path / "model"))


def edit(path: Path, **changes: object) -> None:
    """Replace values of a JSON file; of generator.json those of the generator itself."""
    content = json.loads(path.read_text())
    own = content["values"] if path.name == "generator.json" else content
    own |= changes
    path.write_text(json.dumps(content))


@pytest.mark.field_case("A model whose reader.json, groups or shares of groups were damaged")
@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("generator.json", {"groups": ["female_high", "female_low", "male_high"]}, "group_prior"),
        ("generator.json", {"groups": ["high", "female_low", "male_high", "male_low"]}, "group 'high': expected"),
        ("generator.json", {"groups": ["female_low"] * 4}, "groups"),
        ("generator.json", {"groups": [1, 2, 3, 4]}, "groups"),
        ("generator.json", {"groups": 4}, "groups"),
        ("generator.json", {"attributes": {"gender": []}}, "sentence_dim and {attribute: "),
        ("generator.json", {"inner": {"kind": "read", "values": {}}}, "inner: expected a known kind of generator"),
        ("generator.json", {"inner": {"kind": "os:system", "values": {}}}, "inner: expected a known kind of generator"),
        ("generator.json", {"inner": {"kind": "linear", "values": {"dof": None, "more": 1}}}, "'more' is none of dof"),
        ("generator.json", {"inner": 3}, "inner"),
        ("generator.json", {"more": 1}, "'more' is none of"),
        ("reader.json", {"attributes": {"gender": ["female", "male"], "pitch": ["low", "lower"]}}, "do not belong"),
        ("reader.json", {"attributes": {"pitch": ["high", "low"], "gender": ["female", "male"]}}, "do not belong"),
        ("reader.json", {"attributes": {"gender": ["female", "male"]}}, "11 dimensions, found 14"),
        ("reader.json", {"attributes": 3}, "expected sentence_dim and {attribute: "),
    ],
)  # fmt: skip
def test_files_that_make_no_generator_are_named(model, file, changes, message):
    edit(model / file, **changes)
    with pytest.raises(InputError) as error:
        load_generator(model)
    assert message in str(error.value) and str(model) in str(error.value) and "\n" not in str(error.value)


def test_a_reader_that_is_gone_is_named(model):
    (model / "reader.json").unlink()
    with pytest.raises(InputError, match="reader.json: .*do not belong together"):
        load_generator(model)


@pytest.mark.parametrize("prior", [[0.5, 0.5, 0.5, 0.5], [1.5, -0.5, 0, 0], [0.25, 0.25, 0.25, np.nan]])
def test_shares_that_are_no_distribution_are_named(model, prior):
    file = model / "weights.safetensors"
    save_file(load_file(file) | {"group_prior": np.array(prior)}, file)
    with pytest.raises(InputError, match="group_prior: "):
        load_generator(model)
