"""Units of others become unit sequences: .npy, .pt without any code, and lines of three kinds."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from steps.data.unit_sequences import UnitsDir
from steps.units import import_units
from utils.data_dir import write_data_dir

FRAMES = {"a/1": [5, 5, 17, 3], "a/2": [0, 0, 1], "b": [7]}
JSON = '{"audio": "%s.wav", "hubert": "%s", "duration": 1.5}'


def write_source(root: Path, kind: str) -> Path:
    """The units of FRAMES in a kind of file."""
    source = root / "source"
    source.mkdir()
    texts = {key: " ".join(map(str, units)) for key, units in FRAMES.items()}
    if kind == "npy":
        for key, units in FRAMES.items():
            (source / key).parent.mkdir(exist_ok=True)
            np.save(source / f"{key}.npy", np.array(units, np.int64))
    elif kind == "pt":
        for key, units in FRAMES.items():
            (source / key).parent.mkdir(exist_ok=True)
            torch.save(torch.tensor([units]), source / f"{key}.pt")
    elif kind == "mapping":
        torch.save({key: torch.tensor(units) for key, units in FRAMES.items()}, source / "all.pt")
        return source / "all.pt"
    else:
        form = {"words": "%s %s", "bars": "%s|%s", "json": JSON}[kind]
        (source / "all.txt").write_text("".join(f"{form % pair}\n" for pair in texts.items()))
        return source / "all.txt"
    return source


def run(source: Path, out: Path, *words: str) -> int:
    return import_units.main(["--source", str(source), "--out", str(out), *words])


@pytest.mark.parametrize("kind", ["npy", "pt", "mapping", "words", "bars", "json"])
def test_units_of_frames_come_with_durations(tmp_path, kind):
    assert run(write_source(tmp_path, kind), tmp_path / "units") == 0
    units = UnitsDir(tmp_path / "units")
    assert {key: units.frames(key).tolist() for key in units.utterances} == FRAMES
    assert units.info.n_units == 18 and units.info.frame_seconds == 0.02


def test_deduplicated_units_have_no_durations(tmp_path):
    (tmp_path / "all.txt").write_text("a 1 2 1\nb 3\n")
    assert run(tmp_path / "all.txt", tmp_path / "units", "--n_units", "100") == 0
    units = UnitsDir(tmp_path / "units")
    assert not units.has_durations and units.info.n_units == 100 and units.read("a").units.tolist() == [1, 2, 1]
    assert run(tmp_path / "all.txt", tmp_path / "frames", "--entries", "frames") == 0
    assert UnitsDir(tmp_path / "frames").has_durations


def test_tables_of_the_data_are_taken(tmp_path):
    (tmp_path / "all.txt").write_text("a-1 1 2\nb-1 3\n")
    utt2spk = {"a-1": "a", "b-1": "b", "c-1": "c"}
    write_data_dir(tmp_path / "data", {"utt2spk": utt2spk, "spk2gender": {"a": "f", "b": "m", "c": "f"}})
    assert run(tmp_path / "all.txt", tmp_path / "units", "--data", str(tmp_path / "data")) == 0
    assert UnitsDir(tmp_path / "units").utt2spk == {"a-1": "a", "b-1": "b"}
    assert (tmp_path / "units/spk2gender").read_text() == "a f\nb m\n"


class Trap:
    """An object that would run a program when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch trapped",)


def test_code_in_a_file_does_not_run(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Trap()}, tmp_path / "all.pt")
    assert run(tmp_path / "all.pt", tmp_path / "units") == 1
    assert "no code in it is ever run" in capsys.readouterr().err
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("a 1 2\nb 1 x\n", (), "all.txt:2: expected an id and numbers"),
        ("a 1 2\na 1\n", (), "a comes twice"),
        ("a -1\n", (), "all.txt:1: the unit -1"),
        ("a\n", (), "all.txt:1: shape (0,)"),
        ("", (), "empty"),
        ("a 1 99999999999999999999\n", (), "all.txt:1"),
        ("a 1 1000000\n", (), "all.txt:1: the unit 1000000, expected at most 999999"),
        ("a b|1 2\n", (), "all.txt:1: 'a b' is not a usable key"),
        ("a 5 7\n", ("--n_units", "7"), "the unit 7, expected 0 to 6"),
        ("a 5 5\n", ("--entries", "sequences"), "equal neighbours"),
        ('{"audio": "a.wav"}\n', (), "one text of units"),
    ],
)
def test_lines_that_are_no_units_are_named(tmp_path, capsys, text, words, message):
    (tmp_path / "all.txt").write_text(text)
    assert run(tmp_path / "all.txt", tmp_path / "units", *words) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "units").exists()


def test_files_that_are_no_units_are_named(tmp_path, capsys):
    (tmp_path / "source").mkdir()
    wrong = {
        "shape (2, 3)": np.zeros((2, 3), int),
        "integers": np.array([0.5]),
        "the unit inf": np.array([1, np.inf]),
        "the unit 9223372036854775808": np.array([2**63], np.uint64),
    }
    for message, content in wrong.items():
        np.save(tmp_path / "source" / "a.npy", content)
        assert run(tmp_path / "source", tmp_path / "units") == 1
        assert message in capsys.readouterr().err
    (tmp_path / "source" / "a.npy").unlink()
    assert run(tmp_path / "source", tmp_path / "units") == 1
    assert "no files .npy or .pt" in capsys.readouterr().err


def test_tensors_of_other_kinds(tmp_path, capsys):
    """Whole numbers are units in any type; what holds no plain numbers is named."""
    whole = torch.tensor([1.0, 2.0, 2.0])
    torch.save({"a": whole.bfloat16(), "b": whole.half(), "c": whole.requires_grad_()}, tmp_path / "all.pt")
    assert run(tmp_path / "all.pt", tmp_path / "units") == 0
    units = UnitsDir(tmp_path / "units")
    assert [units.frames(key).tolist() for key in "abc"] == 3 * [[1, 2, 2]]
    for kind, tensor in (("sparse", torch.tensor([1, 0]).to_sparse()), ("meta", torch.empty(2, device="meta"))):
        torch.save({"a": tensor}, tmp_path / "all.pt")
        assert run(tmp_path / "all.pt", tmp_path / "other") == 1
        (line,) = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
        assert f"{tmp_path / 'all.pt'}: 'a': a tensor that is" in line and kind in line


def test_blanks_between_the_words_of_a_line(tmp_path):
    (tmp_path / "all.txt").write_text("a\t1 2\n  b   3\t4 \n")
    assert run(tmp_path / "all.txt", tmp_path / "units") == 0
    units = UnitsDir(tmp_path / "units")
    assert [units.read(key).units.tolist() for key in "ab"] == [[1, 2], [3, 4]]
