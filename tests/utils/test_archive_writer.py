"""Writing archives: Kaldi reads what we write; what cannot be written is one clear error."""

import kaldiio
import numpy as np
import pytest

from utils.archive_writer import ArchiveWriter, write_vectors
from utils.archives import read_vectors
from utils.errors import InputError

KEYS = ["b-10", "a-1", "ü-3"]


@pytest.fixture
def matrix() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)


def test_kaldiio_reads_what_we_write(tmp_path, matrix):
    write_vectors(tmp_path / "x.ark", tmp_path / "x.scp", KEYS, matrix)
    assert [line.split()[0] for line in (tmp_path / "x.scp").read_text().splitlines()] == sorted(KEYS)
    for vectors in (dict(kaldiio.load_ark(str(tmp_path / "x.ark"))), kaldiio.load_scp(str(tmp_path / "x.scp"))):
        for key, row in zip(KEYS, matrix, strict=True):
            assert vectors[key].dtype == np.float32
            np.testing.assert_array_equal(vectors[key], row)


def test_first_offsets_are_those_of_kaldi(tmp_path):
    with ArchiveWriter(tmp_path / "x.ark", tmp_path / "x.scp") as writer:
        writer.write(["a"], np.ones((1, 2)))
        writer.write(["b"], np.ones((1, 1)))
    assert [line.rpartition(":")[2] for line in (tmp_path / "x.scp").read_text().splitlines()] == ["2", "22"]


def test_chunks_write_the_same_bytes_as_one_call(tmp_path):
    matrix = np.random.default_rng(1).standard_normal((5000, 3)).astype(np.float32)
    keys = [f"k{row}" for row in range(5000)]
    write_vectors(tmp_path / "one.ark", tmp_path / "one.scp", keys, matrix)
    with ArchiveWriter(tmp_path / "two.ark", tmp_path / "two.scp", tmp_path / "one.ark") as writer:
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
    with pytest.raises(InputError, match="no line for 'c'"):
        read_vectors(tmp_path / "x.scp", ["c"])


@pytest.mark.parametrize("keys", [["a", "b c", "d"], ["a", "", "d"], ["a", "b", "a"]])
def test_keys_that_cannot_be_written(tmp_path, matrix, keys):
    with pytest.raises(InputError, match="key"):
        write_vectors(tmp_path / "x.ark", tmp_path / "x.scp", keys, matrix)
    assert not (tmp_path / "x.scp").exists()
