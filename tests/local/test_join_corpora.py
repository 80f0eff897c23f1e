"""Several corpora become one, with a source of each utterance and one id for each person."""

from pathlib import Path

import pytest

from local import join_corpora
from utils.data_dir import DataDir, validate, write_data_dir
from utils.errors import InputError
from utils.tables import read_table


def corpus(root: Path, name: str, utt2spk: dict[str, str], **tables: dict[str, str]) -> Path:
    """A data directory of recordings."""
    wav = {utterance: f"/audio/{name}/{utterance}.flac" for utterance in utt2spk}
    write_data_dir(root / name, {"wav.scp": wav, "utt2spk": utt2spk, **tables})
    return root / name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two corpora of one list of readers, who share the speaker 19, and one of others, whose 19 is somebody else."""
    first = {"19-1-0": "19", "26-1-0": "26"}
    corpus(tmp_path, "one", first, spk2gender={"19": "f", "26": "m"}, text={"19-1-0": "A", "26-1-0": "B"})
    second = {"19-1-0": "19", "19-2-0": "19", "40-1-0": "40"}
    corpus(tmp_path, "two", second, spk2gender={"19": "f", "40": "m"}, text=dict.fromkeys(second, "C"))
    ages = {"19-a": "child", "20-b": "adult"}
    genders = {"19-a": "male", "20-b": "female"}
    corpus(tmp_path, "three", {"19-a": "19", "20-b": "20"}, utt2age=ages, utt2gender=genders, text=ages)
    return tmp_path


HEADER = "source,data_dir,readers,age"
ROWS = ("one,{0}/one,books,adult", "two,{0}/two,books,adult", "three,{0}/three,,")


def join(root: Path, *rows: str, header: str = HEADER) -> DataDir:
    table = root / "corpora.csv"
    table.write_text("\n".join([header, *(row.format(root) for row in rows)]) + "\n")
    join_corpora.work(join_corpora.Options(table, root / "all"))
    return DataDir(root / "all")


def test_one_person_has_one_id_and_an_utterance_is_taken_once(root: Path) -> None:
    data = join(root, *ROWS)
    assert validate(data.path, feats=False) == []
    assert data.utt2spk == {
        "books-19-1-0": "books-19",
        "books-19-2-0": "books-19",
        "books-26-1-0": "books-26",
        "books-40-1-0": "books-40",
        "three-19-a": "three-19",
        "three-20-b": "three-20",
    }
    assert list(data.table("utt2source").values()) == ["one", "two", "one", "two", "three", "three"]
    assert list(data.table("utt2age").values()) == ["adult"] * 4 + ["child", "adult"]
    assert data.table("spk2gender") == {
        "books-19": "f", "books-26": "m", "books-40": "m", "three-19": "m", "three-20": "f",
    }  # fmt: skip
    assert data.table("text")["books-19-1-0"] == "A"
    assert data.table("wav.scp")["books-19-1-0"] == "/audio/one/19-1-0.flac"
    counts = dict(line.split("\t") for line in (data.path / "row_counts.tsv").read_text().splitlines())
    assert counts["two: utterances left out: an earlier source has them"] == "1"
    assert counts["two: speakers that an earlier source has too"] == "1"


def test_whole_recordings_beside_segments_are_segments_too(root: Path) -> None:
    write_data_dir(
        root / "cut",
        {
            "wav.scp": {"r": "/audio/r.wav"},
            "utt2spk": {"s-1": "s", "s-2": "s"},
            "segments": {"s-1": "r 0 1.5", "s-2": "r 1.5 3"},
        },
    )
    data = join(root, "cut,{0}/cut,,", ROWS[2])
    assert data.table("segments")["three-19-a"] == "three-19-a 0 -1"
    assert data.table("segments")["cut-s-2"] == "cut-r 1.5 3"
    assert not data.has("text") and not data.has("spk2gender")
    assert read_table(data.path / "utt2gender").keys() == {"three-19-a", "three-20-b"}


@pytest.mark.parametrize(
    ("header", "rows", "told"),
    [
        (HEADER, ("one,{0}/nowhere,,",), r"corpora.csv:2: .*nowhere: no wav.scp here"),
        (HEADER, ("one,{0}/one,,", "One,{0}/two,,"), "corpora.csv:3: a second source one"),
        (HEADER, (",{0}/one,,",), "corpora.csv:2: expected a name of the source"),
        (HEADER, ("one,{0}/one,,ageless",), "corpora.csv:2: age 'ageless': no label that labels.yaml"),
        ("source,dir", ("one,{0}/one",), "no column data_dir; it has source, dir"),
        (
            HEADER,
            ("two,{0}/two,x,", "three,{0}/three,x,"),
            "corpora.csv:3: speaker x-19 is male here, female at .*corpora.csv:2",
        ),
    ],
)
def test_what_cannot_be_joined_is_told(root: Path, header: str, rows: tuple[str, ...], told: str) -> None:
    with pytest.raises(InputError, match=told):
        join(root, *rows, header=header)
    assert not (root / "all").exists()


def test_an_utterance_of_two_speakers_is_refused(root: Path) -> None:
    corpus(root, "four", {"19-1-0": "19-1"})
    with pytest.raises(InputError, match="books-19-1-0 is of books-19-1 here, of books-19 in one"):
        join(root, ROWS[0], "four,{0}/four,books,")
