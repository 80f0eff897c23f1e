"""Numbers that no trained model has, and no embedding: refused when loaded, and never committed."""

import contextlib
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from steps.generators import sample, train
from steps.generators.contract import load_generator
from steps.generators.requests import SampleRequest, SamplingSettings
from steps.generators.sampling import Voices
from steps.generators.validation import check_embeddings
from tests.steps.generators.conftest import NAMES, ROOT
from tests.steps.generators.experiment import DIM, TEXT_DIM, Experiment, write_experiment
from utils.archive_writer import write_vectors
from utils.errors import InputError
from utils.kaldi_objects import HEADER_BYTES

SPOILT = {  # kind of generator -> arrays that each have a fault
    "mdn": ("network.logits.weight", "network.shifts.bias", "network.text_mean", "network.linear.weight", "basis"),
    "mdn_plain": ("network.log_scales.bias", "offset", "basis"),
    "ridge_student": ("offset", "basis", "map_weights", "map_offset", "log_weights", "scales"),
    "group_gmm": ("offsets", "bases", "means", "scales", "log_weights", "map_weights", "map_offset"),
}
FAULTS = {
    "NaN": lambda array: np.where(np.arange(array.size).reshape(array.shape) == array.size - 1, np.nan, array),
    "infinity": lambda array: np.full_like(array, np.inf),
    "1e30": lambda array: np.full_like(array, 1e30),
    "int8": lambda array: np.ones(array.shape, np.int8),
    "float16": lambda array: array.astype(np.float16),
    "bool": lambda array: np.ones(array.shape, bool),
}


def spoil(model: Path, **arrays: np.ndarray) -> Path:
    """Replace arrays of a model."""
    file = model / "weights.safetensors"
    there = load_file(file)
    save_file(there | {name: np.ascontiguousarray(array) for name, array in arrays.items()}, file)
    return model


def edit(model: Path, **changes: object) -> Path:
    """Replace values of a model."""
    file = model / "generator.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"values": content["values"] | changes}))
    return model


@pytest.fixture
def copied(models, tmp_path):
    """Copies a model by name."""
    return lambda name: Path(shutil.copytree(models[name], tmp_path / name))


@pytest.mark.field_case("NaN, infinite, int8 or 1e30 weights in a model, of every kind of generator")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in SPOILT.items() for name in names])
def test_weights_that_no_trained_model_has(copied, kind, name, fault):
    model = copied(kind)
    spoil(model, **{name: FAULTS[fault](load_file(model / "weights.safetensors")[name])})
    with pytest.raises(InputError, match=f"{kind}: .*{name}: "):
        load_generator(model)


@pytest.mark.field_case("Weights of components that do not sum to 1, scales of 0 or below, a basis without full rank")
@pytest.mark.parametrize(
    ("kind", "name", "change", "message"),
    [
        ("ridge_student", "log_weights", lambda array: array + 0.5, "weights sum to 1.64872, expected 1"),
        ("group_gmm", "log_weights", lambda array: np.full_like(array, -np.inf), "weights sum to 0, expected 1"),
        ("ridge_student", "scales", lambda array: -array, "-1 is no scale"),
        ("group_gaussian", "scales", lambda array: array * 0, "0 is no scale"),
        ("ridge_gaussian", "basis", lambda array: array * 0, "full rank"),
        ("mdn", "basis", lambda array: array[:, [0, *range(array.shape[1] - 1)]], "full rank"),
        ("group_gaussian", "bases", lambda array: np.ones_like(array), "full rank"),
        ("mdn_plain", "basis", lambda array: -array, "is no scale"),
        ("blind_gmm", "bases", lambda array: array * 0, "is no scale"),
    ],
)
def test_arrays_that_make_no_density(copied, kind, name, change, message):
    model = copied(kind)
    spoil(model, **{name: change(load_file(model / "weights.safetensors")[name])})
    with pytest.raises(InputError, match=f"{name}: .*{message}"):
        load_generator(model)


@pytest.mark.field_case("A spread of NaN or -1 in generator.json, and degrees of freedom of 0")
@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        *(("mdn", "spread", value) for value in (float("nan"), -1, 0, 1e300, float("inf"), "1", True, None, [1])),
        *(("ridge_student", "dof", value) for value in (float("nan"), -1, 0, "5", False)),
        *(("blind_gmm", "text_dim", value) for value in (8.0, "8", True, 0, -8, 10**40)),
    ],
)
def test_values_that_no_trained_model_has(copied, kind, name, value):
    with pytest.raises(InputError, match=f"{kind}: .*{name}: expected a"):
        load_generator(edit(copied(kind), **{name: value}))


@pytest.mark.hostile("Ten million layers, components or units in generator.json, or sizes of a wrong type")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(
            ("n_layers", "n_components", "hidden", "latent_dim", "text_dim"), (10**7, 10**18, -1, 2.5, "3", None)
        ),
        *(("scale_floor", value) for value in (10**18, -1, "3", None)),
    ],
)
def test_sizes_that_the_weights_do_not_have(copied, name, value):
    model = copied("mdn")
    sizes = json.loads((model / "generator.json").read_text())["values"]["sizes"]
    with pytest.raises(InputError, match="sizes|expected a"):
        load_generator(edit(model, sizes=sizes | {name: value}))


@pytest.mark.hostile("Deep or huge JSON in generator.json, values and arrays that no generator has")
@pytest.mark.parametrize(
    "content",
    [
        b'{"kind": ' + b"[" * 100_000,
        b'{"kind": "mdn", "dim": ' + b"9" * 5000 + b', "text_dim": 8, "values": {}}',
        b" " * (1 << 20) + b"{}",
        b'{"kind": "mdn", "dim": 10, "text_dim": 8, "values": {"sizes": []}}',
        b'{"kind": "mdn", "dim": 10, "text_dim": 8, "values": {"sizes": {"more": 1}}}',
        b'{"kind": "mdn", "dim": 10, "text_dim": 8, "values": null}',
    ],
)
def test_a_description_that_no_save_wrote(copied, content):
    model = copied("mdn")
    (model / "generator.json").write_bytes(content)
    with pytest.raises(InputError, match="mdn"):
        load_generator(model)


@pytest.mark.parametrize("name", NAMES)
def test_foreign_values_and_arrays_are_refused(copied, name):
    model = spoil(copied(name), stranger=np.zeros(3))
    with pytest.raises(InputError, match="'stranger' is none of"):
        load_generator(model)


@pytest.mark.field_case("An encoder.json beside a model for texts of another dimension")
def test_an_encoder_of_other_dimensions(copied):
    model = copied("gaussian")
    (model / "encoder.json").write_text(json.dumps({"name": "other", "sha256": "0" * 64, "dim": 384}))
    with pytest.raises(InputError, match=rf"encoder.json: the texts have 384 dimensions.* {TEXT_DIM}-d texts"):
        load_generator(model)


@pytest.mark.field_case("Means of the training speakers of other sizes than the model, or not finite")
@pytest.mark.parametrize(
    ("means", "message"),
    [
        (np.ones((3, DIM + 1)), f"means of {DIM + 1} dimensions, the generator beside it gives {DIM}"),
        (np.full((3, DIM), np.nan), "a: no embedding"),
        (np.full((3, DIM), 1e30), "a: no embedding"),
    ],
)
def test_speaker_means_that_do_not_fit(copied, means, message):
    model = copied("gaussian")
    write_vectors(model / "spk_mean.ark", model / "spk_mean.scp", ["a", "b", "c"], means, Path("spk_mean.ark"))
    with pytest.raises(InputError, match=f"spk_mean.scp: {message}"):
        Voices(model)


@pytest.mark.field_case("A network whose numbers are finite and whose density is not")
def test_a_network_that_gives_no_density(copied):
    model = copied("mdn")
    there = load_file(model / "weights.safetensors")
    name = "network.log_scales.bias"
    spoil(model, **{name: np.full_like(there[name], 1e9)})
    with pytest.raises(InputError, match="the network gives numbers that are no means, scales and weights"):
        load_generator(model).mixtures(np.zeros((1, TEXT_DIM), np.float32))


@pytest.mark.field_case("Temperatures of 1e308, 0, NaN or infinity")
@pytest.mark.parametrize("value", ["1e308", "0", "nan", "inf", "-1"])
@pytest.mark.parametrize("option", ["temperature", "weight_temperature", "spread_temperature"])
def test_temperatures_out_of_range(models, experiment: Experiment, tmp_path, capsys, option, value):
    words = ["--model", str(models["gaussian"]), "--descriptions", str(experiment.descriptions), "-n", "2"]
    words += ["--text_vectors", str(experiment.text_vectors), "--out", str(tmp_path / "out"), f"--{option}", value]
    assert sample.main(words) == 1
    assert f"--{option}: expected" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("settings", [{"weight_temperature": np.nan}, {"spread_temperature": 0.0}])
def test_temperatures_of_a_program(models, settings):
    request = SampleRequest("text", "A voice.", 2)
    with pytest.raises(InputError, match="temperature .*: expected a finite number above 0"):
        next(Voices(models["gaussian"]).draw(request, np.zeros(TEXT_DIM), SamplingSettings(**settings)))


def test_a_temperature_too_near_zero(models):
    [mixture] = load_generator(models["blind_gmm"]).mixtures(np.zeros((1, TEXT_DIM)))
    assert np.exp(mixture.tempered(1e-9).log_weights).max() == 1
    with pytest.raises(InputError, match="weight temperature 1e-310: too near 0"):
        mixture.tempered(1e-310)


@pytest.mark.field_case("Samples that are no embeddings are not committed")
def test_samples_are_checked_before_they_are_committed(copied, experiment: Experiment, tmp_path, capsys):
    model = copied("ridge_student")
    arrays = load_file(model / "weights.safetensors")
    spoil(model, scales=np.full_like(arrays["scales"], 9e8), basis=arrays["basis"] * 1e3)
    words = ["--model", str(model), "--descriptions", str(experiment.descriptions), "-n", "2"]
    words += ["--text_vectors", str(experiment.text_vectors), "--out", str(tmp_path / "out")]
    assert sample.main(words) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "ridge_student: sample 1 of" in error and "no embedding: its norm is" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.field_case("Embeddings and sentence vectors to train on that are NaN, infinite or 1e12")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e12])
@pytest.mark.parametrize("file", ["index/train/xvector.ark", "text/text_vec.ark"])
def test_training_on_numbers_that_are_none(tmp_path, value, file):
    made = write_experiment(tmp_path / "made")
    archive = made.root / file
    content = bytearray(archive.read_bytes())
    first = content.index(b"\0BFV ") + HEADER_BYTES
    content[first : first + 4] = np.float32(value).tobytes()
    archive.write_bytes(content)
    with pytest.raises(InputError, match=r"(train: gen-s\d\d-u\d|text_vec.scp: \w+-v\d\d): no embedding: its norm is"):
        made.pairs("train")


def test_embeddings_as_they_are_pass():
    check_embeddings(np.random.default_rng(0).normal(scale=1e3, size=(5, 512)).astype(np.float32), str)
    check_embeddings(np.empty((0, 4), np.float32), str)


@pytest.mark.field_case("Training embeddings that are all the same, or have constant dimensions of large values")
@pytest.mark.parametrize("name", [*SPOILT, "blind_gmm", "group_gaussian", "gaussian"])
def test_embeddings_that_do_not_vary(tmp_path, capsys, name):
    made = write_experiment(tmp_path / "made", change=np.ones_like)
    with contextlib.chdir(ROOT):
        assert train.main(made.options(name)) == 1
    assert "all training embeddings are the same vector" in capsys.readouterr().err.splitlines()[-1]
    assert not (made.root / name).exists()


def test_a_mixture_that_cannot_be_fitted(tmp_path, capsys):
    made = write_experiment(tmp_path / "made", change=lambda x: np.append(x[:, 1:], np.full((len(x), 1), 1e6, "f4"), 1))
    with contextlib.chdir(ROOT):
        assert train.main(made.options("blind_gmm")) == 1
        assert "raise scale_floor" in capsys.readouterr().err.splitlines()[-1]
        assert train.main(made.options("ridge_gaussian")) == 0
