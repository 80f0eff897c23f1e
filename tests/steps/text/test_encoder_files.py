"""Directories of sentence encoders: nothing in them is unpickled or run, and all of them is their identity."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from steps.generators import sample
from steps.text import augment
from steps.text.encode import SentenceEncoder
from utils.errors import InputError


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, victim: Path):
        self.victim = victim

    def __reduce__(self):
        return Path.touch, (self.victim,)


@pytest.fixture
def model(encoder, tmp_path) -> Path:
    """A copy of the installed model whose weights are a link, to be spoilt."""
    copied = tmp_path / "model"
    shutil.copytree(encoder.path, copied, ignore=shutil.ignore_patterns("*.safetensors"))
    (copied / "model.safetensors").symlink_to(encoder.path / "model.safetensors")
    return copied


@pytest.mark.hostile("A sentence encoder with a pickle beside its safetensors, or in a module of it, or in their place")
@pytest.mark.parametrize(
    "name",
    [
        "pytorch_model.bin",
        "2_Dense/pytorch_model.bin",
        "1_Pooling/deep/x.PT",
        "rust_model.ot",
        "vocab.pkl",
        "last.ckpt",
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_pickle_is_refused_by_name(model, tmp_path, name, alone):
    (model / name).parent.mkdir(parents=True, exist_ok=True)
    (model / name).write_bytes(pickle.dumps(Bomb(tmp_path / "victim")))
    if alone:
        (model / "model.safetensors").unlink()
    with pytest.raises(InputError, match=f"{Path(name).name}: pickled weights, .*convert the model: python3 -c"):
        SentenceEncoder(model)
    assert not (tmp_path / "victim").exists()


@pytest.mark.hostile("--encoder with a pickle, in stage 1 and in sampling: one line, nothing is loaded or written")
def test_the_commands_refuse_it(model, tmp_path, corpus, capsys):
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "victim")))
    words = ["--data", str(corpus), "--out", str(tmp_path / "out"), "--vec_out", str(tmp_path / "vec")]
    assert augment.main([*words, "--encoder", str(model)]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("steps.text.augment: ERROR: ") and "pytorch_model.bin: pickled weights" in error
    words = ["--model", str(tmp_path / "none"), "--text", "A voice", "--out", str(tmp_path / "out")]
    assert sample.main([*words, "--encoder", str(model)]) == 1
    assert not [name for name in ("victim", "out", "vec") if (tmp_path / name).exists()]


@pytest.mark.hostile("A sentence encoder whose modules are code of its own, or lie elsewhere")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "modeling.Mine"}, "'modeling.Mine' is code of the model's own"),
        ({"type": "os.system"}, "code of the model's own"),
        ({"type": "sentence_transformers.util.http_get"}, "code of the model's own"),
        ({"type": "sentence_transformers.base.model.pickle"}, "code of the model's own"),
        ({"type": None}, "code of the model's own"),
        ({"path": "../elsewhere"}, "is hidden or elsewhere"),
        ({"path": "/etc"}, "is hidden or elsewhere"),
        ({"path": "a/../../b"}, "is hidden or elsewhere"),
        ({"path": ".cache"}, "is hidden or elsewhere"),
        ({"path": 3}, "is hidden or elsewhere"),
    ],
)
def test_modules_of_its_own(model, change, message):
    modules = json.loads((model / "modules.json").read_text())
    (model / "modules.json").write_text(json.dumps([*modules, modules[1] | change]))
    (model / "modeling.py").write_text("raise SystemExit('ran')\n")
    with pytest.raises(InputError, match=f"modules.json: (type|path): .*{message}"):
        SentenceEncoder(model)


@pytest.mark.hostile("modules.json of a sentence encoder that is deep, empty or no list")
@pytest.mark.parametrize("content", ["", "{}", "[]", "[1]", "[" * 100_000, "\udcff", "null"])
def test_modules_that_are_none(model, content):
    (model / "modules.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"modules\.json"):
        SentenceEncoder(model)


@pytest.mark.hostile("A sentence encoder's identity is of all its files")
@pytest.mark.parametrize("name", ["new.dat", "1_Pooling/new", "deep/er/new.json", "merges.bpe", "model.safetensors"])
def test_every_file_counts(model, encoder, name):
    before = SentenceEncoder(model).sha256
    assert before == encoder.sha256
    (model / name).unlink(missing_ok=True)
    (model / name).parent.mkdir(parents=True, exist_ok=True)
    (model / name).write_bytes(b"other")
    assert SentenceEncoder(model).sha256 != before


def test_files_for_people_do_not_count(model, encoder):
    for name in ("README.md", ".gitattributes", ".cache/x.json"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text("other")
    assert SentenceEncoder(model).sha256 == encoder.sha256


@pytest.mark.hostile("A sentence encoder with a folder that is a link to a folder above")
def test_folders_without_end(model):
    (model / "loop").symlink_to(model)
    with pytest.raises(InputError, match="loop: a link to a folder above"):
        SentenceEncoder(model)


@pytest.mark.field_case("A Git LFS pointer in place of a sentence encoder's weights or tokenizer")
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "1_Pooling/config.json"])
def test_a_pointer(model, name):
    (model / name).unlink()
    (model / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 90868376\n")
    with pytest.raises(InputError, match=f"{name}: a Git LFS pointer"):
        SentenceEncoder(model)


@pytest.mark.hostile("A sentence encoder whose files do not fit each other, or hold what none has")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "[" * 100_000),
        ("tokenizer.json", "{}"),
        ("1_Pooling/config.json", '{"pooling_mode": "x"}'),
        ("sentence_bert_config.json", '{"max_seq_length": "x"}'),
    ],
)
def test_files_that_do_not_fit(model, name, content):
    (model / name).write_text(content)
    with pytest.raises(InputError, match=f"{model}: (not a usable|cannot encode)"):
        SentenceEncoder(model).encode(["x"])


@pytest.mark.field_case("A sentence encoder whose weights are NaN")
def test_weights_that_are_nan(model):
    weights = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    spoilt = {name: array * np.nan if array.dtype.kind == "f" else array for name, array in weights.items()}
    save_file(spoilt, model / "model.safetensors")
    with pytest.raises(InputError, match="gives no finite vectors"):
        SentenceEncoder(model).encode(["x"])
