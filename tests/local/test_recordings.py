"""The scan of a folder, a manifest or a data directory: ids, speakers, what is told, and what is refused."""

import json
from pathlib import Path

import pytest

from local import recordings
from tests.steps.audio.sounds import babble, write_sound
from utils.data_dir import validate, write_data_dir
from utils.manifest import read_manifest
from utils.tables import read_table


def tree(folder: Path, *names: str) -> Path:
    """A folder with a short recording of its own for each name."""
    for number, name in enumerate(names):
        write_sound(folder / name, babble(number, 0.2))
    return folder


def scan(out: Path, *words: object) -> int:
    return recordings.main([*map(str, words), "--out", str(out)])


def test_ids_are_paths_and_speakers_are_folders(tmp_path):
    names = ("anna/1.wav", "anna/deep/1.flac", "bert/1.wav", "alone.wav", "with blank/a b.ogg")
    audio = tree(tmp_path / "audio", *names)
    (audio / "notes.txt").write_text("no audio")
    assert scan(tmp_path / "all", "--data_dir", audio) == 0
    expected = {
        "anna/1": "anna",
        "anna/deep/1": "anna",
        "bert/1": "bert",
        "alone": "alone",
        "with_blank/a_b": "with_blank",
    }
    assert read_table(tmp_path / "all" / "utt2spk") == dict(sorted(expected.items()))
    assert validate(tmp_path / "all", text=False, feats=False) == []
    assert "notes.txt\t.txt" in (tmp_path / "all" / "left_out.tsv").read_text()
    rows = [json.loads(line) for line in (tmp_path / "all" / "manifest.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == sorted(expected) and rows[1]["audio_filepath"] == str(
        audio / "anna" / "1.wav"
    )
    assert all(row["duration"] == 0.2 for row in rows)
    assert scan(tmp_path / "each", "--data_dir", audio, "--speaker_folder", 0) == 0
    assert read_table(tmp_path / "each" / "utt2spk") == {name: name for name in sorted(expected)}


def test_folders_that_all_share_name_no_speaker(tmp_path):
    audio = tree(tmp_path / "audio", "LibriSpeech/dev/84/1/84-1-0.flac", "LibriSpeech/dev/9/1/9-1-0.flac")
    assert scan(tmp_path / "all", "--data_dir", audio) == 0
    spk = read_table(tmp_path / "all" / "utt2spk")
    assert spk == {f"LibriSpeech/dev/{who}/1/{who}-1-0": f"LibriSpeech/dev/{who}" for who in ("84", "9")}


def test_transcripts_beside_the_audio_are_texts_on_request(tmp_path, caplog, capsys):
    audio = tree(tmp_path / "audio", "anna/1.wav", "anna/2.wav", "84/1/84-1-0.flac", "84/1/84-1-1.flac")
    (audio / "anna" / "1.txt").write_text("one\ntwo \n")
    (audio / "84" / "1" / "84-1.trans.txt").write_text("84-1-0 THREE FOUR\n84-1-1 FIVE\n84-1-2 NO FILE\n")
    (audio / "notes.txt").write_text("no transcript")
    assert scan(tmp_path / "none", "--data_dir", audio) == 0
    assert "2 files may be transcripts; --transcripts true" in caplog.text
    assert not list((tmp_path / "none").glob("*text"))
    given = ("--data_dir", audio, "--transcripts", "true")
    assert scan(tmp_path / "some", *given) == 0
    assert "3 of 4 recordings have a transcript, in 2 files" in caplog.text
    known = {"84/1/84-1-0": "THREE FOUR", "84/1/84-1-1": "FIVE", "anna/1": "one two"}
    assert read_table(tmp_path / "some" / "utt2text") == known
    assert {one.id: one.text for one in read_manifest(tmp_path / "some" / "manifest.jsonl")} == known | {"anna/2": None}
    assert (tmp_path / "some" / "left_out.tsv").read_text().splitlines()[1:] == [f"{audio}/notes.txt\t.txt"]
    (audio / "anna" / "2.txt").write_text("")
    assert scan(tmp_path / "some", *given) == 0
    assert read_table(tmp_path / "some" / "text") == known | {"anna/2": ""}
    assert validate(tmp_path / "some", feats=False) == []
    (audio / "anna" / "a.trans.txt").write_text("1 one three\n")
    capsys.readouterr()
    assert scan(tmp_path / "two", *given) == 1
    assert "another transcript of 1.wav than in another file" in capsys.readouterr().err.splitlines()[-1]
    assert scan(tmp_path / "two", "--manifest", tmp_path / "some" / "manifest.jsonl", "--transcripts", "true") == 1
    assert "is for a folder of audio" in capsys.readouterr().err


@pytest.mark.parametrize(
    "names", [("a/1.wav", "a-b/1.wav"), ("take.wav", "take-0.wav"), ("a/1.wav", "a!/1.wav", "a.1/x.wav")]
)
def test_ids_of_stretches_sort_by_speaker_whatever_the_names(tmp_path, names):
    assert scan(tmp_path / "all", "--data_dir", tree(tmp_path / "audio", *names)) == 0
    pairs = read_table(tmp_path / "all" / "utt2spk").items()
    assert len(pairs) == len(names)
    stretches = sorted((f"{key}-0000010-0000020", speaker) for key, speaker in pairs)
    assert [speaker for _, speaker in stretches] == sorted(speaker for _, speaker in stretches)


def test_names_that_differ_by_their_suffix_keep_it_and_copies_are_told(tmp_path, capsys):
    audio = tree(tmp_path / "audio", "a/1.wav", "a/1.flac", "b/1.wav")
    (audio / "c").mkdir()
    (audio / "c" / "1.wav").write_bytes((audio / "b" / "1.wav").read_bytes())
    assert scan(tmp_path / "all", "--data_dir", audio) == 0
    assert list(read_table(tmp_path / "all" / "utt2spk")) == ["a/1.flac", "a/1.wav", "b/1", "c/1"]
    assert (tmp_path / "all" / "copies.tsv").read_text() == "b/1\tc/1\n"
    tree(audio, "x y.wav", "x_y.wav")
    assert scan(tmp_path / "other", "--data_dir", audio) == 1
    assert "both have the id x_y.wav; rename one" in capsys.readouterr().err and not (tmp_path / "other").exists()


def test_what_cannot_be_read_is_told_up_to_a_limit(tmp_path, capsys):
    audio = tree(tmp_path / "audio", *(f"a/{number}.wav" for number in range(3)))
    (audio / "a" / "bad.wav").write_bytes(b"RIFF")
    assert scan(tmp_path / "all", "--data_dir", audio) == 1
    said = capsys.readouterr().err
    assert "1 of 4 recordings (25.00 %) fail" in said and not (tmp_path / "all").exists()
    assert f"The first: a/bad: {audio}/a/bad.wav: " in said
    for path in audio.rglob("[0-9].wav"):
        path.unlink()
    assert scan(tmp_path / "all", "--data_dir", audio, "--max_fail", 1) == 1
    assert "fail: 1 corrupt; none has a result. The first: " in capsys.readouterr().err
    tree(audio, *(f"a/{number}.wav" for number in range(3)))
    assert scan(tmp_path / "all", "--data_dir", audio, "--max_fail", 0.3) == 0
    assert (tmp_path / "all" / "failures.tsv").read_text().splitlines()[1].startswith("a/bad\t")
    assert len(read_table(tmp_path / "all" / "utt2spk")) == 3


def test_audio_that_is_not_read_is_not_taken_for_nothing(tmp_path, capsys, caplog):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "1.m4a").write_bytes(b"m4a")
    assert scan(tmp_path / "all", "--data_dir", tmp_path / "audio") == 1
    assert "audio/1.m4a, and no others are there; convert them to flac or wav" in capsys.readouterr().err
    assert scan(tmp_path / "all", "--data_dir", tree(tmp_path / "audio", "2.wav")) == 0
    assert "1 files of audio are of formats that are not read, such as " in caplog.text


@pytest.mark.hostile("A line break in the name of a recording")
def test_a_line_break_in_a_name_is_refused(tmp_path, capsys):
    assert scan(tmp_path / "all", "--data_dir", tree(tmp_path / "audio", "a\nb/1.wav")) == 1
    assert "/a\\nb/1.wav': the name has a line break, which no table can have; rename it" in capsys.readouterr().err


@pytest.mark.parametrize("n", [0, 1, 9])
def test_any_number_of_files(tmp_path, n):
    (tmp_path / "audio").mkdir()
    audio = tree(tmp_path / "audio", *(f"{number}.wav" for number in range(n)))
    assert scan(tmp_path / "all", "--data_dir", audio) == 0
    assert len((tmp_path / "all" / "manifest.jsonl").read_text().splitlines()) == n
    assert len((tmp_path / "all" / "utt2spk").read_text().splitlines()) == n


def test_a_manifest_is_taken_with_its_segments_and_texts(tmp_path):
    audio = tree(tmp_path / "audio", "a/1.wav", "b/1.wav")
    rows = [
        {"audio_filepath": str(audio / "a" / "1.wav"), "offset": 0.05, "duration": 0.1, "text": "one", "lang": "en"},
        {"audio_filepath": "audio/b/1.wav", "duration": 0.2, "text": ""},
        {"audio_filepath": "audio/b/1.wav", "duration": 0.3},
    ]
    (tmp_path / "m.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert scan(tmp_path / "all", "--manifest", tmp_path / "m.json") == 0
    segments = read_table(tmp_path / "all" / "segments")
    assert segments == {"a/1-0000005-0000015": "a/1 0.0500 0.1500", "b/1": "b/1 0.0000 0.2000"}
    assert read_table(tmp_path / "all" / "text") == {"a/1-0000005-0000015": "one", "b/1": ""}
    assert "line 3: the same recording" in (tmp_path / "all" / "left_out.tsv").read_text()
    again = tmp_path / "all" / "manifest.jsonl"
    assert scan(tmp_path / "again", "--manifest", again) == 0
    assert (tmp_path / "again" / "manifest.jsonl").read_bytes() == again.read_bytes()


def test_entries_that_disagree_are_told(tmp_path, capsys, caplog):
    audio = tree(tmp_path / "audio", "1.wav", "2.wav")
    rows = [{"audio_filepath": str(audio / "1.wav"), "duration": 0.05}]
    rows += [{"audio_filepath": str(audio / "2.wav"), "offset": 0.1, "duration": 0.35}]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert scan(tmp_path / "all", "--manifest", tmp_path / "m.jsonl") == 0
    assert "2 entries tell another duration than the audio has, such as 1: 0.05 s, found 0.2 s" in caplog.text
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0] | {"text": "one"}]))
    assert scan(tmp_path / "other", "--manifest", tmp_path / "m.jsonl") == 1
    assert "m.jsonl:3: the recording of line 1, with another text; keep one of the two" in capsys.readouterr().err


def test_texts_of_some_are_known_texts_and_speakers_come_first(tmp_path):
    audio = tree(tmp_path / "audio", "1.wav", "2.wav")
    rows = [{"audio_filepath": str(audio / "1.wav"), "id": "x", "speaker": "z", "text": "one"}]
    rows += [{"audio_filepath": str(audio / "2.wav"), "id": "y", "speaker": "a"}]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert scan(tmp_path / "all", "--manifest", tmp_path / "m.jsonl") == 0
    assert read_table(tmp_path / "all" / "utt2spk") == {"a/y": "a", "z/x": "z"}
    assert read_table(tmp_path / "all" / "utt2text") == {"z/x": "one"} and not (tmp_path / "all" / "text").exists()


def test_a_data_directory_keeps_its_tables(tmp_path):
    audio = tree(tmp_path / "audio", "1.wav")
    tables = {"wav.scp": {"r": str(audio / "1.wav")}, "segments": {"s-1": "r 0.05 0.17", "s-2": "r 0.05 -1"}}
    spk = {"utt2spk": {"s-1": "s", "s-2": "s"}, "text": {"s-1": "one", "s-2": "two"}, "spk2gender": {"s": "f"}}
    write_data_dir(tmp_path / "data", tables | spk)
    assert scan(tmp_path / "all", "--data_dir", tmp_path / "data") == 0
    assert read_table(tmp_path / "all" / "segments") == {"s-1": "r 0.0500 0.1700", "s-2": "r 0.0500 0.2000"}
    assert read_table(tmp_path / "all" / "spk2gender") == {"s": "f"}
    assert read_table(tmp_path / "all" / "text") == {"s-1": "one", "s-2": "two"}


def test_a_text_of_some_utterances_of_a_data_directory_is_known_text(tmp_path, caplog):
    audio = tree(tmp_path / "audio", "1.wav", "2.wav")
    tables = {"wav.scp": {f"s-{n}": str(audio / f"{n}.wav") for n in (1, 2)}, "utt2spk": {"s-1": "s", "s-2": "s"}}
    write_data_dir(tmp_path / "data", tables)
    (tmp_path / "data" / "text").write_text("s-1 one\n")
    assert scan(tmp_path / "all", "--data_dir", tmp_path / "data") == 0
    assert read_table(tmp_path / "all" / "utt2text") == {"s-1": "one"} and "no text of 1 utterances" in caplog.text


@pytest.mark.hostile("Speakers of two words, and no table of speakers")
@pytest.mark.parametrize(
    ("text", "said"),
    [("s-1 s t\n", "data/utt2spk: 's t' is not a usable key"), (None, "data: no utt2spk here; expected a Kaldi data")],
)
def test_speakers_of_a_data_directory_are_checked(tmp_path, capsys, text, said):
    audio = tree(tmp_path / "audio", "1.wav")
    write_data_dir(tmp_path / "data", {"wav.scp": {"s-1": str(audio / "1.wav")}, "utt2spk": {"s-1": "s"}})
    (tmp_path / "data" / "utt2spk").unlink()
    if text:
        (tmp_path / "data" / "utt2spk").write_text(text)
    assert scan(tmp_path / "all", "--data_dir", tmp_path / "data") == 1
    assert said in capsys.readouterr().err and not (tmp_path / "all").exists()


def test_a_finished_scan_does_nothing_until_a_file_is_renamed(tmp_path):
    audio = tree(tmp_path / "audio", "1.wav")
    assert scan(tmp_path / "all", "--data_dir", audio) == 0
    before = (tmp_path / "all" / "manifest.jsonl").stat().st_ino
    assert scan(tmp_path / "all", "--data_dir", audio) == 0
    assert (tmp_path / "all" / "manifest.jsonl").stat().st_ino == before
    (audio / "1.wav").rename(audio / "2.wav")
    assert scan(tmp_path / "all", "--data_dir", audio) == 0
    assert list(read_table(tmp_path / "all" / "utt2spk")) == ["2"]
    manifest, previous = (read_manifest(tmp_path / "all" / f"manifest.jsonl{end}") for end in ("", ".previous"))
    assert [one.id for one in (*manifest, *previous)] == ["2", "1"]
    (audio / "2.wav").unlink()
    assert scan(tmp_path / "all", "--data_dir", audio) == 0
    assert read_manifest(tmp_path / "all" / "manifest.jsonl") == []
    assert [one.id for one in read_manifest(tmp_path / "all" / "manifest.jsonl.previous")] == ["2"]


@pytest.mark.hostile("A scan of what is not there, or of two things at once")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected --data_dir or --manifest, one of the two"),
        (["--data_dir", "a", "--manifest", "b"], "expected --data_dir or --manifest, one of the two"),
        (["--data_dir", "nowhere"], "--data_dir nowhere: no such directory"),
        (["--manifest", "nowhere"], "nowhere: no such file"),
        (["--data_dir", ".", "--speaker_folder", "-1"], "speaker_folder"),
    ],
)
def test_bad_inputs_are_refused_in_one_line(tmp_path, capsys, words, said):
    assert scan(tmp_path / "all", *words) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len([line for line in errors if "ERROR" in line]) == 1 and said in errors[-1]
    assert not (tmp_path / "all").exists()


def test_two_entries_of_one_id_are_refused(tmp_path, capsys):
    rows = [{"audio_filepath": f"{name}.wav", "id": "same"} for name in "ab"]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert scan(tmp_path / "all", "--manifest", tmp_path / "m.jsonl") == 1
    said = capsys.readouterr().err
    assert "m.jsonl:1 and " in said and "m.jsonl:2 both have the id same" in said
    (tmp_path / "m.jsonl").write_text(json.dumps(rows[0] | {"id": "a b"}) + "\n")
    assert scan(tmp_path / "all", "--manifest", tmp_path / "m.jsonl") == 1
    assert "m.jsonl:1: id: expected a word without blanks, found 'a b'" in capsys.readouterr().err
