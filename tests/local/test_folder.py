"""A tree of audio with a table of what is known."""

import unicodedata
from pathlib import Path

import pytest

from local import folder
from local.audio_corpus import read_counts
from tests.local.audio_files import write_noise
from utils.data_dir import validate
from utils.errors import InputError
from utils.tables import read_table


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "my tree"
    for name in ("ds/anna/one.wav", "ds/anna/two.flac", "ds/bob b/deep er/one.ogg", "carl/one.wav"):
        write_noise(root / name, 1.0)
    return root


def prepare(tree: Path, table: str | None = None, **options: object) -> Path:
    out = tree.parent / "audio"
    if table is not None:
        (tree.parent / "known.csv").write_text(table)
        options["labels"] = tree.parent / "known.csv"
    folder.work(folder.Options(tree, out=out, **options))
    return out


def test_paths_alone_tell_speakers(tree: Path) -> None:
    out = prepare(tree)
    assert validate(out, text=False, feats=False) == []
    assert read_table(out / "utt2spk") == {
        "carl-one": "carl",
        "ds-anna-one": "ds-anna",
        "ds-anna-two": "ds-anna",
        "ds-bob_b-deep_er-one": "ds-bob_b",
    }
    assert not (out / "spk2gender").exists()


def test_a_table_tells_more(tree: Path) -> None:
    out = prepare(
        tree,
        "file,sex,age,transcript,speaker_id\n"
        "ds/anna/one.wav,F,Young adult,hello  world,\n"
        "ds/anna/two.flac,,unknown,a,\n"
        "ds/bob b/deep er/one.ogg,male,,what?,\n"
        "carl/one.wav,M,elderly,la la,the singer\n",
    )
    assert validate(out, text=False, feats=False) == []
    assert read_table(out / "utt2age") == {"ds-anna-one": "young-adult", "the_singer-one": "elderly"}
    assert read_table(out / "spk2gender") == {"ds-anna": "f", "ds-bob_b": "m", "the_singer": "m"}
    assert list(read_table(out / "text").values()) == ["hello world", "a", "what?", "la la"]


def test_ages_in_years_are_cut_where_it_is_said(tree: Path) -> None:
    table = "path,age\nds/anna/one.wav,15\nds/anna/two.flac,15\ncarl/one.wav,16\n"
    assert set(read_table(prepare(tree, table) / "utt2age").values()) == {"teenager"}
    ages = read_table(prepare(tree, table, oldest_child=15.0) / "utt2age")
    assert ages == {"carl-one": "adult", "ds-anna-one": "child", "ds-anna-two": "child"}


def test_transcripts_of_some_are_none(tree: Path) -> None:
    out = prepare(tree, "path,text\ncarl/one.wav,words\n")
    assert not (out / "text").exists()


def test_genders_that_are_known_in_part_are_kept_by_utterance(tree: Path) -> None:
    out = prepare(tree, "path,gender\ncarl/one.wav,male\n")
    assert read_table(out / "utt2gender") == {"carl-one": "male"}
    assert not (out / "spk2gender").exists()


def test_segments_have_what_is_known_of_their_recording(tree: Path) -> None:
    write_noise(tree / "carl/one.wav", 4.0)
    out = prepare(tree, "path,age,text\ncarl/one.wav,elderly,words\n", segment_seconds=2.0, hop_seconds=1.0)
    assert validate(out, text=False, feats=False) == []
    assert len(read_table(out / "utt2age")) == 3
    assert not (out / "text").exists()


@pytest.mark.parametrize(
    "table, message",
    [
        ("name,age\nx,y\n", "known.csv: no column audio_path|"),
        ("path,age\nnowhere.wav,elderly\n", r"only 0 of 1 rows have a file, .*known.csv:2: nowhere.wav"),
        (
            "path,gender\nds/anna/one.wav,f\nds/anna/two.flac,m\n",
            "known.csv:3: speaker ds-anna is male here, female at .*known.csv:2",
        ),
    ],
)
def test_what_is_wrong_in_the_table_is_named(tree: Path, table: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare(tree, table)


def test_a_file_without_a_speaker_and_two_of_one_id(tree: Path) -> None:
    write_noise(tree / "alone.wav", 1.0)
    with pytest.raises(InputError, match="alone.wav: the speaker is unknown; put the file"):
        prepare(tree)
    (tree / "alone.wav").rename(tree / "carl/one.flac")
    with pytest.raises(InputError, match="one.wav and .*one.flac both become carl-one"):
        prepare(tree)


def test_no_audio(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no .flac, .ogg, .wav below it"):
        prepare(tmp_path / "empty")


def test_linked_folders_are_read_and_loops_refused(tree: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "elsewhere/dora/one.wav", 1.0)
    (tree / "linked").symlink_to(tmp_path / "elsewhere")
    assert "linked-dora-one" in read_table(prepare(tree) / "utt2spk")
    (tree / "loop").symlink_to(tree)
    with pytest.raises(InputError, match="is linked into .* more than once, or into itself"):
        prepare(tree, force=True)


@pytest.mark.parametrize("names", [("Anna B", "Anna-B"), ("J(1)", "J[1]")])
def test_speakers_are_never_merged_silently(tree: Path, names: tuple[str, str]) -> None:
    for number, name in enumerate(names):
        write_noise(tree / name / f"{number}.wav", 1.0)
    with pytest.raises(InputError, match="speakers .* and .* both become "):
        prepare(tree)


def test_marks_of_letters_tell_speakers_apart(tree: Path) -> None:
    for name in ("रमि", "रमी"):
        write_noise(tree / name / "one.wav", 1.0)
    assert {"रमि", "रमी"} < set(read_table(prepare(tree) / "utt2spk").values())


def test_labels_of_the_table_are_used_and_unmapped_ones_counted(tree: Path, caplog) -> None:
    caplog.set_level("WARNING")
    out = prepare(tree, "path,pitch,age\ncarl/one.wav,high-pitched,ageless\n")
    assert read_table(out / "utt2pitch") == {"carl-one": "high"}
    assert "1 labels are not in labels.yaml of the rules and not used: " in caplog.text
    assert "known.csv:2: age 'ageless'" in caplog.text


@pytest.mark.field_case("Files of audio that are not read, such as m4a")
def test_other_files_are_listed_and_counted(tree: Path) -> None:
    for name in ("carl/two.m4a", "carl/three.M4A", "carl/notes.txt", "carl/._one.wav", "Thumbs.db", "README"):
        (tree / name).touch()
    write_noise(tree / "carl/two.mp3", 1.0)
    out = prepare(tree)
    assert "carl-two" in read_table(out / "utt2spk")
    rows = [line.split("\t") for line in (out / "left_out.tsv").read_text().splitlines()[1:]]
    assert sorted(Path(path).name for path, _ in rows) == sorted(
        ["two.m4a", "three.M4A", "notes.txt", "._one.wav", "Thumbs.db", "README"]
    )
    assert read_counts(out) == {
        "files left out: .m4a": 2,
        "files left out: .txt": 1,
        "files left out: hidden, or of the system": 2,
        "files left out: no suffix": 1,
    }


@pytest.mark.field_case("A file of audio that is shorter than its header tells")
def test_a_half_downloaded_file_is_left_out_and_counted(tree: Path) -> None:
    for name in ("carl/half-a.wav", "carl/half-b.flac", "carl/half-c.ogg"):
        content = write_noise(tree / name, 3.0).read_bytes()
        (tree / name).write_bytes(content[: len(content) // 2])
    out = prepare(tree, max_fail=0.5)
    assert read_counts(out) == {"files left out: corrupt": 3}
    assert not any("half" in key for key in read_table(out / "utt2spk"))
    with pytest.raises(InputError, match="3 of 7 files cannot be read, .*: breaks off"):
        prepare(tree, force=True)


@pytest.mark.field_case("A speaker of whose files none is read")
def test_a_speaker_without_a_file_that_can_be_read_is_counted(tree: Path, caplog) -> None:
    (tree / "carl/one.wav").write_bytes(b"<html>")
    out = prepare(tree, max_fail=0.5)
    speakers = "speakers left out: none of their files can be read"
    assert read_counts(out) == {"files left out: corrupt": 1, speakers: 1}
    assert "1 speakers are left out, of whose files none can be read: carl" in caplog.text


@pytest.mark.field_case("A table whose names are in another normal form of Unicode than the files")
def test_names_of_a_mac(tree: Path) -> None:
    write_noise(tree / unicodedata.normalize("NFD", "carl/naïve José.wav"), 1.0)
    out = prepare(tree, "path,age\ncarl/naïve José.wav,elderly\n")
    assert read_table(out / "utt2age") == {"carl-naïve_José": "elderly"}


@pytest.mark.field_case("One transcript of many is empty")
def test_a_transcript_that_is_missing_takes_none_of_the_others(tree: Path) -> None:
    for number in range(30):
        write_noise(tree / f"carl/{number}.wav", 0.1)
    names = ("ds/anna/one.wav", "ds/anna/two.flac", "ds/bob b/deep er/one.ogg", "carl/one.wav")
    rows = [*(f"{name},words" for name in names), *(f"carl/{number}.wav,more words" for number in range(29))]
    out = prepare(tree, "\n".join(["path,text", *rows, "carl/29.wav,", ""]))
    assert validate(out, feats=False) == []
    text = read_table(out / "text")
    assert len(text) == 34 and text["carl-29"] == "" and text["carl-0"] == "more words"
    assert read_counts(out) == {"kept without text": 1}


def test_too_short_and_endless_files_are_named(tree: Path) -> None:
    write_noise(tree / "carl/tiny.wav", 0.002)
    (tree / "carl/dangling.wav").symlink_to(tree / "nowhere.wav")
    flac = write_noise(tree / "carl/stream.flac", 1.0)
    content = bytearray(flac.read_bytes())
    content[21] &= 0xF0  # the number of samples, 36 bits: not known, as an encoder that writes to a pipe leaves it
    content[22:26] = bytes(4)
    flac.write_bytes(content)
    out = prepare(tree, max_fail=0.5)
    reasons = dict(line.split("\t") for line in (out / "left_out.tsv").read_text().splitlines()[1:])
    told = {Path(path).name: reason.split(":")[0] for path, reason in reasons.items()}
    assert told == {"tiny.wav": "too_short", "dangling.wav": "missing", "stream.flac": "corrupt"}


def speakers_of(out: Path) -> set[str]:
    return set(read_table(out / "utt2spk").values())


@pytest.mark.field_case("A speaker called NA in the table of a folder")
@pytest.mark.parametrize("name", ["NA", "nan", "None", "null", "0"])
def test_names_that_are_words_for_unknown(tree: Path, caplog, name: str) -> None:
    out = prepare(tree, f"path,speaker\ncarl/one.wav,{name}\nds/anna/one.wav,\n")
    assert speakers_of(out) == {name, "ds-anna", "ds-bob_b"}
    assert name == "0" or f"speaker '{name}' (1 rows) counts as a person's name" in caplog.text
    out = prepare(tree, "path,speaker\ncarl/one.wav,unknown\n")
    assert "carl" in speakers_of(out)


@pytest.mark.field_case("Speaker number 0 of a JSON table")
def test_a_speaker_that_is_the_number_zero(tree: Path) -> None:
    (tree.parent / "known.jsonl").write_text('{"path": "carl/one.wav", "speaker": 0}\n{"path": "ds/anna/one.wav"}\n')
    assert speakers_of(prepare(tree, labels=tree.parent / "known.jsonl")) == {"0", "ds-anna", "ds-bob_b"}


@pytest.mark.field_case("Unknown speakers called nan in the table of a folder")
def test_a_word_for_unknown_does_not_merge_speakers(tree: Path) -> None:
    table = "path,speaker\ncarl/one.wav,nan\nds/anna/two.flac,nan\nds/anna/one.wav,Anna\n"
    with pytest.raises(InputError, match=r"known.csv:2: is speaker 'nan' a person, .* 2 rows are of 2 speakers"):
        prepare(tree, table)
    assert "nan" in speakers_of(prepare(tree, table, distinct_ids=True))
    write_noise(tree / "carl/three.wav", 1.0)
    assert speakers_of(prepare(tree, table + "carl/three.wav,Anna\n")) == {
        "nan",
        "Anna",
        "ds-bob_b",
    }  # no folders of speakers


@pytest.mark.field_case("A transcript that is the word null")
def test_transcripts_that_are_words_for_unknown(tree: Path) -> None:
    rows = ["carl/one.wav,Null", "ds/anna/one.wav,none", "ds/anna/two.flac,NA", "ds/bob b/deep er/one.ogg,unknown"]
    out = prepare(tree, "\n".join(["path,text", *rows, ""]))
    assert sorted(read_table(out / "text").values()) == ["NA", "Null", "none", "unknown"]


@pytest.mark.field_case("File names of a Mac in a table of Windows")
def test_paths_of_other_systems(tree: Path) -> None:
    write_noise(tree / "Mu\u0308ller/e\u0301t\u00e9.wav", 1.0)
    rows = ["M\u00fcller\\\u00e9te\u0301.wav,elderly", "ds\\anna\\one.wav,child", ".\\carl\\one.wav,teens"]
    out = prepare(tree, "\n".join(["path,age", *rows, ""]))
    ages = {"M\u00fcller-\u00e9t\u00e9": "elderly", "ds-anna-one": "child", "carl-one": "teenager"}
    assert read_table(out / "utt2age") == ages
    assert "files, speaker written in NFC\t1" in (out / "row_counts.tsv").read_text()


@pytest.mark.field_case("Speakers 103 and 103.0 in the table of a folder")
def test_numbers_of_speakers_in_a_table(tree: Path) -> None:
    rows = ["carl/one.wav,103", "ds/anna/two.flac,103.0", "ds/anna/one.wav,7.0", "ds/bob b/deep er/one.ogg,8"]
    out = prepare(tree, "\n".join(["path,speaker", *rows, ""]))
    assert speakers_of(out) == {"103", "7", "8"}
    assert "files, speaker written without .0\t2" in (out / "row_counts.tsv").read_text()


@pytest.mark.field_case("Two folders of nearly the same name")
@pytest.mark.parametrize("other", ["ds/Anna", "ds/ANNA", "ds/\uff41nna", "DS/anna"])
def test_folders_that_may_be_one_person(tree: Path, other: str) -> None:
    write_noise(tree / other / "new.wav", 1.0)
    with pytest.raises(InputError, match="speaker '.*' may be '.*' of .*one name to both, or give --distinct_ids"):
        prepare(tree)
    out = prepare(tree, distinct_ids=True)
    assert read_table(out / "distinct_speakers") == {
        "ds-anna": other.replace("/", "-"),
        other.replace("/", "-"): "ds-anna",
    }


@pytest.mark.field_case("A folder and a table name one speaker in two spellings")
def test_a_folder_and_a_table_that_may_name_one_person(tree: Path) -> None:
    with pytest.raises(InputError, match=r"speaker 'CARL' may be 'carl'|speaker 'carl' may be 'CARL' of .*known.csv:2"):
        write_noise(tree / "carl/two.wav", 1.0)
        prepare(tree, "path,speaker\ncarl/two.wav,CARL\n")


@pytest.mark.field_case("One speaker in two folders that look the same")
@pytest.mark.parametrize("other", ["ds/an\u200bna", "ds/anna\u00a0", "ds/a\u00adnna"])
def test_folders_that_look_the_same_are_one_speaker(tree: Path, other: str) -> None:
    write_noise(tree / other / "new.wav", 1.0)
    assert speakers_of(prepare(tree)) == {"carl", "ds-anna", "ds-bob_b"}


@pytest.mark.field_case("A table that names a file twice")
def test_rows_that_repeat_a_path(tree: Path) -> None:
    table = "path,speaker,age\ncarl/one.wav,Carl,elderly\ncarl/one.wav,Carl,elderly\n"
    assert speakers_of(prepare(tree, table)) == {"Carl", "ds-anna", "ds-bob_b"}
    with pytest.raises(InputError, match=r"known.csv:4: carl/one.wav has other labels at .*known.csv:2; remove one"):
        prepare(tree, table + "carl/one.wav,Anna,elderly\n")


@pytest.mark.field_case("Rows of a table that have no file, no path or labels that nobody knows")
def test_rows_of_the_table_that_are_not_used_are_counted(tree: Path) -> None:
    rows = ["carl/one.wav,elderly", "carl/one.wav,elderly", "x/y.wav,child", ",child", ",elderly", "ds/anna/one.wav,?!"]
    out = prepare(tree, "\n".join(["file_name,age", *rows, ""]), min_match=0.4)
    assert read_counts(out) == {
        "rows of the table left out: repeats another row": 1,
        "rows of the table left out: no file": 1,
        "rows of the table left out: empty path": 2,
        "files without a row of the table": 2,
        "rows with an unknown label: age '?!'": 1,
    }
    with pytest.raises(InputError, match="only 2 of 5 rows have a file"):
        prepare(tree, "\n".join(["file_name,age", *rows, ""]), min_match=0.5)


@pytest.mark.field_case("One speaker's folder in two sets, such as train/anna and test/anna")
@pytest.mark.parametrize("sets", [("train", "test"), ("train-clean-100", "dev-clean"), ("Train", "holdout")])
def test_a_speaker_in_two_sets(tree: Path, sets: tuple[str, str]) -> None:
    for name in sets:
        write_noise(tree / name / "0103" / f"{name}.wav", 1.0)
    with pytest.raises(InputError, match="/0103: is this the speaker of .*/0103 too"):
        prepare(tree)
    assert len(speakers_of(prepare(tree, distinct_ids=True))) == 5


@pytest.mark.field_case("Speakers below a folder too many, as in VoxCeleb's dev/aac and train/audio of MLS")
@pytest.mark.parametrize("tops", [("dev/aac", "test/aac"), ("sounds/clips",)])
def test_speakers_below_a_folder_too_many(tmp_path: Path, tops: tuple[str, ...]) -> None:
    for top in tops:
        for speaker in ("id00012", "id00015"):
            write_noise(tmp_path / "tree" / top / speaker / "video" / f"{top[0]}.wav", 1.0)
    with pytest.raises(InputError, match="would be one speaker.*2 folders such as id00012.*as --data_dir"):
        prepare(tmp_path / "tree")
    assert speakers_of(prepare(tmp_path / "tree" / tops[0].split("/")[0])) == {
        f"{tops[0].split('/')[1]}-{speaker}" for speaker in ("id00012", "id00015")
    }


@pytest.mark.field_case("A folder in which no audio is of a format that is read")
def test_what_is_there_instead_of_audio(tmp_path: Path) -> None:
    (tmp_path / "tree/id00012").mkdir(parents=True)
    (tmp_path / "tree/id00012/1.m4a").write_bytes(b"\0\0\0 ftypM4A ")
    with pytest.raises(InputError, match=r"no .flac, .ogg, .wav below it \(1 .m4a, 1 folder of audio"):
        prepare(tmp_path / "tree")


@pytest.mark.field_case(
    "A table that names the speakers of some files of a folder, as Common Voice's train.tsv of its clips"
)
def test_files_that_the_table_does_not_name(tree: Path) -> None:
    for number in range(4):
        write_noise(tree / f"clips/{number}.wav", 1.0)
    rows = ["clips/0.wav,one", "clips/1.wav,two", "clips/2.wav,", "ds/anna/one.wav,anna"]
    out = prepare(tree, "\n".join(["path,speaker", *rows, ""]))
    assert speakers_of(out) == {"one", "two", "anna", "ds-bob_b", "carl"}
    assert read_table(out / "utt2spk")["anna-two"] == "anna"
    assert read_counts(out)[f"files left out: {folder.UNTOLD}"] == 2
    assert (out / "left_out.tsv").read_text().count(folder.UNTOLD) == 2
