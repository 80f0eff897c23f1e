"""Tables of vectors: Kaldi reads what we write; what we cannot write or read is one clear error."""

import kaldiio
import numpy as np
import pytest

from utils.errors import InputError
from utils.tables import VectorWriter, read_table, read_vectors, write_table, write_vectors

KEYS = ["b-10", "a-1", "ü-3"]


@pytest.fixture
def matrix() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)


def test_table_round_trip_is_sorted_and_verbatim(tmp_path):
    table = {"b": "x  y 'q' $(z) 🎤", "a": "1", "B": "2"}
    write_table(tmp_path / "t", table)
    assert (tmp_path / "t").read_text() == "B 2\na 1\nb x  y 'q' $(z) 🎤\n"
    assert read_table(tmp_path / "t") == table


def test_table_takes_tabs_and_windows_line_ends(tmp_path):
    (tmp_path / "t").write_bytes(b"a\tx y\r\nb z\tw\r\n")
    assert read_table(tmp_path / "t") == {"a": "x y", "b": "z\tw"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a 1\na 2\n", ":2: duplicate key 'a'"),
        (b"a 1\nb\n", ":2: expected 'key value'"),
        (b"a 1\n\nb 2\n", ":2: expected 'key value'"),
        (b"a 1\nb \xff\n", ":2: not UTF-8"),
    ],
)
def test_bad_tables(tmp_path, content, message):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "t")


@pytest.mark.parametrize("table", [{"a b": "1"}, {"": "1"}, {"a": ""}, {"a": "x\ny"}])
def test_tables_that_cannot_be_written(tmp_path, table):
    with pytest.raises(InputError, match=str(tmp_path / "t")):
        write_table(tmp_path / "t", table)


def test_kaldiio_reads_what_we_write(tmp_path, matrix):
    write_vectors(tmp_path / "x.ark", tmp_path / "x.scp", KEYS, matrix)
    assert [line.split()[0] for line in (tmp_path / "x.scp").read_text().splitlines()] == sorted(KEYS)
    for vectors in (dict(kaldiio.load_ark(str(tmp_path / "x.ark"))), kaldiio.load_scp(str(tmp_path / "x.scp"))):
        for key, row in zip(KEYS, matrix, strict=True):
            assert vectors[key].dtype == np.float32
            np.testing.assert_array_equal(vectors[key], row)


def test_first_offsets_are_those_of_kaldi(tmp_path):
    with VectorWriter(tmp_path / "x.ark", tmp_path / "x.scp") as writer:
        writer.write(["a"], np.ones((1, 2)))
        writer.write(["b"], np.ones((1, 1)))
    assert [line.rpartition(":")[2] for line in (tmp_path / "x.scp").read_text().splitlines()] == ["2", "22"]


def test_chunks_write_the_same_bytes_as_one_call(tmp_path):
    matrix = np.random.default_rng(1).standard_normal((5000, 3)).astype(np.float32)
    keys = [f"k{row}" for row in range(5000)]
    write_vectors(tmp_path / "one.ark", tmp_path / "one.scp", keys, matrix)
    with VectorWriter(tmp_path / "two.ark", tmp_path / "two.scp", tmp_path / "one.ark") as writer:
        for start in range(0, 5000, 999):
            writer.write(keys[start : start + 999], matrix[start : start + 999])
    for suffix in ("ark", "scp"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_read_all_or_some_in_the_order_asked(tmp_path, matrix):
    write_vectors(tmp_path / "x.ark", tmp_path / "x.scp", KEYS, matrix)
    keys, vectors = read_vectors(tmp_path / "x.scp")
    assert keys == sorted(KEYS)
    np.testing.assert_array_equal(vectors, matrix[[1, 0, 2]])
    keys, vectors = read_vectors(tmp_path / "x.scp", ["ü-3", "a-1"])
    np.testing.assert_array_equal(vectors, matrix[[2, 1]])
    with pytest.raises(InputError, match="no vector for 'c'"):
        read_vectors(tmp_path / "x.scp", ["c"])


@pytest.mark.parametrize("keys", [["a", "b c", "d"], ["a", "", "d"], ["a", "b", "a"]])
def test_keys_that_cannot_be_written(tmp_path, matrix, keys):
    with pytest.raises(InputError, match="key"):
        write_vectors(tmp_path / "x.ark", tmp_path / "x.scp", keys, matrix)
    assert not (tmp_path / "x.scp").exists()
