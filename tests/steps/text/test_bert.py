"""The light reading of a BERT: the bits of sentence-transformers, and which models it leaves to that library."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from steps.text.bert import BertSentences
from steps.text.encode import LibraryModel, SentenceEncoder

TEXTS = (
    "A woman with a deep voice.",
    "",
    " \t ",
    "x",
    "Ünïcödé, 你好 世界 and 🎉 ﬁ İ ẞ",
    "[SEP] [MASK] words\nwith marks",
    "Не глубокий голос",
    "a very long description " * 100,
)


@pytest.fixture(scope="module")
def copy(encoder, tmp_path_factory):
    """Copies of the installed model, each with one file changed."""

    def make(name, change):
        folder = tmp_path_factory.mktemp("models") / "model"
        shutil.copytree(encoder.path, folder)
        file = folder / name
        if name.endswith(".safetensors"):
            tensors = load_file(file)
            file.unlink()
            save_file(change(tensors), file)
        else:
            file.write_text(json.dumps(change(json.loads(file.read_text()))))
        return folder

    return make


def test_the_bits_are_those_of_the_library(encoder):
    ours, theirs = BertSentences.of(encoder.path), LibraryModel(encoder.path)
    assert ours.max_seq_length == theirs.max_seq_length == 256
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for text in TEXTS:
            assert np.array_equal(ours.encode([text]), theirs.encode([text])), text
            assert ours.ends(text) == theirs.ends(text), text
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("modules.json", lambda modules: modules[:2]),
        ("config.json", lambda config: config | {"hidden_act": "relu"}),
        ("config.json", lambda config: {name: value for name, value in config.items() if name != "layer_norm_eps"}),
        ("sentence_bert_config.json", lambda own: own | {"do_lower_case": True}),
        ("1_Pooling/config.json", lambda pooling: pooling | {"pooling_mode_max_tokens": True}),
        ("tokenizer_config.json", lambda words: words | {"strip_accents": False}),
        ("config_sentence_transformers.json", lambda own: own | {"default_prompt_name": "query"}),
        ("model.safetensors", lambda tensors: {f"bert.{name}": tensor for name, tensor in tensors.items()}),
        ("model.safetensors", lambda tensors: {name: tensor.half() for name, tensor in tensors.items()}),
    ],
)
def test_models_of_other_kinds_are_left_to_the_library(copy, name, change):
    assert BertSentences.of(copy(name, change)) is None


def test_processes_change_no_bit(encoder, monkeypatch):
    monkeypatch.setattr("steps.text.encode.LEAST", 2)
    together = SentenceEncoder(nj=3).encode(TEXTS)
    assert np.array_equal(together, encoder.encode(TEXTS))


def test_texts_of_one_length_side_by_side_give_the_same_vectors_for_any_processes(encoder, monkeypatch):
    texts = [f"a {one} voice of a {other}" for one in ("deep", "high", "calm") for other in ("man", "woman", "tiger")]
    together = encoder.encode([*texts, *TEXTS], together=True)
    assert np.allclose(together, encoder.encode([*texts, *TEXTS]), atol=1e-6)
    monkeypatch.setattr("steps.text.encode.LEAST", 2)
    for nj, order in ((1, -1), (3, 1)):
        again = SentenceEncoder(nj=nj).encode([*texts, *TEXTS][::order], together=True)
        assert np.array_equal(again[::order], together)
