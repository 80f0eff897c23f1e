"""A tree of audio with a table of what is known."""

from pathlib import Path

import pytest

from local import prepare_folder
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
    prepare_folder.work(prepare_folder.Options(tree, out=out, **options))
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
        ("path,age\ncarl/one.wav,antique\n", "known.csv:2: age 'antique' is not in labels.yaml"),
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
    with pytest.raises(InputError, match="alone.wav: whose voice?"):
        prepare(tree)
    (tree / "alone.wav").rename(tree / "carl/one.flac")
    with pytest.raises(InputError, match="one.wav and .*one.flac both become carl-one"):
        prepare(tree)


def test_no_audio(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no .flac, .wav, .ogg below it"):
        prepare(tmp_path / "empty")
