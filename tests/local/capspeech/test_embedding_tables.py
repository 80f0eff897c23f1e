"""Embedding tables: what is taken for one, and the faults that a table may have."""

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from local.capspeech.embedding_tables import EmbeddingTables
from local.corpus_rules import Rules
from tests.local.corpus import Corpus
from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.errors import InputError

RULES = Rules.load(Path(__file__).parents[3] / "local" / "rules")


def read(folder: Path, **how) -> dict:
    tables = EmbeddingTables(folder, RULES, **how)
    return {key: str(tables.resolve(entry)) for key, entry in tables.entries.items()}


def test_main_table_and_parts_are_one(tmp_path):
    corpus = Corpus(tmp_path)
    corpus.write_embeddings("hyperion csv")
    assert len(EmbeddingTables(corpus.embeddings, RULES).files) == 3
    assert len(read(corpus.embeddings)) == 24


def test_other_tables_are_not_taken_for_embeddings(tmp_path):
    corpus = Corpus(tmp_path)
    corpus.write_embeddings("scp")
    (corpus.embeddings / "durations.csv").write_text("id,seconds\na,1\n")
    (corpus.embeddings / "files.csv").write_text("id,path\na,a.wav\n")
    (corpus.embeddings / "wav.scp").write_text("a sox a.wav |\n")
    (corpus.embeddings / "notes.csv").write_text("")
    assert len(read(corpus.embeddings)) == 24


def test_same_key_at_two_places(tmp_path):
    corpus = Corpus(tmp_path)
    corpus.write_embeddings("scp")
    (corpus.embeddings / "copy").mkdir()
    for name in ("xvector.ark", "xvector.scp"):
        text = (corpus.embeddings / name).read_bytes().replace(b"/xvector.ark", b"/copy/xvector.ark")
        (corpus.embeddings / "copy" / name).write_bytes(text)
    with pytest.raises(InputError, match=r"xvector.scp:1: 'id10000-Wx_m0-00000.wav' is here and at .*xvector.scp:1"):
        read(corpus.embeddings)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "audio_id,ark_file\na,x.ark\n", "x.csv:2: a: no offset; expected a column storage_byte|byte_offset"),
        ("x.csv", "audio_id,ark_file,byte_offset\na,x.ark,1.5\n", "x.csv:2: a: expected a byte offset, found '1.5'"),
        ("x.csv", "audio_id,ark_file,byte_offset\na,x.ark\n", "x.csv:2: 2 cells"),
        (
            "x.csv",
            "audio_id,ark_file,byte_offset\na,x.ark,\u00b2\n",
            "x.csv:2: a: expected a byte offset, found '\u00b2'",
        ),
        ("x.csv", f"id,ark,offset\na,x.ark,{'9' * 5000}\n", "x.csv:2: a: expected a byte offset, found '999"),
        ("x.csv", f"id,ark,offset\na,{'x' * 200_000}.ark,2\n", ".ark': no file has so long a name"),
        ("x.csv", 'id,ark,offset\na,"x.ark,2\nb,x.ark,3\n', "x.csv:2: a quote opens here"),
        ("x.scp", f"a x.ark:{'9' * 5000}\n", "x.scp:1: a: 'x.ark:999"),
        ("x.scp", "a x.ark:\u00b2\n", "x.scp:1: no archive 'x.ark:\u00b2'"),
        ("x.csv", "id,storage_path,storage_byte\na,x.ark,2\na,x.ark,2\n", "x.csv:3: 'a' is here and at"),
        ("x.csv", "id,storage_path,storage_byte\n", "x.csv: empty"),
        ("x.scp", "a x.ark:2\nb\n", "x.scp:2: expected 'key path:offset'"),
        ("x.scp", "a gunzip -c x.ark.gz |\n", "x.scp:1: a: 'gunzip -c x.ark.gz |' is a command"),
        ("x.scp", "a x.ark:2\na y.ark:2\n", "x.scp:2: 'a' is here and at"),
        ("x.ark", "not an archive", "x.ark"),
        (
            "x.csv",
            "audio,ark,offset\na,x,1\n",
            "no embeddings below it; expected csv or tsv with the columns id|audio_id",
        ),
    ],
)
def test_faults(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as error:
        read(tmp_path)
    assert message in str(error.value)


def test_offset_inside_the_path(tmp_path):
    (tmp_path / "a.ark").touch()
    (tmp_path / "x.csv").write_text("id,storage_path\nk,a.ark:17\n")
    assert read(tmp_path) == {"k": f"{tmp_path / 'a.ark'}:17"}


def test_numpy_files_that_do_not_hold_ids_and_a_matrix(tmp_path):
    matrix = np.ones((2, 3), np.float32)
    np.save(tmp_path / "x.npy", matrix)
    with pytest.raises(InputError, match=r"x.npy: holds float32\[2, 3\]; .* with as many lines in x.txt"):
        read(tmp_path)
    (tmp_path / "x.txt").write_text("a\n")
    with pytest.raises(InputError, match="x.npy: holds"):
        read(tmp_path)
    (tmp_path / "x.npy").unlink()
    np.savez(tmp_path / "x.npz", ids=np.array(["a", None], object), vectors=matrix)
    with pytest.raises(InputError, match="x.npz: not readable as numbers and strings: .*pickle"):
        read(tmp_path)
    (tmp_path / "x.npz").write_bytes((tmp_path / "x.npz").read_bytes()[:100])
    with pytest.raises(InputError, match="x.npz: not readable"):
        read(tmp_path)


def test_an_archive_beside_the_table_goes_before_one_of_that_name_here(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    for directory in (tmp_path, tmp_path / "here"):
        (directory / "a.ark").touch()
    (tmp_path / "x.scp").write_text("k a.ark:2\n")
    monkeypatch.chdir(tmp_path / "here")
    assert read(tmp_path) == {"k": f"{tmp_path / 'a.ark'}:2"}


@pytest.mark.field_case("A path with = in --path_map")
def test_a_path_of_path_map_may_have_an_equals_sign(tmp_path):
    pairs = (r"/a\=b=/c", "/d=/e=f")
    assert EmbeddingTables(tmp_path, RULES, path_map=pairs).path_map == [("/a=b", "/c"), ("/d", "/e=f")]
    for pair in ("=/c", "", r"/a\=/b"):
        with pytest.raises(InputError, match="expected old=new, a = within old written"):
            EmbeddingTables(tmp_path, RULES, path_map=(pair,))


def test_bad_path_map(tmp_path):
    with pytest.raises(InputError, match="expected old=new, .* found 'x'"):
        EmbeddingTables(tmp_path, RULES, path_map=("x",))


def test_the_archives_of_speakers_are_no_embeddings(tmp_path):
    """A directory of embeddings without its script files."""
    write_vectors(tmp_path / "xvector.ark", tmp_path / "x.scp", ["a", "b"], np.eye(2))
    write_vectors(tmp_path / "spk_xvector.ark", tmp_path / "y.scp", ["s"], np.eye(2)[:1])
    for script in tmp_path.glob("*.scp"):
        script.unlink()
    (tmp_path / "num_utts.ark").write_text("s 2\n")
    assert list(read(tmp_path)) == ["a", "b"]


@pytest.mark.field_case("Tables of embeddings packed by gzip, or with a byte order mark")
@pytest.mark.parametrize("layout", ["csv", "hyperion tsv", "scp"])
def test_packed_and_marked_tables(tmp_path, layout):
    corpus = Corpus(tmp_path)
    corpus.write_embeddings(layout)
    plain = read(corpus.embeddings)
    tables = [path for path in corpus.embeddings.rglob("*") if path.suffix in (".csv", ".tsv", ".scp")]
    for path in tables:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(corpus.embeddings) == plain
    for path in tables:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert read(corpus.embeddings) == plain


@pytest.mark.field_case("A dangling link or a pipe in place of an archive or a table of embeddings")
@pytest.mark.parametrize("name", ["xvector.2.ark", "a/more.scp", "main.csv", "x.npz", "more.csv.gz"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.symlink_to("/mnt/gone/x"), "a link to /mnt/gone/x, which is not there"),
        (os.mkfifo, "not a file"),
    ],
)
def test_what_is_no_file(tmp_path, name, make, message):
    corpus = Corpus(tmp_path)
    corpus.write_embeddings("csv")
    (corpus.embeddings / "a").mkdir()
    (corpus.embeddings / name).unlink(missing_ok=True)
    make(corpus.embeddings / name)
    with pytest.raises(InputError, match=f"{name}: {message}, but the name is that of embeddings"):
        read(corpus.embeddings)


def test_an_archive_elsewhere_that_a_link_has_lost(tmp_path):
    (tmp_path / "arks").mkdir()
    (tmp_path / "arks" / "x.ark").symlink_to("/mnt/gone/x.ark")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "x.scp").write_text(f"a {tmp_path}/arks/x.ark:2\n")
    with pytest.raises(
        InputError, match=r"x.scp:1: no archive .*; tried .*x.ark \(a link to /mnt/gone/x.ark, which is not"
    ):
        read(tmp_path / "tables")


@pytest.mark.hostile("Numpy files: inflated, with a header that claims terabytes, or a pointer of Git LFS")
def test_hostile_numpy_files(tmp_path):
    zeros = np.zeros((200_000, 192), np.float32)
    np.savez_compressed(tmp_path / "x.npz", ids=np.array(["a"]), vectors=zeros)
    with pytest.raises(InputError, match="x.npz: unpacks to more than 100 times its size"):
        read(tmp_path)
    (tmp_path / "x.npz").unlink()
    np.save(tmp_path / "x.npy", zeros[:1])
    raw = (tmp_path / "x.npy").read_bytes().replace(b"(1, 192), }           ", b"(10000000000000, 192),}")
    (tmp_path / "x.npy").write_bytes(raw)
    (tmp_path / "x.txt").write_text("a\n")
    with pytest.raises(InputError, match="x.npy: not readable as numbers"):
        read(tmp_path)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as packed:
        packed.writestr("x.npy", raw)
    (tmp_path / "x.npy").unlink()
    with pytest.raises(InputError, match="x.npz: not readable as numbers"):
        read(tmp_path)
    (tmp_path / "x.npz").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(InputError, match="x.npz: a Git LFS pointer"):
        read(tmp_path)


@pytest.mark.field_case("A pointer of Git LFS in place of an archive")
@pytest.mark.parametrize("with_table", [True, False])
def test_pointers_in_place_of_archives(tmp_path, with_table):
    corpus = Corpus(tmp_path)
    corpus.write_embeddings("scp" if with_table else "ark alone")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    (corpus.embeddings / "xvector.ark").write_text(pointer)
    with pytest.raises(InputError, match="xvector.ark: a Git LFS pointer"):
        read(corpus.embeddings)
        read_vectors(corpus.embeddings / "xvector.scp")


def test_embeddings_behind_a_link_to_a_directory(tmp_path):
    corpus = Corpus(tmp_path)
    corpus.write_embeddings("csv")
    (tmp_path / "links" / "a").mkdir(parents=True)
    (tmp_path / "links" / "a" / "xvectors").symlink_to(corpus.embeddings)
    (tmp_path / "links" / "again").symlink_to("a")
    assert len(read(tmp_path / "links")) == 24


def test_archives_and_tables_that_are_not_read_are_told(tmp_path, caplog):
    corpus = Corpus(tmp_path)
    corpus.write_embeddings("csv")
    (corpus.embeddings / "xvector.3.ark").touch()
    (corpus.embeddings / "durations.csv").write_text("id,seconds\na,1\n")
    assert len(read(corpus.embeddings)) == 24
    assert [message.partition(",")[2].rpartition(", such as ")[0] for message in caplog.messages] == [
        " no table of embeddings",
        " named by no table",
    ]
    assert "xvector.3.ark" in caplog.messages[1]
