"""Reading foreign archives: every kind of record that Kaldi writes, and nothing else."""

import gzip
import pickle
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from utils.archive_writer import write_vectors
from utils.archives import read_vectors, scan_archive
from utils.errors import InputError

ROWS = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
KEYS = [f"k{row}" for row in range(4)]


def write(folder: Path, values, kind: str = "ark,scp", **how) -> Path:
    """Let kaldiio write an archive; returns its script file."""
    with kaldiio.WriteHelper(f"{kind}:{folder / 'x.ark'},{folder / 'x.scp'}", **how) as writer:
        for key, value in zip(KEYS, values, strict=True):
            writer(key, value)
    return folder / "x.scp"


@pytest.mark.parametrize("name", ["vectors", "doubles", "one-row matrices", "one-column matrices"])
def test_exact_kinds(tmp_path, name):
    values = {
        "vectors": ROWS,
        "doubles": ROWS.astype(np.float64),
        "one-row matrices": ROWS[:, None, :],
        "one-column matrices": ROWS[:, :, None].astype(np.float64),
    }[name]
    keys, vectors = read_vectors(write(tmp_path, values))
    assert (keys, vectors.dtype) == (KEYS, np.float32)
    np.testing.assert_array_equal(vectors, ROWS)


@pytest.mark.parametrize("method", [2, 3, 5])
def test_compressed_matrices(tmp_path, method):
    _, vectors = read_vectors(write(tmp_path, ROWS[:, None, :], compression_method=method))
    assert 0 < np.abs(vectors - ROWS).max() < 0.05


def test_text_archives(tmp_path):
    _, vectors = read_vectors(write(tmp_path, ROWS, "ark,scp,t"))
    np.testing.assert_allclose(vectors, ROWS, rtol=1e-6)
    _, vectors = read_vectors(write(tmp_path, ROWS[:, None, :], "ark,scp,t"))
    np.testing.assert_allclose(vectors, ROWS, rtol=1e-6)


def test_packed_archive(tmp_path):
    scp = write(tmp_path, ROWS)
    (tmp_path / "x.ark.gz").write_bytes(gzip.compress((tmp_path / "x.ark").read_bytes()))
    scp.write_text(scp.read_text().replace("x.ark", "x.ark.gz"))
    np.testing.assert_array_equal(read_vectors(scp)[1], ROWS)
    write(tmp_path, ROWS + 1)
    scp.write_text(scp.read_text().replace("x.ark", "x.ark.gz"))
    (tmp_path / "x.ark.gz").write_bytes(gzip.compress((tmp_path / "x.ark").read_bytes()))
    np.testing.assert_array_equal(read_vectors(scp)[1], ROWS + 1)  # what is kept of an archive follows the file
    (tmp_path / "x.ark.gz").write_bytes((tmp_path / "x.ark.gz").read_bytes()[:-20])
    with pytest.raises(InputError, match="not a whole gzip file"):
        read_vectors(scp)


def test_ranges_are_inclusive(tmp_path):
    scp = write(tmp_path, [ROWS] * 4)
    location = scp.read_text().splitlines()[0]
    scp.write_text(f"{location}[2:2]\n{location.replace('k0', 'k1')}[0:0,:]\n")
    np.testing.assert_array_equal(read_vectors(scp)[1], ROWS[[2, 0]])
    scp.write_text(f"{location}[3:3,1:4]\n")
    np.testing.assert_array_equal(read_vectors(scp)[1], ROWS[3:4, 1:5])
    for window in ("4:4", "1", "0:0,0:0,0:0"):
        scp.write_text(f"{location}[{window}]\n")
        with pytest.raises(InputError, match="range"):
            read_vectors(scp)


def test_scan_finds_what_the_script_file_says(tmp_path):
    for kind in ("ark,scp", "ark,scp,t"):
        scp = write(tmp_path, ROWS, kind)
        found = [f"{key} {tmp_path / 'x.ark'}:{offset}" for key, offset in scan_archive(tmp_path / "x.ark")]
        assert found == scp.read_text().splitlines()


def test_scan_of_a_truncated_archive(tmp_path):
    write(tmp_path, ROWS)
    whole = (tmp_path / "x.ark").read_bytes()
    for size in (len(whole) - 1, len(whole) - 26, len(whole) - 34):
        (tmp_path / "x.ark").write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"x\.ark"):
            list(scan_archive(tmp_path / "x.ark"))


def spoil(tmp_path: Path, how: str) -> Path:
    """Write a good archive and spoil its last record. Returns the script file."""
    write_vectors(tmp_path / "x.ark", tmp_path / "x.scp", KEYS, ROWS)
    raw, lines = (tmp_path / "x.ark").read_bytes(), (tmp_path / "x.scp").read_text()
    last = int(lines.strip().rpartition(":")[2])
    if how == "truncated":
        (tmp_path / "x.ark").write_bytes(raw[:-3])
    elif how == "header cut":
        (tmp_path / "x.ark").write_bytes(raw[: last + 7])
    elif how == "beyond":
        (tmp_path / "x.scp").write_text(lines.replace(f":{last}", f":{len(raw) + 5}"))
    elif how == "shifted":
        (tmp_path / "x.scp").write_text(lines.replace(f":{last}", f":{last + 1}"))
    elif how in ("missing", "lost link", "pointer"):
        (tmp_path / "x.ark").unlink()
        if how == "lost link":
            (tmp_path / "x.ark").symlink_to("/mnt/gone/x.ark")
        elif how == "pointer":
            (tmp_path / "x.ark").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    elif how == "dimension":
        (tmp_path / "x.ark").write_bytes(raw[:last] + b"\0BFV \4" + b"\2\0\0\0" + bytes(8))
    elif how == "matrix":
        (tmp_path / "x.ark").write_bytes(raw[:last] + b"\0BFM \4\2\0\0\0\4\3\0\0\0" + bytes(24))
    elif how == "pickle":
        (tmp_path / "x.ark").write_bytes(raw[:last] + b"PKL" + pickle.dumps([1.0] * 6))
    elif how == "empty":
        (tmp_path / "x.ark").write_bytes(b"")
    return tmp_path / "x.scp"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("truncated", "does not end inside the archive"),
        ("header cut", "cut short"),
        ("beyond", "beyond the end"),
        ("shifted", "no vector or matrix begins here"),
        ("missing", "no such archive"),
        ("lost link", "x.ark: a link to /mnt/gone/x.ark, which is not there; put it there"),
        ("pointer", "x.ark: a Git LFS pointer in place of the file"),
        ("dimension", "dimension 2 .* expected 6"),
        ("matrix", r"found shape \(2, 3\)"),
        ("pickle", "no vector or matrix begins here"),
        ("empty", "beyond the end"),
    ],
)
def test_bad_records_name_file_and_key(tmp_path, how, message):
    with pytest.raises(InputError, match=message) as error:
        read_vectors(spoil(tmp_path, how))
    assert "x.ark" in str(error.value) and (
        "k3" in str(error.value) or how in ("missing", "lost link", "pointer", "empty")
    )
