"""Kaldi data directories: a good one passes, each fault is found and named, the exit status can be trusted."""

import subprocess
from pathlib import Path

import pytest

from utils import fix_data_dir
from utils.data_dir import DataDir, main, require_valid, restrict, validate, write_data_dir
from utils.errors import InputError

ROOT = Path(__file__).parents[2]
UTT2SPK = {"s1-a": "s1", "s1-b": "s1", "s10-a": "s10"}
GENDER = {"s1": "f", "s10": "m"}
FLAGS = ["--no-text", "--no-feats", "--no-wav"]


@pytest.fixture
def data(tmp_path) -> Path:
    path = tmp_path / "a data dir"
    write_data_dir(path, {"utt2spk": UTT2SPK, "spk2gender": GENDER, "utt2pitch": {"s1-a": "low"}})
    return path


def problems(path: Path) -> list[str]:
    return validate(path, text=False, feats=False, wav=False)


def test_written_directory_is_valid_and_read_back(data):
    assert problems(data) == []
    assert (data / "spk2utt").read_text() == "s1 s1-a s1-b\ns10 s10-a\n"
    read = DataDir(data)
    assert read.utt2spk == UTT2SPK
    assert read.spk2utt == {"s1": ["s1-a", "s1-b"], "s10": ["s10-a"]}
    assert read.has("utt2pitch") and not read.has("text")


def test_required_files(data):
    assert {Path(line.split(":")[0]).name for line in validate(data)} == {"text", "feats.scp", "wav.scp"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("utt2spk", "s1-b s1\ns1-a s1\ns10-a s10\n", "utt2spk:2: not sorted"),
        ("utt2spk", "s1-a s1\ns1-b s1\ns10-a s10", "no newline"),
        ("utt2spk", "s1-a s1 x\ns1-b s1\ns10-a s10\n", "s1-a: expected one speaker"),
        ("utt2spk", "s1-a s1\ns1-a s1\ns10-a s10\n", "utt2spk:2: duplicate key"),
        ("utt2spk", "s1-a\ns1-b s1\n", "utt2spk:1: expected 'key value'"),
        ("utt2spk", "", "utt2spk: empty"),
        ("utt2spk", "s1-a s9\ns1-b s1\ns10-a s10\n", "s1-b: not sorted by speaker"),
        ("spk2utt", "s1 s1-a\ns10 s10-a\n", "spk2utt: s1: disagrees"),
        ("spk2gender", "s1 female\ns10 m\n", "s1: expected m or f"),
        ("spk2gender", "s1 f\n", "spk2gender: 1 keys, expected 2"),
        ("xvector.scp", "s1-a x.ark:2\n", "xvector.scp: 1 keys, expected 3"),
        ("utt2pitch", "s2-a low\n", "1 utterances that utt2spk lacks: s2-a"),
        ("utt2dur", "s1-a 1\ns1-b nan\ns10-a 2\n", "s1-b: expected seconds"),
        ("utt2num_frames", "s1-a 1\ns1-b 1.5\ns10-a 2\n", "s1-b: expected frames"),
        ("utt2num_frames", "s1-a 1\ns1-b \u00b2\ns10-a 2\n", "s1-b: expected frames"),
        ("utt2num_frames", f"s1-a 1\ns1-b 0\ns10-a {'9' * 5000}\n", "s1-b: expected frames"),
        ("wav.scp", "s1-a ~/a.wav\ns1-b b\ns10-a c\n", "s1-a: Kaldi does not expand"),
        ("segments", "s1-a r 0 1\ns1-b r 2 1\ns10-a r 0 1\n", "s1-b: expected 'recording begin end'"),
        ("text", "s1-a a\ns1-b b\x07\ns10-a c\n", "text: s1-b: has a control character"),
        ("text", "s1-a a\ns1-b b\n", "text: 2 keys, expected 3"),
    ],
)
def test_each_fault_is_named(data, name, content, message):
    (data / name).write_text(content)
    found = problems(data)
    assert any(message in line for line in found), found
    assert all(str(data) in line for line in found)


def test_segments_key_the_recordings(data):
    (data / "segments").write_text("s1-a r1 0 1\ns1-b r1 1 2\ns10-a r2 0 1\n")
    (data / "wav.scp").write_text("r1 a.wav\nr2 b.wav\n")
    assert problems(data) == []
    (data / "wav.scp").write_text("r1 a.wav\n")
    assert any("wav.scp: 1 keys, expected 2" in line for line in problems(data))


def test_speaker_order_of_underscores(tmp_path):
    with pytest.raises(InputError, match="not sorted by speaker"):
        write_data_dir(tmp_path / "d", {"utt2spk": {"s1_u1": "s1", "s10_u1": "s10"}})


def test_require_valid_counts_what_it_does_not_show(data):
    (data / "utt2dur").write_text("s1-a 0\ns1-b 0\ns10-a 0\n")
    (data / "spk2gender").write_text("s1 x\ns10 y\n")
    with pytest.raises(InputError, match=r"and 2 more"):
        require_valid(data)


def test_no_data_directory(tmp_path):
    with pytest.raises(InputError, match="no utt2spk"):
        DataDir(tmp_path)
    assert problems(tmp_path) == [f"{tmp_path / 'utt2spk'}: missing", f"{tmp_path / 'spk2utt'}: missing"]


def test_command_status(data, capsys):
    assert main([*FLAGS, str(data)]) == 0
    assert main([str(data)]) == 1
    assert "wav.scp: missing" in capsys.readouterr().err
    (data / "utt2spk").write_text("s1-a\n")  # Kaldi's own script prints and exits 0 here
    assert main([*FLAGS, str(data)]) == 1
    assert main([]) == main(["--no-such-flag", str(data)]) == main([str(data), str(data)]) == 1


def test_one_speaker_is_a_warning(tmp_path, capsys):
    write_data_dir(tmp_path / "d", {"utt2spk": {"s-a": "s"}})
    assert main([*FLAGS, str(tmp_path / "d")]) == 0
    assert "one speaker" in capsys.readouterr().err


def test_waived_text_is_still_checked_by_the_script_from_anywhere(data):
    script = ROOT / "utils/validate_data_dir.sh"
    done = subprocess.run([script, *FLAGS, data.name], cwd=data.parent, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    (data / "text").write_text("s1-b b\ns1-a a\ns10-a c\n")
    done = subprocess.run([script, *FLAGS, data.name], cwd=data.parent, capture_output=True, text=True)
    assert done.returncode == 1 and "text:2: not sorted" in done.stderr


@pytest.mark.field_case("A surplus word or an unknown flag of the two scripts that are called as Kaldi's")
@pytest.mark.parametrize("word", ["woman", "--no-such-flag", "-x"])
def test_a_surplus_word_is_named(capsys, word):
    for command in (main, fix_data_dir.main):
        assert command(["somewhere", word]) == 1
        said = capsys.readouterr().err
        assert f"ERROR: '{word}': expected" in said and said.count("\n") == 1
        assert command(["--help"]) == 0 and "ERROR" not in capsys.readouterr().err


def test_a_speaker_that_is_named_as_an_utterance_belongs_to_it_no_more():
    tables = {"utt2spk": {"a": "x", "b": "x"}, "spk2gender": {"a": "f", "b": "f"}, "wav.scp": {"b": "2", "a": "1"}}
    kept = restrict(tables, ["a", "b"])
    assert kept == tables | {"spk2gender": {}} and list(kept["wav.scp"]) == ["b", "a"]
    kept["utt2spk"]["a"] = "y"
    assert tables["utt2spk"]["a"] == "x"
