"""Splits of real speech: who is in two corpora is in no set where systems are tested on the other."""

from pathlib import Path

from local import librispeech
from steps.data import split_utterances
from utils.data_dir import DataDir

SHARED = {"19", "26", "27"}  # of librispeech-251 and librispeech-sessions-14


def split(data: Path, out: Path, *words: str) -> set[str]:
    """Split into pieces of 3 s. Returns the speakers of all sets."""
    words = ("--by", "segment", "--pieces", "train,train,train,test", "--unsplittable", "leave_out", *words)
    assert split_utterances.main(["--data", str(data), "--out", str(out), *words]) == 0
    return {speaker for name in ("train", "test", "open") for speaker in DataDir(out / name).spk2utt}


def test_speakers_of_two_corpora_are_left_out(librispeech_251, tmp_path):
    words = ["--data_dir", str(librispeech_251 / "LibriSpeech"), "--segment_seconds", "0", "--with_chapters", "true"]
    assert librispeech.main([*words, "--out", str(tmp_path / "all")]) == 0
    everybody = split(tmp_path / "all", tmp_path / "a", "--open_share", ".2")
    assert len(everybody) == 180
    (tmp_path / "shared").write_text("\n".join(SHARED))
    rest = split(tmp_path / "all", tmp_path / "b", "--open_share", ".2", "--leave_out", str(tmp_path / "shared"))
    assert everybody & SHARED and rest == everybody - SHARED
