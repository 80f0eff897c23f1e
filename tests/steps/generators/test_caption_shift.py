"""A model whose texts move its means: saved, loaded, and exact where a text moves nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from steps.generators.caption_shift import CaptionShift
from steps.generators.contract import load_generator
from steps.generators.linear import LinearMap
from steps.generators.read_generator import ReadGenerator
from tests.steps.generators.known_reader import write_read_model
from utils.errors import InputError

PERSON, GROUP = (1.0, 0.2), (-1.0, 0.0)  # sentence vectors


@pytest.fixture
def model(tmp_path) -> Path:
    """The model of four groups, with a shift of 2 along the first dimension for each unit of the second column."""
    plain = load_generator(write_read_model(tmp_path / "model"))
    shift = CaptionShift(
        LinearMap(np.array([[0.0], [1.0]]), np.zeros(1)), np.array([[-1.0], [1.0]]), np.array([1.0, 0.0]),
        np.array([0.5, 0.8]), np.array([[2.0, 0.0, 0.0]]),
    )  # fmt: skip
    shutil.copytree(tmp_path / "model", tmp_path / "moved")
    ReadGenerator(plain.inner, plain.groups, shift).save(tmp_path / "moved")
    return tmp_path / "moved"


def text(sentence: tuple[float, float]) -> np.ndarray:
    """A woman of high pitch, in these words."""
    return np.array([[*sentence, 1, 0, 0, 1, 0, 0]], dtype=np.float32)


def test_a_text_about_a_person_moves_the_means(model, tmp_path):
    moved, plain = load_generator(model), load_generator(tmp_path / "model")
    x = np.random.default_rng(0).standard_normal((5, 3))
    step = 2 * np.float32(PERSON[1]) * np.array([1.0, 0, 0])
    np.testing.assert_allclose(moved.log_density(x + step, text(PERSON)), plain.log_density(x, text(PERSON)), rtol=1e-6)


def test_other_texts_have_the_numbers_of_the_model_without_captions(model, tmp_path):
    moved, plain = load_generator(model), load_generator(tmp_path / "model")
    x = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_array_equal(moved.log_density(x, text(GROUP)), plain.log_density(x, text(GROUP)))


def test_texts_of_one_meaning_and_other_words_differ(model):
    first, second, third = load_generator(model).mixtures(np.concatenate([text(PERSON), text(GROUP), text(PERSON)]))
    assert first is third is not second


@pytest.mark.parametrize(
    "spoilt", [{"caption_slope": np.ones((1, 2))}, {"caption_range": np.ones((3, 1))}, {"caption_likeness": np.ones(2)}]
)
def test_arrays_that_do_not_fit_are_refused(model, spoilt):
    save_file(load_file(model / "weights.safetensors") | spoilt, model / "weights.safetensors")
    with pytest.raises(InputError, match="do not make a generator"):
        load_generator(model)
