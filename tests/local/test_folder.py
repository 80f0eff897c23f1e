"""A tree of audio with a table of what is known."""

from pathlib import Path

import pytest

from local import folder
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
    out = prepare(tree, "path,pitch,age\ncarl/one.wav,high-pitched,34\n")
    assert read_table(out / "utt2pitch") == {"carl-one": "high"}
    assert "1 labels are not in labels.yaml of the rules and not used: " in caplog.text
    assert "known.csv:2: age '34'" in caplog.text


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
