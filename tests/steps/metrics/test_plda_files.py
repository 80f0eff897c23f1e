"""PLDA models on disk: what is read is what was written, and a file that is no model is named."""

import numpy as np
import pytest

from steps.metrics.plda import PldaSettings, fit_plda
from steps.metrics.plda_files import load_plda, save_plda
from steps.metrics.speaker_transform import TransformSettings, fit_transform
from utils.errors import InputError


@pytest.fixture
def fitted():
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(30), 4)
    x = rng.normal(size=(30, 6))[speakers] + rng.normal(size=(120, 6))
    transform = fit_transform(x, speakers, TransformSettings(dim=4))
    return x, transform, fit_plda(transform(x), speakers, PldaSettings())


def test_a_model_is_read_as_it_was_written(fitted, tmp_path):
    x, transform, model = fitted
    save_plda(tmp_path, transform, model)
    again, same = load_plda(tmp_path)
    y = again(x)
    np.testing.assert_array_equal(y, transform(x))
    np.testing.assert_array_equal(same.scores(y, np.ones(120), y), model.scores(y, np.ones(120), y))
    first = (tmp_path / "plda.npz").read_bytes()
    save_plda(tmp_path, transform, model)
    assert (tmp_path / "plda.npz").read_bytes() == first


@pytest.mark.hostile("A PLDA model that is cut short, pickled, of other sizes, or has numbers that are not finite")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path, arrays: path.write_bytes(path.read_bytes()[:200]),
        lambda path, arrays: path.write_bytes(b""),
        lambda path, arrays: path.write_text("text"),
        lambda path, arrays: np.savez(path, psi=arrays["psi"]),
        lambda path, arrays: np.savez(path, **arrays | {"psi": arrays["psi"] * np.nan}),
        lambda path, arrays: np.savez(path, **arrays | {"psi": arrays["psi"][:-1]}),
        lambda path, arrays: np.savez(path, **arrays | {"projection": arrays["projection"][:-1]}),
        lambda path, arrays: np.savez(path, **arrays | {"mean": np.array([{}, []], dtype=object)}),
        lambda path, arrays: np.savez(path, **arrays | {"mean": np.array(["a", "b"])}),
        lambda path, arrays: np.savez(path, **arrays | {"mean": np.array(1.0)}),
        lambda path, arrays: np.savez(path, **arrays | {"mean": arrays["mean"].astype(np.int8)}),
        lambda path, arrays: np.savez(path, **arrays | {"transform": arrays["transform"] + 1j}),
        lambda path, arrays: np.savez(path, **arrays | {"length_norm": np.array(0.5)}),
    ],
)
def test_a_file_that_is_no_model_is_named(fitted, tmp_path, spoil):
    _, transform, model = fitted
    save_plda(tmp_path, transform, model)
    path = tmp_path / "plda.npz"
    with np.load(path) as file:
        arrays = dict(file)
    spoil(path, arrays)
    with pytest.raises(InputError, match="plda.npz: no PLDA model .*train_plda") as caught:
        load_plda(tmp_path)
    assert "allow_pickle" not in str(caught.value)


def test_a_missing_model_names_the_command(tmp_path):
    with pytest.raises(InputError, match="plda.npz: missing; train it with steps.verify.train_plda"):
        load_plda(tmp_path)
