"""The file of a gender classifier: weights and ids of speakers, files of an earlier version, ids with prefixes."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from steps.attributes.bins import GENDERS
from steps.attributes.gender_model import MODEL, GenderModel, read_gender_model, write_gender_model
from steps.metrics.classifiers import Classifier
from utils.errors import InputError

SHIPPED = Path(__file__).parents[3] / "local/rules/gender_resemblyzer.safetensors"
TENSORS = {"weights": np.arange(10.0).reshape(5, 2), "offsets": np.ones(2)}


def model(*speakers: str) -> GenderModel:
    return GenderModel(Classifier(GENDERS, *TENSORS.values()), frozenset(speakers))


def test_a_file_keeps_weights_and_ids_and_its_bytes(tmp_path):
    write_gender_model(tmp_path / MODEL, model("s2", "s1", "älter"))
    found = read_gender_model(tmp_path / MODEL, 5)
    assert found.speakers == {"s1", "s2", "älter"}
    assert np.array_equal(found.classifier.weights, TENSORS["weights"])
    write_gender_model(tmp_path / "again", found)
    assert (tmp_path / "again").read_bytes() == (tmp_path / MODEL).read_bytes()


def test_a_file_of_an_earlier_version_has_no_ids(tmp_path):
    save_file(TENSORS, tmp_path / MODEL, {"classes": '["female", "male"]'})
    found = read_gender_model(tmp_path / MODEL, 5)
    assert found.speakers is None and found.seen(["s1"]) == set()
    assert np.array_equal(found.classifier.weights, TENSORS["weights"])


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"classes": "a, b"},
        {"classes": '["high", "low"]'},
        {"gender_model": "[]"},
        {"gender_model": "{"},
        {"gender_model": '{"classes": ["female", "male"], "speakers": 5}'},
        {"gender_model": '{"classes": ["female", "male"], "speakers": [["s1"]]}'},
    ],
)
def test_files_of_others_are_refused(tmp_path, metadata):
    save_file(TENSORS, tmp_path / MODEL, metadata)
    with pytest.raises(InputError, match="expected a gender.safetensors of this project for embeddings of 5 dim"):
        read_gender_model(tmp_path / MODEL, 5)


def test_embeddings_of_other_dimensions_are_refused(tmp_path):
    write_gender_model(tmp_path / MODEL, model("s1"))
    with pytest.raises(InputError, match="for embeddings of 256 dimensions"):
        read_gender_model(tmp_path / MODEL, 256)


def test_ids_that_differ_by_a_prefix_are_one_speaker():
    seen = model("103", "libri-7", "x_y").seen
    ids = ["103", "libri-103", "train_clean_100-103", "7", "libri-7", "other-libri-7", "y", "a-x_y"]
    assert seen(ids) == set(ids)
    assert seen(["1034", "p103", "other-7", "103-1", "3", "", "libri", "z-y"]) == set()


def test_the_shipped_weights_are_those_that_were_measured():
    found = load_file(SHIPPED)
    digest = hashlib.sha256(found["weights"].tobytes() + found["offsets"].tobytes()).hexdigest()
    assert digest == "78690f13a25c1daaf0143de7a480f49ba12534e2dcbb64e0e4198c627ca09c02"
    assert len(read_gender_model(SHIPPED, 256).speakers) == 251 and "103" in read_gender_model(SHIPPED, 256).speakers
