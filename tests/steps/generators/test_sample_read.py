"""Sampling from texts that are read: what is unsaid stays open, what was read is told, and --strict refuses doubts."""

import json
from pathlib import Path

import numpy as np
import pytest

from steps.generators import merge_samples, plan_samples, sample
from steps.generators.requests import SampleRequest
from steps.generators.sample_ids import model_hash
from steps.generators.sampling import Voices
from steps.generators.text_warnings import MOST_TOLD, heed_warnings
from steps.text.read import READERS
from tests.steps.generators.known_reader import ENTRY, GROUPS, PRIOR, write_read_model
from utils.archives import read_vectors
from utils.errors import InputError
from utils.tables import write_table

CONTRADICTION = "a high and low female voice"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of texts that were read."""
    monkeypatch.setitem(READERS.entries, "words", ENTRY)
    return write_read_model(tmp_path / "model")


def run(model: Path, *options: str) -> Path:
    """Sample into a directory beside the model. Returns it."""
    out = model.parent / "out"
    assert sample.main(["--model", str(model), "--out", str(out), *options]) == 0
    return out


def shares_of(x: np.ndarray) -> np.ndarray:
    """The share of the samples (N, 3) around each corner, in the order of the groups."""
    corner = 2 * (x[:, 0] < 0) + (x[:, 1] < 0)
    return np.bincount(corner, minlength=4) / len(x)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("somebody", PRIOR),
        ("a male voice", [0, 0, 0.8, 0.2]),
        ("a low voice", [0, 0.75, 0, 0.25]),
        ("a female voice that is high", [1, 0, 0, 0]),
        (CONTRADICTION, [0.5, 0.5, 0, 0]),
    ],
)
def test_what_is_unsaid_follows_the_corpus(model, text, wanted):
    out = run(model, "--text", text, "-n", "4000")
    np.testing.assert_allclose(shares_of(read_vectors(out / "xvector.scp")[1]), wanted, atol=0.03)


def test_python_draws_the_same_and_logs_warnings(model, caplog):
    out = run(model, "--text", CONTRADICTION, "-n", "30")
    told = f"text: {CONTRADICTION!r}: says every pitch"
    assert caplog.text.count(told) == 1
    x = Voices(model).sample(f" {CONTRADICTION} ", 30)
    assert x.tobytes() == read_vectors(out / "xvector.scp")[1].tobytes() and caplog.text.count(told) == 2


def test_provenance_says_how_each_text_was_read(model):
    (model.parent / "texts").write_text(f"a\tmale\nb\t{CONTRADICTION}\n")
    lines = (run(model, "--text_file", str(model.parent / "texts"), "-n", "2") / "provenance.jsonl").read_text()
    rows = [json.loads(line) for line in lines.splitlines()]
    assert [row["read_as"] for row in rows[1:3]] == [
        {"gender": {"female": 0.0, "male": 1.0, "unsaid": 0.0}, "pitch": {"high": 0.0, "low": 0.0, "unsaid": 1.0}},
        {"gender": {"female": 1.0, "male": 0.0, "unsaid": 0.0}, "pitch": {"high": 0.5, "low": 0.5, "unsaid": 0.0}},
    ]
    assert [row["warnings"] for row in rows[1:3]] == [[], ["says every pitch"]]


def test_the_samples_do_not_depend_on_the_jobs(model):
    (model.parent / "texts").write_text(f"a\tmale\nb\t{CONTRADICTION}\nc\tsomebody\n")
    whole = run(model, "--text_file", str(model.parent / "texts"), "-n", "300")
    options = ["--model", str(model), "--text_file", str(model.parent / "texts"), "-n", "300", "--nj", "2"]
    out = model.parent / "jobs/out"
    out.parent.mkdir()
    options += ["--out", str(out)]
    assert plan_samples.main(options) == 0
    assert [sample.main([*options, "--job", str(job)]) for job in (2, 1)] == [0, 0]
    assert merge_samples.main(options) == 0
    for name in ("xvector.ark", "provenance.jsonl"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.field_case("--strict true: a text that was not understood is an error before anything is sampled")
@pytest.mark.parametrize("command", [sample, plan_samples])
def test_a_strict_run_refuses_a_doubtful_text(model, capsys, command):
    (model.parent / "texts").write_text(f"a\tmale\nb\t{CONTRADICTION}\nc\tsomebody\n")
    out = model.parent / "out"
    options = ["--model", str(model), "--out", str(out), "--text_file", str(model.parent / "texts")]
    assert command.main([*options, "--strict", "true"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"b: {CONTRADICTION!r}: says every pitch (1 of 3 texts have such warnings); word it in another way" in error
    assert not [path for path in out.parent.iterdir() if "out" in path.name]
    (model.parent / "texts").write_text("a\tmale\n")
    assert command.main([*options, "--strict", "true"]) == 0


def test_a_strict_run_refuses_a_model_that_cannot_warn(spoken, tmp_path, capsys):
    options = ["--model", str(spoken.root / "ridge_gaussian"), "--out", str(tmp_path / "out"), "--text", "a low voice"]
    assert sample.main([*options, "--strict", "true"]) == 1
    assert "sentence vectors alone" in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.glob("*out*"))


def test_many_warnings_are_cut_short(caplog):
    requests = [SampleRequest(f"t{number}", "long " * 100, 1, warnings=("one", "two")) for number in range(50)]
    heed_warnings(requests, strict=False)
    assert len(caplog.records) == MOST_TOLD + 1 and "30 more texts" in caplog.text
    assert "t0: 'long long" in caplog.text and ": one; two" in caplog.text
    assert max(len(record.getMessage()) for record in caplog.records) < 150
    heed_warnings([request._replace(warnings=()) for request in requests], strict=True)
    with pytest.raises(InputError, match="50 of 50 texts"):
        heed_warnings(requests, strict=True)


def test_texts_of_another_reader_are_refused(model, capsys):
    texts, descriptions = model.parent / "text", model.parent / "descriptions"
    texts.mkdir()
    (texts / "encoder.json").write_bytes((model / "encoder.json").read_bytes())
    ids = [f"{group}-v01" for group in GROUPS]
    descriptions.mkdir()
    write_table(descriptions / "text", dict.fromkeys(ids, "words"))
    write_table(descriptions / "text2group", dict(zip(ids, GROUPS, strict=True)))
    write_table(descriptions / "text2set", dict.fromkeys(ids, "seen"))
    options = ["--model", str(model), "--out", str(model.parent / "out"), "--text_vectors", str(texts)]
    assert sample.main([*options, "--descriptions", str(descriptions)]) == 1
    assert f"another encoder or reader than {model} was trained with (reader.json differs)" in capsys.readouterr().err


def test_the_ids_stand_for_the_reader_too(model):
    before = model_hash(model)
    (model / "reader.safetensors").write_bytes(b"learned")
    assert model_hash(model) != before
