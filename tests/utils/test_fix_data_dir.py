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
    repair = fix(data)
    assert (repair.kept, repair.before, repair.backup) == (3, 5, data / ".backup")
    assert {name: number for name, number in repair.bad_lines.items() if number} == {"utt2spk": 2}
    assert validate(data, text=False, feats=False, wav=False) == []
    assert (data / "utt2spk").read_text() == "s1-a s1\ns1-b s1\ns2-a s2\n"
    assert (data / "spk2utt").read_text() == "s1 s1-a s1-b\ns2 s2-a\n"
    assert (data / "spk2gender").read_text() == "s1 f\ns2 m\n"
    assert (data / "utt2pitch").read_text() == "s2-a low\n"
    assert (data / "notes").read_text() == "s1-c keep or not\n"
    assert (data / ".backup" / "utt2spk").read_text() == before
    again = fix(data)
    assert (again.kept, again.before, again.backup) == (3, 3, None)
    assert sorted(file.name for file in data.iterdir() if file.name.startswith(".")) == [".backup"]


@pytest.mark.field_case("fix_data_dir.sh run twice keeps the originals of both runs")
def test_no_backup_is_ever_replaced(data):
    originals = [(data / "utt2spk").read_text()]
    fix(data)
    for name in (".backup.2", ".backup.3"):
        with (data / "utt2spk").open("a") as table:
            table.write("s0-z s0\n")
        originals.append((data / "utt2spk").read_text())
        assert fix(data).backup == data / name
    backups = [data / name / "utt2spk" for name in (".backup", ".backup.2", ".backup.3")]
    assert [backup.read_text() for backup in backups] == originals
    assert [file.name for file in (data / ".backup.3").iterdir()] == ["utt2spk"]


def test_links_of_others_at_our_names_are_not_followed(data, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "utt2spk").write_text("precious\n")
    (data / ".backup").symlink_to(other)
    (data / ".utt2spk.tmp").symlink_to(other / "utt2spk")
    assert fix(data).backup == data / ".backup.2"
    assert (other / "utt2spk").read_text() == "precious\n"


@pytest.mark.field_case("A byte order mark in wav.scp, utt2spk or text: validated, repaired, no utterance dropped")
@pytest.mark.parametrize("name", ["utt2spk", "wav.scp", "text", "xvector.scp", "spk2gender"])
def test_a_byte_order_mark_drops_no_utterance(tmp_path, name):
    tables = {"utt2spk": "s1", "wav.scp": "a.wav", "text": "words", "xvector.scp": "x:2"}
    for file, value in tables.items():
        (tmp_path / file).write_text(f"s1-a {value}\ns1-b {value}\n")
    (tmp_path / "spk2gender").write_text("s1 f\n")
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + (tmp_path / name).read_bytes())
    marked = [problem for problem in validate(tmp_path, feats=False) if "byte order mark" in problem]
    assert len(marked) == 1 and marked[0].startswith(f"{tmp_path / name}:1: ")
    repair = fix(tmp_path)
    assert (repair.kept, repair.before) == (2, 2)
    assert validate(tmp_path, feats=False) == []
    assert (tmp_path / ".backup" / name).read_bytes().startswith(b"\xef\xbb\xbf")


def test_extra_files_are_filtered(data):
    fix(data, utt_extra=("notes",))
    assert (data / "notes").read_text() == ""


def test_recordings_without_utterances_go(data):
    (data / "segments").write_text("s1-a r1 0 1\ns1-b r2 0 1\ns2-a r1 1 2\n")
    (data / "wav.scp").write_text("r3 c.wav\nr1 a.wav\n")
    assert fix(data).kept == 2
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


@pytest.mark.field_case("A transcript without words in a data directory that is repaired")
def test_an_utterance_without_words_stays(tmp_path):
    (tmp_path / "utt2spk").write_text("s1-b s1\ns1-a s1\n")
    (tmp_path / "text").write_text("s1-a\ns1-b words\n")
    assert fix(tmp_path).kept == 2
    assert (tmp_path / "text").read_text() == "s1-a\ns1-b words\n"
