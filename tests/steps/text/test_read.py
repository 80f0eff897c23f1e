"""Readers: vectors of texts with their layout, saved and loaded."""

import json

import numpy as np
import pytest

from steps.text.layout import READER, TextLayout
from steps.text.read import ENCODER, READERS, Reader
from utils.errors import InputError

VALUES = {
    "gender": ["female", "male"],
    "pitch": ["high", "low", "medium"],
    "speaking_rate": ["fast", "measured", "slow"],
}
TEXTS = ["A woman with a deep voice.", "Somebody who speaks fast."]


@pytest.fixture(scope="module")
def reader(encoder):
    return READERS.load("posterior").of_attributes(encoder, VALUES)


def test_a_sentence_reader_gives_sentence_vectors(encoder, tmp_path):
    reader = READERS.load("sentence").of_attributes(encoder, VALUES)
    assert reader.layout == TextLayout(384, {})
    assert np.array_equal(reader.read(TEXTS).vectors, encoder.encode(TEXTS))
    reader.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ENCODER]
    assert np.array_equal(Reader.load(tmp_path).read(TEXTS).vectors, encoder.encode(TEXTS))


def test_what_is_said_and_unsaid(reader, encoder):
    vectors = reader.read(TEXTS).vectors
    assert vectors.shape == (2, 384 + 11) and vectors.dtype == np.float32
    assert np.array_equal(reader.layout.sentence(vectors), encoder.encode(TEXTS))
    first, second = map(reader.layout.read_as, vectors)
    assert first["gender"]["female"] > 0.9 < first["pitch"]["low"] and first["speaking_rate"]["unsaid"] > 0.9
    assert second["gender"]["unsaid"] > 0.9 < second["speaking_rate"]["fast"]


def test_a_reader_comes_back(reader, tmp_path):
    reader.save(tmp_path)
    other = Reader.load(tmp_path)
    assert other.layout == reader.layout and other.kind == "posterior"
    assert np.array_equal(other.read(TEXTS).vectors, reader.read(TEXTS).vectors)


def test_another_encoder_is_refused(reader, tmp_path):
    reader.save(tmp_path)
    identity = json.loads((tmp_path / ENCODER).read_text())
    (tmp_path / ENCODER).write_text(json.dumps(identity | {"sha256": "0" * 64}))
    with pytest.raises(InputError, match="give the right one with --encoder"):
        Reader.load(tmp_path)


@pytest.mark.parametrize("kind", ["unknown", "os:system", 1, None])
def test_a_kind_that_is_not_registered_is_refused(reader, tmp_path, kind):
    reader.save(tmp_path)
    (tmp_path / READER).write_text(json.dumps({"kind": kind} | reader.layout.as_dict()))
    with pytest.raises(InputError, match="known are posterior, sentence"):
        Reader.load(tmp_path)
