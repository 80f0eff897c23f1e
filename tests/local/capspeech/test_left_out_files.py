"""Files beside tables of rows or in their place: left out by name and counted, or an error."""

import os

import pytest

from local.capspeech.__main__ import Options, work
from tests.local.capspeech.prepared import accounted, corpus_without_rows, counts, fails, prepare
from tests.local.corpus import Corpus, write_arrow, write_csv, write_parquet, write_saved, write_shards

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return corpus_without_rows(tmp_path)


@pytest.mark.field_case("Copies of rows that Hugging Face's datasets keep beside a table")
def test_caches_are_left_out_and_counted(corpus):
    folder = corpus.data / "capspeech" / "default" / "0.0.0"
    folder.mkdir(parents=True)
    write_arrow(folder / "capspeech-train.arrow", corpus.rows)
    write_arrow(folder / "cache-1f2e3d4c.arrow", [row | {"pitch": "high-pitched"} for row in corpus.rows[:5]])
    write_arrow(folder / "cache-1f2e3d4c_00001_of_00002.arrow", [{"indices": number} for number in range(3)])
    assert accounted(prepare(corpus)) == 24 + 5 + 3


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


def test_links_that_lead_in_circles_do_no_harm(corpus):
    corpus.write_rows("csv")
    (corpus.data / "again").symlink_to(corpus.data)
    (corpus.data / "copy.csv").symlink_to(corpus.data / "train.csv")
    data = prepare(corpus)
    assert len(data.utt2spk) == 24 and accounted(data) == 40


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
