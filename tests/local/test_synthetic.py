"""Speakers made of formant filters: a valid corpus, the same each time, with voices that differ as they were drawn."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from local import synthetic
from local.formant_voice import SAMPLE_RATE, draw_channel, draw_voice, speak
from steps.attributes.f0 import median_f0
from utils.data_dir import DataDir, validate

SMALL = ["--n_speakers", "4", "--n_sessions", "2", "--n_utterances", "2", "--min_seconds", ".5", "--max_seconds", "1"]


def make(out: Path, *words: str) -> Path:
    assert synthetic.main(["--out", str(out), *SMALL, *words]) == 0
    return out


def sounds(corpus: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(corpus.glob("wav/*/*/*.wav"))}


def test_the_corpus_is_valid_and_has_sessions_of_both_sexes(tmp_path):
    data = DataDir(make(tmp_path / "all"))
    assert validate(data.path, text=False, feats=False) == []
    assert list(data.table("spk2gender").values()) == ["f", "m", "f", "m"]
    assert len(data.utt2spk) == 16 and len(set(data.table("utt2chapter").values())) == 8
    for name, path in data.table("wav.scp").items():
        rate, samples = wavfile.read(path)
        assert rate == SAMPLE_RATE and samples.dtype == np.int16 and 0 < np.abs(samples).max() < 32767
        assert len(samples) / rate == pytest.approx(float(data.table("utt2dur")[name]), abs=0.001)


def test_same_seed_same_bytes_and_more_speakers_change_no_others(tmp_path):
    first = sounds(make(tmp_path / "a"))
    assert sounds(make(tmp_path / "b")) == first
    assert sounds(make(tmp_path / "c", "--n_speakers", "5", "--n_sessions", "3")).items() >= first.items()
    assert sounds(make(tmp_path / "d", "--seed", "2")).values() != first.values()


def test_a_second_call_does_nothing(tmp_path):
    before = make(tmp_path / "all").stat().st_ino
    assert make(tmp_path / "all").stat().st_ino == before


def test_a_voice_has_its_pitch():
    """The median F0 of an utterance is that of the voice, within the span of its melody."""
    for number, gender in enumerate("fmfm"):
        voice = draw_voice(np.random.default_rng(number), gender)
        rng = np.random.default_rng(9)
        samples = speak(rng, voice, draw_channel(rng), 4.0).astype(np.float32) / 32768
        assert abs(np.log2(median_f0(samples, SAMPLE_RATE) / voice.f0)) < 0.4


def test_bounds_that_exclude_each_other_are_an_error(tmp_path, capsys):
    assert synthetic.main(["--out", str(tmp_path / "x"), "--min_seconds", "3", "--max_seconds", "2"]) == 1
    assert "--max_seconds 2.0: less than --min_seconds 3.0" in capsys.readouterr().err
