"""Data directories of perturbed audio."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from steps.audio import perturb
from steps.audio.perturbation import PerturbationOptions, stream_of
from tests.steps.audio.sounds import babble, write_bad_sounds, write_sound
from utils.data_dir import validate, write_data_dir
from utils.tables import read_table


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A recording of two utterances, and of two channels, at 8 kHz."""
    stereo = np.stack([babble(1, 4.0, 8000), babble(2, 4.0, 8000)], axis=1)
    tables = {
        "utt2spk": {"s1-a": "s1", "s1-b/c": "s1"},
        "wav.scp": {"r": str(write_sound(tmp_path / "r.wav", stereo, 8000))},
        "segments": {"s1-a": "r 0 1.5 0", "s1-b/c": "r 1.0 3.25 1"},
        "text": {"s1-a": "yes", "s1-b/c": ""},
        "spk2gender": {"s1": "f"},
    }
    write_data_dir(tmp_path / "data", tables)
    return tmp_path / "data"


def run(data: Path, out: Path, *words: str) -> int:
    """Run the command."""
    return perturb.main(["--data", str(data), "--out", str(out), *words])


def sounds(directory: Path) -> dict[str, np.ndarray]:
    """The samples of all utterances."""
    return {key: soundfile.read(path, dtype="float32")[0] for key, path in read_table(directory / "wav.scp").items()}


def test_each_utterance_is_a_file_at_its_own_rate(data, tmp_path):
    assert run(data, tmp_path / "out", "--seed", "3") == 0
    assert validate(tmp_path / "out", feats=False) == []
    assert not (tmp_path / "out" / "segments").exists()
    assert read_table(tmp_path / "out" / "utt2dur") == {"s1-a": "1.500", "s1-b/c": "2.250"}
    info = soundfile.info(read_table(tmp_path / "out" / "wav.scp")["s1-b/c"])
    assert (info.samplerate, info.frames, info.subtype, info.format) == (8000, 18000, "PCM_16", "FLAC")
    original, _ = soundfile.read(tmp_path / "r.wav", dtype="float32")
    expected = perturb.perturb(original[:12000, 0], 8000, stream_of(3, "s1-a"), PerturbationOptions())
    np.testing.assert_allclose(sounds(tmp_path / "out")["s1-a"], expected, atol=1e-4)


def test_sounds_follow_from_the_seed_alone(data, tmp_path):
    assert run(data, tmp_path / "one") == run(data, tmp_path / "two", "--nj", "3", "--container", "wav") == 0
    assert run(data, tmp_path / "other", "--seed", "1") == 0
    one, two, other = (sounds(tmp_path / name) for name in ("one", "two", "other"))
    for key in one:
        np.testing.assert_array_equal(one[key], two[key])
        assert np.abs(one[key] - other[key]).max() > 0.01


def test_a_killed_run_goes_on(data, tmp_path, monkeypatch):
    assert run(data, tmp_path / "whole") == 0
    write = perturb.Writer.write

    def killed(self, utterance, file):
        if utterance.id != "s1-a":
            raise KeyboardInterrupt
        return write(self, utterance, file)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(perturb.Writer, "write", killed)
        run(data, tmp_path / "out")
    left = list((tmp_path / ".out.tmp").glob("audio/*/*.flac"))
    assert [path.name for path in left] == ["s1-a.flac"] and not (tmp_path / "out").exists()
    before = left[0].stat().st_mtime_ns
    assert run(data, tmp_path / "out") == 0
    assert (tmp_path / "out" / "audio" / "0000" / "s1-a.flac").stat().st_mtime_ns == before
    for path in (tmp_path / "whole" / "audio").rglob("*.flac"):
        assert path.read_bytes() == (tmp_path / "out" / path.relative_to(tmp_path / "whole")).read_bytes()
    assert run(data, tmp_path / "out") == 0
    assert (tmp_path / "out" / "audio" / "0000" / "s1-a.flac").stat().st_mtime_ns == before


def test_audio_that_cannot_be_read_is_listed(tmp_path, capsys):
    wav = {f"s1-{reason}": str(path) for reason, path in write_bad_sounds(tmp_path / "bad").items()}
    wav["s1-whole"] = str(write_sound(tmp_path / "whole.wav", babble(0)))
    write_data_dir(tmp_path / "data", {"utt2spk": dict.fromkeys(wav, "s1"), "wav.scp": wav})
    assert run(tmp_path / "data", tmp_path / "out") == 1
    assert "more than --max_fail" in capsys.readouterr().err
    assert run(tmp_path / "data", tmp_path / "out", "--max_fail", "0.9") == 0
    lines = (tmp_path / "out" / "failures.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[1] for line in lines] == ["corrupt", "empty", "missing", "silent"]
    assert list(read_table(tmp_path / "out" / "utt2spk")) == ["s1-too_short", "s1-whole"]


@pytest.mark.parametrize("word, answer", [("snr_least=30", "snr_least 30: beyond snr_most 25"), ("snr=3", "unknown")])
def test_bad_ranges_are_named(data, tmp_path, capsys, word, answer):
    assert run(data, tmp_path / "out", "--set", word) == 1
    assert answer in capsys.readouterr().err
