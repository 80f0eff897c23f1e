"""The contract: what is saved comes back, and what is not a model of ours is refused without being run."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from steps.generators.contract import KINDS, Generator, load_generator
from tests.steps.generators.conftest import NAMES, RIVALS
from tests.steps.generators.experiment import DIM, TEXT_DIM, Experiment
from utils.errors import InputError


@pytest.fixture
def model(models, tmp_path) -> Path:
    """A copy of a model directory, to be spoilt."""
    return Path(shutil.copytree(models["ridge_student"], tmp_path / "model"))


def edit(directory: Path, **changes: object) -> None:
    file = directory / "generator.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("name", [*NAMES, *RIVALS])
def test_saved_and_loaded_is_the_same(request, experiment: Experiment, tmp_path, name):
    models = request.getfixturevalue("rivals" if name in RIVALS else "models")
    generator = load_generator(models[name])
    assert (generator.dim, generator.text_dim) == (DIM, TEXT_DIM)
    generator.save(tmp_path)
    for file in ("generator.json", "weights.safetensors"):
        assert (tmp_path / file).read_bytes() == (models[name] / file).read_bytes()
    again, pairs = load_generator(tmp_path), experiment.pairs("test")
    assert generator.has_density == (not name.startswith("pool"))
    if generator.has_density:
        density = generator.log_density(pairs.x, pairs.variants)
        assert density.shape == (len(pairs.x), len(pairs.variants)) and np.isfinite(density).all()
        np.testing.assert_array_equal(again.log_density(pairs.x, pairs.variants), density)
    samples = [some.mixtures(pairs.variants)[3].sample(np.random.default_rng(0), 9)[0] for some in (generator, again)]
    assert samples[0].tobytes() == samples[1].tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_mixture_of_a_text_does_not_depend_on_its_neighbours(models, experiment: Experiment, name):
    generator, texts = load_generator(models[name]), experiment.pairs("test").variants
    alone, among = generator.mixtures(texts[5:6])[0], generator.mixtures(texts)[5]
    x = np.zeros((1, DIM))
    np.testing.assert_allclose(alone.log_density(x), among.log_density(x), rtol=1e-12)


def test_all_kinds_are_tried(models, read_models, rivals):
    tried = [*models.values(), *read_models.values(), *rivals.values()]
    kinds = set()
    for path in tried:
        one = json.loads((path / "generator.json").read_text())
        while one:
            kinds, one = kinds | {one["kind"]}, one["values"].get("inner")
    # those of test_table_generator.py, test_manifold_generator.py and test_calibration.py beside them
    assert kinds | {"table", "manifold", "tempered"} == set(KINDS.entries)


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, victim: Path):
        self.victim = victim

    def __reduce__(self):
        return Path.touch, (self.victim,)


@pytest.mark.parametrize("name", ["extra.pkl", "model.pt", "deep/er/pytorch_model.bin", "last.ckpt", "OLD.PTH"])
def test_a_pickle_is_refused_and_never_loaded(model, tmp_path, name):
    (model / name).parent.mkdir(parents=True, exist_ok=True)
    (model / name).write_bytes(pickle.dumps(Bomb(tmp_path / "victim")))
    with pytest.raises(InputError, match=f"{Path(name).name}: a pickle can run code and is never loaded"):
        load_generator(model)
    assert not (tmp_path / "victim").exists()


def test_a_pickle_in_place_of_the_weights_is_not_read(model, tmp_path):
    (model / "weights.safetensors").write_bytes(pickle.dumps(Bomb(tmp_path / "victim")))
    with pytest.raises(InputError, match="weights.safetensors: not readable"):
        load_generator(model)
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("missing", ["generator.json", "weights.safetensors"])
def test_an_incomplete_directory_says_what_to_do(model, missing):
    (model / missing).unlink()
    with pytest.raises(InputError, match=f"no {missing}; train"):
        load_generator(model)
    with pytest.raises(InputError, match="nowhere"):
        load_generator(model / "nowhere")


def test_a_directory_of_other_dimensions_is_refused(model, models):
    edit(model, dim=512)
    with pytest.raises(InputError, match="10 dimensions and 8-d texts, generator.json says 512 and 8"):
        load_generator(model)
    arrays = load_file(model / "weights.safetensors")
    save_file(arrays | {"map_weights": arrays["map_weights"][:5]}, model / "weights.safetensors")
    edit(model, dim=10)
    with pytest.raises(InputError, match="5-d texts"):
        load_generator(model)


def test_network_weights_of_other_sizes_are_refused(models, tmp_path):
    model = Path(shutil.copytree(models["mdn"], tmp_path / "mdn"))
    values = json.loads((model / "generator.json").read_text())["values"]
    edit(model, values=values | {"sizes": values["sizes"] | {"hidden": 33}})
    with pytest.raises(InputError, match="weights are of other sizes: .*size mismatch"):
        load_generator(model)


@pytest.mark.parametrize("donor", ["mdn", "blind_gmm"])
def test_weights_of_another_kind_are_refused(model, models, donor):
    shutil.copy(models[donor] / "weights.safetensors", model)
    with pytest.raises(InputError, match="do not make a generator of the kind 'linear'"):
        load_generator(model)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(
            ("ridge_gaussian", name)
            for name in ("offset", "basis", "map_weights", "map_offset", "log_weights", "scales")
        ),
        *(("group_gmm", name) for name in ("offsets", "bases", "log_weights", "means", "scales", "map_weights")),
        *(("mdn", name) for name in ("offset", "basis")),
    ],
)
def test_arrays_that_disagree_in_shape_are_refused(models, tmp_path, kind, name):
    model = Path(shutil.copytree(models[kind], tmp_path / "model"))
    arrays = load_file(model / "weights.safetensors")
    shorter = (
        arrays[name][..., :-1] if arrays[name].ndim and arrays[name].shape[-1] > 1 else arrays[name][None, ..., None]
    )
    save_file(arrays | {name: np.ascontiguousarray(shorter)}, model / "weights.safetensors")
    with pytest.raises(InputError, match="model: .*(do not make a generator of the kind|do not belong together)"):
        load_generator(model)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "generator.json:1: not JSON"),
        ("{", "generator.json:1: not JSON"),
        ("[]", "generator.json: expected an object"),
        ("{}", "generator.json: no kind, dim, text_dim, values"),
        ('{"kind": "linear"}', "generator.json: no dim"),
        ('{"kind": [], "dim": 1, "text_dim": 1, "values": {}}', "unknown kind"),
        ('{"kind": "linear", "dim": 1, "text_dim": 1, "values": []}', "do not make a generator"),
        ("\xff", "generator.json:1: not UTF-8"),
    ],
)
def test_a_description_that_is_none_is_refused(model, content, message):
    (model / "generator.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        load_generator(model)


@pytest.mark.parametrize("kind", ["diffusion", "steps.generators.linear_generator:LinearGenerator"])
def test_an_unknown_kind_is_refused(model, kind):
    """A class too: a model would say what code is run."""
    edit(model, kind=kind)
    with pytest.raises(InputError, match=f"unknown kind '{kind}'; known are linear, grouped, manifold, mdn"):
        load_generator(model)


def test_truncated_weights_are_refused(model):
    whole = (model / "weights.safetensors").read_bytes()
    for size in (0, 5, len(whole) // 2, len(whole) - 1):
        (model / "weights.safetensors").write_bytes(whole[:size])
        with pytest.raises(InputError, match="weights.safetensors: not readable"):
            load_generator(model)


def test_a_generator_must_keep_the_contract():
    class Lazy(Generator):
        kind = "lazy"

    with pytest.raises(TypeError, match="abstract"):
        Lazy()
