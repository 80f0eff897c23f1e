"""Repairing a data directory: afterwards it validates, what went is counted, and the originals are kept."""

import subprocess
from pathlib import Path

import pytest

from utils.data_dir import validate
from utils.errors import InputError
from utils.fix_data_dir import fix, main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data(tmp_path) -> Path:
    """Unsorted, with duplicates, orphans, a line without value and a speaker without gender."""
    for name, content in {
        "utt2spk": "s2-a s2\ns1-b s1\ns1-a s1\ns1-a s1\ns1-c s1\ns3-a s3\nbroken\n",
        "spk2utt": "s1 s1-a\n",
        "spk2gender": "s2 m\ns1 f\ns4 m\n",
        "xvector.scp": "s1-a x:2\ns1-b x:9\ns2-a x:3\ns3-a x:4\ns9-a x:5\n",
        "utt2pitch": "s2-a low\ns1-c high\n",
        "notes": "s1-c keep or not\n",
    }.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def test_result_validates_and_backup_holds_the_originals(data):
    before = (data / "utt2spk").read_text()
    assert fix(data) == (3, 5)
    assert validate(data, text=False, feats=False, wav=False) == []
    assert (data / "utt2spk").read_text() == "s1-a s1\ns1-b s1\ns2-a s2\n"
    assert (data / "spk2utt").read_text() == "s1 s1-a s1-b\ns2 s2-a\n"
    assert (data / "spk2gender").read_text() == "s1 f\ns2 m\n"
    assert (data / "utt2pitch").read_text() == "s2-a low\n"
    assert (data / "notes").read_text() == "s1-c keep or not\n"
    assert (data / ".backup" / "utt2spk").read_text() == before
    assert fix(data) == (3, 3)


def test_extra_files_are_filtered(data):
    fix(data, utt_extra=("notes",))
    assert (data / "notes").read_text() == ""


def test_recordings_without_utterances_go(data):
    (data / "segments").write_text("s1-a r1 0 1\ns1-b r2 0 1\ns2-a r1 1 2\n")
    (data / "wav.scp").write_text("r3 c.wav\nr1 a.wav\n")
    assert fix(data) == (2, 5)
    assert (data / "wav.scp").read_text() == "r1 a.wav\n"
    assert validate(data, text=False, feats=False) == []


@pytest.mark.parametrize(
    ("utt2spk", "message"),
    [("s9-z s9\n", "no utterance is known to all"), ("s1-a s2\ns2-a s1\n", "sort differently")],
)
def test_hopeless_directories_are_left_alone(data, utt2spk, message):
    (data / "utt2spk").write_text(utt2spk)
    with pytest.raises(InputError, match=message):
        fix(data)
    assert (data / "utt2spk").read_text() == utt2spk
    assert not (data / ".backup").exists()


def test_command(data, tmp_path, capsys):
    assert main([]) == main(["--utt-extra-files"]) == main([str(data), "other"]) == 1
    assert main([str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err
    script = ROOT / "utils/fix_data_dir.sh"
    words = [script, "--utt-extra-files", "notes", data.name]
    done = subprocess.run(words, cwd=data.parent, capture_output=True, text=True)
    assert done.returncode == 0 and "kept 3 utterances out of 5" in done.stdout
