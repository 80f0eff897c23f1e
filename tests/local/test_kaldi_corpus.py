"""A Kaldi data directory, and a tree of speakers with sessions, as the corpus `folder`."""

import shutil
from pathlib import Path

import pytest

from local import folder
from local.audio_corpus import read_counts
from tests.local.audio_files import write_noise
from utils.data_dir import DataDir, validate, write_data_dir
from utils.tables import read_table, write_table

NAMES = [f"{speaker}-{take}" for speaker in ("ann", "bob") for take in range(3)]


@pytest.fixture
def kaldi(tmp_path: Path, monkeypatch) -> Path:
    """A directory whose wav.scp has paths relative to the working directory, as Kaldi's have."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        write_noise(tmp_path / f"audio/{name}.wav", 1.0)
    tables = {
        "utt2spk": {name: name[:3] for name in NAMES},
        "wav.scp": {name: f"audio/{name}.wav" for name in NAMES},
        "spk2gender": {"ann": "f", "bob": "m"},
        "text": dict.fromkeys(NAMES, "A B"),
        "utt2chapter": {name: name[-1] for name in NAMES},
        "utt2dur": dict.fromkeys(NAMES, "9.99"),
    }
    write_data_dir(tmp_path / "mine", tables)
    (tmp_path / "mine/spk2utt").unlink()  # follows from utt2spk
    (tmp_path / "mine/feats.scp").write_text("".join(f"{name} feats.ark:{9}\n" for name in NAMES))
    return tmp_path / "mine"


def take(data: Path, *words: str) -> DataDir:
    assert folder.main(["--data_dir", str(data), "--out", str(data.parent / "all"), *words]) == 0
    assert validate(data.parent / "all", text=False, feats=False) == []
    return DataDir(data.parent / "all")


def fails(capsys, data: Path, *words: str) -> str:
    assert folder.main(["--data_dir", str(data), "--out", str(data.parent / "all"), *words]) == 1
    assert not (data.parent / "all").exists()
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_tables_are_kept_and_durations_read(kaldi):
    data = take(kaldi)
    assert set(data.table("utt2dur").values()) == {"1.00"} and not data.has("feats.scp")
    assert data.table("wav.scp")["ann-0"] == str(kaldi.parent / "audio/ann-0.wav")
    kept = ("spk2gender", "text", "utt2chapter", "utt2spk")
    assert {name: data.table(name) for name in kept} == {name: read_table(kaldi / name) for name in kept}
    before = data.path.stat().st_ino
    assert take(kaldi).path.stat().st_ino == before


def test_segments_are_kept(kaldi):
    write_table(kaldi / "segments", {"ann-a": "ann-0 0.25 0.75", "bob-a": "bob-1 0.5 -1"})
    for name in ("text", "utt2chapter", "feats.scp", "utt2dur"):
        (kaldi / name).unlink()
    write_table(kaldi / "utt2spk", {"ann-a": "ann", "bob-a": "bob"})
    data = take(kaldi)
    assert data.table("utt2dur") == {"ann-a": "0.50", "bob-a": "0.50"} and len(data.table("wav.scp")) == 2


def test_utterances_that_cannot_be_read_are_counted(kaldi, capsys):
    (kaldi.parent / "audio/bob-1.wav").write_bytes(b"no audio")
    error = fails(capsys, kaldi)
    assert "1 of 6 utterances cannot be read, more than --max_fail 0.01: bob-1: " in error
    data = take(kaldi, "--max_fail", ".2")
    assert "bob-1" not in data.utt2spk and read_counts(data.path) == {"utterances left out: corrupt": 1}
    assert "audio/bob-1.wav\t" in (data.path / "left_out.tsv").read_text()


def test_a_sex_that_is_not_known_of_all_is_left_out(kaldi, caplog):
    caplog.set_level("INFO")
    write_table(kaldi / "spk2gender", {"ann": "f"})
    assert not take(kaldi).has("spk2gender")
    assert "no spk2gender: the gender of 1 of 2 speakers is not known" in caplog.text


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("wav.scp", "ann-0 sox x.wav -t wav - |\n", "wav.scp: ann-0: 'sox x.wav -t wav - |' is a command"),
        ("wav.scp", "ann-0 audio/ann-0.wav\n", "utt2spk and wav.scp have different utterances"),
        ("utt2spk", "ann-0 ann\nann-0 bob\n", "utt2spk:2: duplicate key 'ann-0'"),
    ],
)
def test_what_is_wrong_is_named(kaldi, capsys, name, text, message):
    (kaldi / name).write_text(text)
    assert message in fails(capsys, kaldi)


def test_options_of_a_tree_are_refused(kaldi, capsys):
    assert "--segment_seconds: is for a tree of audio" in fails(capsys, kaldi, "--segment_seconds", "3")


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    """A tree `<speaker>/<session>/<file>` of three speakers."""
    for speaker in ("ann", "bob", "eve"):
        for session in ("s1", "s2"):
            write_noise(tmp_path / "tree" / speaker / session / "x.wav", 0.5)
    return tmp_path / "tree"


def test_sessions_of_speakers(sessions):
    data = take(sessions, "--speaker_folder", "1", "--with_chapters", "true")
    assert list(data.spk2utt) == ["ann", "bob", "eve"]
    assert data.table("utt2chapter")["ann-s1-x"] == "s1" and len(data.table("utt2chapter")) == 6


def test_sessions_that_would_be_speakers_are_pointed_at(sessions, caplog):
    assert len(take(sessions).spk2utt) == 6
    assert "3 folders such as ann have folders of the same names, such as s1: if the first are the" in caplog.text
    shutil.rmtree(sessions.parent / "all")
    for speaker in ("ann", "bob", "eve"):
        (sessions / speaker / "s2").rename(sessions / speaker / f"s2-{speaker}")
        (sessions / speaker / "s1").rename(sessions / speaker / f"s1-{speaker}")
    caplog.clear()
    assert len(take(sessions).spk2utt) == 6 and "--speaker_folder" not in caplog.text
