"""Sentence vectors: reproducible, independent of company, offline, without pickles."""

import shutil
import socket

import numpy as np
import pytest
import torch

from steps.text.encode import SentenceEncoder
from utils.errors import InputError

WHO, HOW = ("man", "woman", "speaker"), ("deep", "high", "very ordinary", "squeaky")
TEXTS = [f"A {who} with a {how} voice{' and more' * len(how)}." for who in WHO for how in HOW]


def test_shape_type_and_duplicates(encoder):
    vectors = encoder.encode([TEXTS[0], TEXTS[1], TEXTS[0]])
    assert vectors.shape == (3, 384) and vectors.dtype == np.float32 and encoder.dim == 384
    assert np.array_equal(vectors[0], vectors[2]) and not np.array_equal(vectors[0], vectors[1])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_each_distinct_text_goes_through_the_model_once(encoder, monkeypatch):
    seen = []
    encode = encoder._model.encode
    monkeypatch.setattr(encoder._model, "encode", lambda texts: seen.extend(texts) or encode(texts))
    encoder.encode(TEXTS * 3)
    assert sorted(seen) == sorted(set(TEXTS))


def test_a_text_has_the_same_bits_in_any_company_and_with_any_threads(encoder):
    together = encoder.encode(TEXTS)
    threads = torch.get_num_threads()
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            alone = np.concatenate([encoder.encode([text]) for text in reversed(TEXTS)])[::-1]
            assert np.array_equal(alone, together)
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)


def test_opposites_differ_and_paraphrases_are_close(encoder):
    a, b, c = encoder.encode(["a woman speaking slowly", "a slow female speaker", "the price of oil fell"])
    assert a @ b > 0.6 > 0.3 > a @ c


def test_a_copy_elsewhere_has_the_same_hash_and_vectors(encoder, tmp_path):
    copy = tmp_path / "my copy"
    shutil.copytree(encoder.path, copy)
    (copy / "README.md").write_text("not part of the model")
    other = SentenceEncoder(copy)
    assert other.name == "my copy" and other.sha256 == encoder.sha256
    assert np.array_equal(other.encode(TEXTS[:2]), encoder.encode(TEXTS[:2]))
    config = copy / "tokenizer_config.json"
    config.write_text(config.read_text() + " ")
    assert SentenceEncoder(copy).sha256 != encoder.sha256


def test_nothing_is_asked_of_the_network(encoder, monkeypatch):
    def refuse(*arguments):
        raise AssertionError(f"network: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert SentenceEncoder(encoder.path).encode(["offline"]).shape == (1, 384)


def test_no_model_there(tmp_path):
    with pytest.raises(InputError, match="modules.json"):
        SentenceEncoder(tmp_path)


def test_pickled_weights_are_refused(encoder, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(encoder.path, model)
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    with pytest.raises(InputError, match="pickled"):
        SentenceEncoder(model)


def test_broken_weights_are_named(encoder, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(encoder.path, model)
    (model / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(InputError, match=str(model)):
        SentenceEncoder(model).encode(["x"])
