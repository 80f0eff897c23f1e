"""The columns of text vectors."""

import json

import numpy as np
import pytest

from steps.text.layout import READER, TextLayout
from utils.errors import InputError

LAYOUT = TextLayout(4, {"gender": ("female", "male"), "pitch": ("high", "low")})


def test_parts_of_a_vector_come_back():
    sentence = np.arange(8, dtype=np.float32).reshape(2, 4)
    posteriors = {"gender": np.array([[0.5, 0.25, 0.25], [0, 1, 0]]), "pitch": np.array([[0, 0, 1], [0.5, 0.5, 0]])}
    vectors = LAYOUT.join(sentence, posteriors)
    assert vectors.shape == (2, LAYOUT.dim) == (2, 10) and vectors.dtype == np.float32
    assert np.array_equal(LAYOUT.sentence(vectors), sentence)
    assert all(np.array_equal(LAYOUT.posterior(vectors, name), posteriors[name]) for name in posteriors)
    assert LAYOUT.read_as(vectors[0])["gender"] == {"female": 0.5, "male": 0.25, "unsaid": 0.25}


def test_layout_of_a_directory(tmp_path):
    assert TextLayout.read(tmp_path, 384) == TextLayout(384, {})
    (tmp_path / READER).write_text(json.dumps(LAYOUT.as_dict()))
    assert TextLayout.read(tmp_path, 10) == LAYOUT
    with pytest.raises(InputError, match="of 10 dimensions, found 384"):
        TextLayout.read(tmp_path, 384)


@pytest.mark.parametrize(
    "attributes", [[], {"a": "b"}, {"a": []}, {"a": ["x", "unsaid"]}, {"a": ["y", "x"]}, {"a": [1]}]
)
def test_damaged_layout(tmp_path, attributes):
    (tmp_path / READER).write_text(json.dumps({"sentence_dim": 4, "attributes": attributes}))
    with pytest.raises(InputError, match=r"expected sentence_dim"):
        TextLayout.read(tmp_path, 10)
