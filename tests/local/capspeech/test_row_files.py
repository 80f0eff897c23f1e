"""Tables of rows: whatever they are called and wherever they lie, they are used, or left out by name and counted."""

import gzip
import json
import os
from pathlib import Path

import pytest

from local.capspeech.__main__ import main
from local.capspeech.row_files import find_row_files, split_of
from tests.local.capspeech.prepared import accounted, corpus_without_rows, counts, fails, prepare
from tests.local.corpus import (
    SPLITS,
    Corpus,
    write_csv,
    write_jsonl,
    write_parquet,
    write_saved,
    write_shards,
)


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return corpus_without_rows(tmp_path)


def gz(path: Path) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def packed_csv(path: Path, rows: list[dict]) -> None:
    write_csv(path, rows)
    gz(path)


def packed_jsonl(path: Path, rows: list[dict]) -> None:
    write_jsonl(path, rows)
    gz(path)


def json_list(path: Path, rows: list[dict]) -> None:
    path.write_text(json.dumps(rows))


def in_folder(path: Path, rows: list[dict]) -> None:
    """As programs write that divide a table: a directory of the table's name."""
    path.mkdir()
    write_csv(path / "part-00000-a1b2.csv", rows[:2])
    write_csv(path / "part-00001-a1b2.csv", rows[2:])


WRITERS = {
    "{}.csv": write_csv,
    "{}.CSV": write_csv,
    "{}.tsv": lambda path, rows: write_csv(path, rows),
    "{}.jsonl": write_jsonl,
    "{}.json": json_list,
    "{}.parquet": write_parquet,
    "data/{}.parquet": write_shards,
    "default/{}/0000.parquet": write_parquet,
    "{}/part 1.csv": write_csv,
    "{}.csv ": packed_csv,
    "{}.jsonl ": packed_jsonl,
    "{} ": write_saved,
    "capspeech/{}.csv": in_folder,
}


@pytest.mark.field_case("Sets of rows of any name and format: train_base, train_scaled, dev, holdout")
@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("names", [("train_base", "train_scaled", "holdout"), ("train", "other", "EARS-test")])
def test_every_set_is_used(corpus, form, names):
    for name, part in zip(names, SPLITS.values(), strict=True):
        path = corpus.data / form.format(name).strip()
        path.parent.mkdir(exist_ok=True, parents=True)
        WRITERS[form](path, corpus.rows[part])
    data = prepare(corpus)
    assert len(data.utt2spk) == accounted(data) == 24
    splits = list(data.table("utt2split").values())
    assert [splits.count(split) for split in ("train", "dev", "test")] == [20, 0, 4]


@pytest.mark.field_case("Rows that repeat, in a set of their own or within one, count once")
@pytest.mark.parametrize("name", ["train_small.csv", "train.jsonl", "train.parquet", "a/b/copy.csv"])
def test_rows_that_repeat_count_once(corpus, name):
    corpus.write_rows("csv")
    again = [dict(row) for row in corpus.rows[:5]]
    again[0]["caption"] = "Another caption."
    path = corpus.data / name
    path.parent.mkdir(exist_ok=True, parents=True)
    {".csv": write_csv, ".jsonl": write_jsonl, ".parquet": write_parquet}[path.suffix](path, again + again[:1])
    data = prepare(corpus)
    assert len(data.utt2spk) == 24 and accounted(data) == 30
    assert counts(data)["voxceleb", "left out: repeats another row"] == 6
    assert (data.path / "left_out.tsv").read_text().count("repeats another row") == 6
    again[1]["pitch"] = "high-pitched"
    {".csv": write_csv, ".jsonl": write_jsonl, ".parquet": write_parquet}[path.suffix](path, again)
    fails(corpus, "duplicate id")


@pytest.mark.field_case("A few rows of many without a path, a source or a speaker, and empty rows of Excel")
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_few_broken_rows_are_counted(corpus, suffix):
    names = list(corpus.rows[0])
    broken = [{"source": None}, {"audio_path": " "}, {"audio_path": "x/1.wav"}, dict.fromkeys(names)]
    rows = [*corpus.rows, *(corpus.rows[0] | change for change in broken[:3]), *broken[3:] * 9]
    write = {".jsonl": write_jsonl, ".parquet": write_parquet}.get(suffix, write_csv)
    write(corpus.data / f"train{suffix}", rows)
    data = prepare(corpus, min_match=0.85)
    assert len(data.utt2spk) == 24 and accounted(data) == len(rows)
    found = {reason: count for (_, reason), count in counts(data).items() if reason.startswith("left out")}
    assert found == {
        "left out: empty source": 1,
        "left out: empty audio path": 1,
        "left out: no embedding": 1,
        "left out: no cell is filled": 9,
    }
    fails(corpus, "of 36 rows", min_match=0.98)


@pytest.mark.field_case("Rows whose speaker nobody tells, few of many")
def test_rows_without_speaker(corpus):
    corpus.rows[0]["audio_path"] = "x/1.wav"
    corpus = Corpus(corpus.folder, corpus.rows).write(layout="scp")
    data = prepare(corpus, min_match=0.95)
    assert len(data.utt2spk) == 23 and counts(data)["voxceleb", "left out: unknown speaker"] == 1
    assert accounted(data) == 24
    fails(corpus, "the speaker of this and of 0 more rows", min_match=0.96)


@pytest.mark.parametrize("found", ["{}", '{"splits": "x"}'])
def test_bad_dictionaries_of_sets(corpus, found):
    (corpus.data / "dataset_dict.json").write_text(found)
    fails(corpus, "dataset_dict.json: (no splits|names 'x')")


def test_a_saved_dataset_of_one_set_is_found_at_the_top(corpus):
    corpus.data.rmdir()
    write_saved(corpus.data, corpus.rows)
    assert len(prepare(corpus).utt2spk) == 24


def test_a_saved_folder_with_an_index_is_refused(corpus):
    write_saved(corpus.data / "train", corpus.rows)
    state = corpus.data / "train" / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"_indices_data_files": [{"filename": "i.arrow"}]}))
    fails(corpus, "flatten_indices")


def test_nothing_that_holds_rows(corpus):
    (corpus.data / "data.csv").write_text("id,seconds\na,1\n")
    fails(corpus, r"no files of rows; .*; found data.csv: no column gender\|sex")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("val.csv", "dev"),
        ("train_base/data-00000-of-00001.arrow", "train"),
        ("dev/train_1.csv", "train"),
        ("x/validation/0.parquet", "dev"),
        ("CapSpeech-TEST.tsv.gz", "test"),
        ("holdout-0-of-1.parquet", "test"),
        ("contest.csv", "train"),
    ],
)
def test_splits_by_name(name, split):
    assert split_of(Path(name)) == split


def test_order_of_files(tmp_path):
    for name in ("a_train.csv", "dev.csv", "test.csv", "train.csv", "x/train.csv", "zz.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a\n1\n")
    found = find_row_files(tmp_path, tmp_path / "x", lambda columns: None)
    names = [str(file.relative_to(tmp_path)) for file in found.files]
    assert names == ["train.csv", "a_train.csv", "zz.csv", "dev.csv", "test.csv"]


def test_names_that_are_not_utf8(corpus, capsys):
    corpus.write_rows("csv")
    write_csv(Path(os.fsdecode(os.fsencode(corpus.data) + b"/train_\xff.csv")), corpus.rows)
    words = [
        "--data_dir",
        str(corpus.data),
        "--embedding_dir",
        str(corpus.embeddings),
        "--out",
        str(corpus.folder / "o"),
    ]
    assert main(words) == 1
    assert "the name is not in UTF-8" in capsys.readouterr().err


@pytest.mark.field_case("A table of JSON by columns, as pandas writes it by default")
def test_json_by_columns(corpus):
    columns = {name: {str(n): row[name] for n, row in enumerate(corpus.rows)} for name in corpus.rows[0]}
    (corpus.data / "train.json").write_text(json.dumps(columns))
    fails(corpus, "train.json:1: column 'audio_path' holds an object, expected text")
