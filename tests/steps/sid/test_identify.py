"""The command that names the speaker of a recording: files, directories, formats, and what cannot be used."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from steps.sid.identify import main
from tests.steps.sid.speaker_models import SPEAKERS, untrained_model


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model without training."""
    return untrained_model(tmp_path_factory.mktemp("model"))


def recording(path: Path, seconds: float = 1.0, rate: int = 16000, channels: int = 1, level: float = 0.1) -> Path:
    """A file of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = level * np.random.default_rng(1).normal(size=(round(seconds * rate), channels))
    soundfile.write(path, samples, rate)
    return path


def identify(model: Path, audio: str, *words: str) -> int:
    """Run the command."""
    return main(["--model", str(model), "--audio", audio, "--use_gpu", "false", *words])


def test_answers_in_all_formats_agree(model, tmp_path, capsys):
    path = recording(tmp_path / "one.wav")
    printed = {}
    for name in ("text", "tsv", "json"):
        assert identify(model, str(path), "--format", name, "--top", "2") == 0
        printed[name] = capsys.readouterr().out.splitlines()
    answer = json.loads(printed["json"][0])
    speakers, shares = zip(*((one["speaker"], one["probability"]) for one in answer["speakers"]), strict=True)
    assert set(speakers) < set(SPEAKERS) and 1 > shares[0] >= shares[1] > 0 and answer["seconds"] == 1
    assert printed["tsv"][1:] == [
        f"{path}\t1.000\t{rank}\t{speakers[rank - 1]}\t{shares[rank - 1]:.6f}" for rank in (1, 2)
    ]
    assert printed["text"][1].split() == ["1", f"{100 * shares[0]:.1f}", "%", speakers[0]]
    assert printed["text"][-1].startswith("The answer is always one of the 3 speakers of the training")


def test_more_speakers_than_there_are_is_all_of_them(model, tmp_path, capsys):
    assert identify(model, str(recording(tmp_path / "one.wav")), "--format", "json", "--top", "9") == 0
    speakers = json.loads(capsys.readouterr().out)["speakers"]
    assert sorted(one["speaker"] for one in speakers) == SPEAKERS
    assert sum(one["probability"] for one in speakers) == pytest.approx(1, abs=1e-5)


def test_any_rate_and_channels_and_directories(model, tmp_path, capsys):
    recording(tmp_path / "folder/a.flac", rate=44100, channels=2)
    recording(tmp_path / "folder/b.wav", rate=8000)
    recording(tmp_path / "with,comma.wav")
    named = f"{tmp_path}/folder,{tmp_path}/with\\,comma.wav"
    assert identify(model, named, "--format", "json") == 0
    files = [json.loads(line)["file"] for line in capsys.readouterr().out.splitlines()]
    assert [Path(file).name for file in files] == ["a.flac", "b.wav", "with,comma.wav"]


@pytest.mark.hostile("Recordings that name nobody: silent, too short, missing, no audio, beside good ones")
def test_what_cannot_be_used_is_named_beside_the_others(model, tmp_path, capsys):
    good = recording(tmp_path / "good.wav")
    silent, short = recording(tmp_path / "silent.wav", level=0), recording(tmp_path / "short.wav", seconds=0.1)
    (tmp_path / "text.wav").write_text("no audio")
    files = [silent, good, short, tmp_path / "text.wav", tmp_path / "none.wav"]
    assert identify(model, ",".join(map(str, files)), "--format", "tsv") == 1
    printed = capsys.readouterr()
    assert {line.split("\t")[0] for line in printed.out.splitlines()} == {"file", str(good)}
    message = printed.err.splitlines()[-1]
    assert "4 of 5 files cannot be used" in message and len(printed.err.splitlines()) == 1
    for path, reason in ((silent, "silent"), (short, "too_short"), (tmp_path / "none.wav", "missing")):
        assert f"{reason}: {path}" in message


def test_windows_shorter_than_a_frame_name_the_file(model, tmp_path, capsys):
    path = recording(tmp_path / "click.wav", seconds=0.01)
    assert identify(model, str(path), "--min_seconds", "0") == 1
    assert f"too_short: {path}: 0.010 s have no frame" in capsys.readouterr().err


def test_no_files_and_no_model_are_named(model, tmp_path, capsys):
    assert identify(model, str(tmp_path)) == identify(model, "") == identify(tmp_path, str(tmp_path / "a.wav")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    for line, words in zip(lines, ("no files of audio", "expected a file", "no model.json"), strict=True):
        assert words in line
