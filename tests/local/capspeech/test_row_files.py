"""Tables of rows: whatever they are called and wherever they lie, they are used, or left out by name and counted."""

import gzip
import json
import os
from pathlib import Path

import pytest

from local.capspeech.__main__ import Options, main, work
from local.capspeech.row_files import find_row_files, split_of
from tests.local.corpus import (
    SPLITS,
    Corpus,
    write_arrow,
    write_csv,
    write_jsonl,
    write_parquet,
    write_saved,
    write_shards,
)
from utils.data_dir import DataDir
from utils.errors import InputError

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    corpus = Corpus(tmp_path)
    corpus.data.mkdir()
    corpus.write_embeddings("scp")
    return corpus


def prepare(corpus: Corpus, **more) -> DataDir:
    work(Options(corpus.data, corpus.embeddings, corpus.folder / "all", force=True, **more))
    return DataDir(corpus.folder / "all")


def counts(data: DataDir) -> dict[tuple[str, str], int]:
    lines = (data.path / "row_counts.tsv").read_text().splitlines()[1:]
    return {(source, reason): int(count) for source, reason, count in (line.split("\t") for line in lines)}


def accounted(data: DataDir) -> int:
    """The rows that row_counts.tsv says are kept and left out."""
    return sum(
        count
        for (source, reason), count in counts(data).items()
        if source != "all sources" and (reason == "kept" or reason.startswith("left out: "))
    )


def fails(corpus: Corpus, message: str, **more) -> None:
    with pytest.raises(InputError, match=message):
        prepare(corpus, **more)


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


@pytest.mark.field_case("Copies of rows that Hugging Face's datasets keep beside a table")
def test_caches_are_left_out_and_counted(corpus):
    folder = corpus.data / "capspeech" / "default" / "0.0.0"
    folder.mkdir(parents=True)
    write_arrow(folder / "capspeech-train.arrow", corpus.rows)
    write_arrow(folder / "cache-1f2e3d4c.arrow", [row | {"pitch": "high-pitched"} for row in corpus.rows[:5]])
    write_arrow(folder / "cache-1f2e3d4c_00001_of_00002.arrow", [{"indices": number} for number in range(3)])
    assert accounted(prepare(corpus)) == 24 + 5 + 3


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


@pytest.mark.field_case("Tables of rows without a row, as Common Voice's invalidated.tsv of a small language")
def test_tables_without_a_row_are_told(corpus):
    corpus.write_rows("csv")
    (corpus.data / "other.tsv").write_text("\t".join(corpus.rows[0]) + "\n\n")
    for name in ("extra.parquet", "more.arrow"):
        write = write_parquet if name.endswith("parquet") else write_arrow
        write(corpus.data / name, corpus.rows[:1], n_rows=0)
    data = prepare(corpus)
    assert accounted(data) == 24
    assert {source for source, reason in counts(data) if reason == "file not read: no rows"} == {
        *("other.tsv", "extra.parquet", "more.arrow", "all sources")
    }
    (corpus.data / "train_scaled.csv").write_text(",".join(corpus.rows[0]) + "\n")
    fails(corpus, "train_scaled.csv: no rows; is the file complete")


@pytest.mark.field_case("Tables of something else beside the rows are left out by name and counted")
def test_other_tables_are_left_out_and_counted(corpus, capsys):
    corpus.write_rows("csv")
    (corpus.data / "speakers.csv").write_text("speaker,gender\na,male\nb,female\n")
    (corpus.data / "notes.csv").write_text("a,b\n1\n")
    (corpus.data / "raw.tsv").write_bytes(b"caf\xe9\n")
    write_csv(corpus.data / "train_scaled.csv", [{"audio_path": "x.wav", "source": "vctk", "gender": "male"}] * 3)
    for name in ("all.xlsx", "train.csv.zst", "test.zip", "README.md", "x.wav", "config.json", "train.txt"):
        (corpus.data / name).write_text("{}")
    (corpus.data / "resemblyzer").mkdir()
    (corpus.data / "resemblyzer" / "main.csv").write_text("id,storage_path,storage_byte\na,x.ark,2\n")
    data = prepare(corpus)
    assert len(data.utt2spk) == 24 and accounted(data) == 24 + 2 + 3
    found = {source: reason for source, reason in counts(data) if source not in ("voxceleb", "all sources")}
    assert set(found) == {
        *("speakers.csv", "notes.csv", "raw.tsv", "train_scaled.csv", "all.xlsx", "train.csv.zst", "test.zip"),
        "train.txt",
    }
    assert found["train_scaled.csv"].startswith("left out: no column pitch|pitch_label, speaking_rate|speed|rate; it")
    assert found["raw.tsv"].startswith("file not read: not UTF-8") and "cells" in found["notes.csv"]
    assert found["all.xlsx"] == "file not read: .xlsx files are not read: write it as csv, jsonl or parquet"
    assert (data.path / "left_out.tsv").read_text().count("\n") == 9


def test_many_tables_of_one_kind_are_told_together(corpus, caplog):
    corpus.write_rows("csv")
    (corpus.data / "alignments").mkdir()
    for number in range(30):
        (corpus.data / "alignments" / f"{number}.csv").write_text("begin,end\n0,1\n1,2\n")
        (corpus.data / "alignments" / f"{number}.json").write_text("{}")
    data = prepare(corpus)
    assert len(data.utt2spk) == 24 and accounted(data) == 24 + 60
    found = {source: count for (source, _), count in counts(data).items()}
    assert found["alignments/*.csv"] == 60 and len(found) == 3
    assert (data.path / "left_out.tsv").read_text().count("alignments/") == 30
    assert sum("30 files, not used" in message for message in caplog.messages) == 1


def test_embeddings_and_outputs_below_the_rows_are_no_rows(corpus):
    corpus.write_rows("csv")
    corpus.embeddings.rename(corpus.data / "embeddings")
    corpus.embeddings = corpus.data / "embeddings"
    (corpus.embeddings / "durations.csv").write_text("id,seconds\na,1\n")
    scp = corpus.embeddings / "xvector.scp"
    scp.write_text(scp.read_text().replace("/embeddings/", "/corpus/embeddings/"))
    work(Options(corpus.data, corpus.embeddings, corpus.data / "all"))
    work(Options(corpus.data, corpus.embeddings, corpus.data / "all", force=True))
    assert len((corpus.data / "all" / "left_out.tsv").read_text().splitlines()) == 1


@pytest.mark.field_case("A val.csv that is a dangling link, a pipe, an empty directory or a pointer of Git LFS")
@pytest.mark.parametrize("name", ["val.csv", "train_scaled.parquet", "a/holdout.jsonl.gz"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.symlink_to("nowhere"), "a link to nowhere, which is not there, but the name is"),
        (os.mkfifo, "not a file, but the name is"),
        (lambda path: path.mkdir(), "a directory without tables"),
    ],
)
def test_what_cannot_be_opened_is_an_error(corpus, name, make, message):
    write_csv(corpus.data / "train.csv", corpus.rows)
    path = corpus.data / name
    path.parent.mkdir(exist_ok=True)
    make(path)
    fails(corpus, f"{path.name}: {message}")


@pytest.mark.field_case("A pointer of Git LFS in place of a table of rows or of embeddings")
@pytest.mark.parametrize("name", ["val.csv", "train_scaled.parquet", "holdout.jsonl", "x.json"])
def test_pointers_in_place_of_tables(corpus, name):
    write_csv(corpus.data / "train.csv", corpus.rows)
    (corpus.data / name).write_text(LFS)
    fails(corpus, f"{name}: a Git LFS pointer in place of the file")
    (corpus.data / name).unlink()
    for other in ("xvector.ark", "xvector.scp"):
        kept = (corpus.embeddings / other).read_bytes()
        (corpus.embeddings / other).write_text(LFS)
        if other == "xvector.scp":
            fails(corpus, f"{other}: a Git LFS pointer in place of the file")
        (corpus.embeddings / other).write_bytes(kept)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train_scaled.csv", b"caf\xe9\n", "not UTF-8"),
        ("ears-test.jsonl", b"{\n", "not JSON"),
        ("my_dev.csv.gz", b"no gzip", "not a whole gzip file"),
        ("holdout.parquet", b"PAR1", "not a readable parquet file"),
    ],
)
def test_a_damaged_table_whose_name_promises_rows_is_an_error(corpus, name, content, message):
    write_csv(corpus.data / "train.csv", corpus.rows)
    (corpus.data / name).write_bytes(content)
    fails(corpus, f"{name}.*{message}")


@pytest.mark.field_case("Shards or sets of a table that are missing")
def test_incomplete_tables(corpus):
    write_shards(corpus.data / "train_base.parquet", corpus.rows)
    (corpus.data / "train_base-00001-of-00002.parquet").rename(corpus.data / "train_base-00001-of-00003.parquet")
    fails(corpus, "1 of [23] shards of train_base are here, and number [01] is missing")
    for file in corpus.data.iterdir():
        file.unlink()
    write_shards(corpus.data / "train.parquet", corpus.rows)
    (corpus.data / "train-00000-of-00002.parquet").unlink()
    fails(corpus, "1 of 2 shards of train are here, and number 0 is missing")
    (corpus.data / "train-00001-of-00002.parquet").unlink()
    write_saved(corpus.data / "train_base", corpus.rows)
    (corpus.data / "dataset_dict.json").write_text('{"splits": ["train_base", "dev"]}')
    fails(corpus, "dataset_dict.json: names 'dev', which is not there")
    (corpus.data / "dataset_dict.json").write_text('{"splits": ["train_base"]}')
    assert len(prepare(corpus).utt2spk) == 24
    (corpus.data / "train_base" / "cache-1.arrow").write_bytes(b"x")
    data = prepare(corpus)
    assert len(data.utt2spk) == 24 and ("train_base/cache-1.arrow" in {source for source, _ in counts(data)})


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


def test_links_that_lead_in_circles_do_no_harm(corpus):
    corpus.write_rows("csv")
    (corpus.data / "again").symlink_to(corpus.data)
    (corpus.data / "copy.csv").symlink_to(corpus.data / "train.csv")
    data = prepare(corpus)
    assert len(data.utt2spk) == 24 and accounted(data) == 40


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


@pytest.mark.field_case("Downloads of tables that are not complete, and files that systems and programs leave")
def test_incomplete_downloads_are_told(corpus):
    corpus.write_rows("csv")
    left = (
        "dev-00000-of-00001.parquet.incomplete",
        "all.csv.part",
        "all.csv.gz.crdownload",
        "rows.ndjson",
        "x.jsonl.bak",
    )
    for name in (*left, "Thumbs.db", "~$train.xlsx", ".train.csv.swp", "x.flac.part", "notes.md.bak"):
        (corpus.data / name).write_text("{}")
    data = prepare(corpus)
    assert accounted(data) == 24
    assert {source for source, reason in counts(data) if reason.startswith("file not read")} == {*left, "all sources"}


@pytest.mark.field_case("A table of JSON by columns, as pandas writes it by default")
def test_json_by_columns(corpus):
    columns = {name: {str(n): row[name] for n, row in enumerate(corpus.rows)} for name in corpus.rows[0]}
    (corpus.data / "train.json").write_text(json.dumps(columns))
    fails(corpus, "train.json:1: column 'audio_path' holds an object, expected text")
