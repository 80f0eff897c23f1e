"""Vectors, matrices and vectors of int32 of every form: ours, kaldiio's and those that are damaged."""

import gzip
import os
import pickle
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from utils.archive_writer import ArchiveWriter
from utils.archives import ArchiveReader, read_vectors, scan_archive
from utils.errors import InputError

RNG = np.random.default_rng(0)
VECTOR, MATRIX = RNG.standard_normal(5).astype(np.float32), RNG.standard_normal((12, 5)).astype(np.float32)
INTEGERS = np.array([3, -1, 2**31 - 1, -(2**31), 0], np.int32)
ODD = np.array([np.nan, np.inf, -np.inf, 0.0, 1e-45], np.float32)
OBJECTS = {
    "vector": VECTOR,
    "matrix": MATRIX,
    "one row": MATRIX[:1],
    "one column": MATRIX[:, :1],
    "double vector": VECTOR.astype(np.float64) / 3,
    "double matrix": MATRIX.astype(np.float64) / 3,
    "int32": INTEGERS,
    "no int32": INTEGERS[:0],
    "not finite": ODD,
}


def write(folder: Path, objects: dict[str, np.ndarray], **how) -> Path:
    """Write objects, each with its own type. Returns the script file."""
    with ArchiveWriter(folder / "x.ark", folder / "x.scp", **how) as writer:
        for key, value in objects.items():
            writer.add(key, value)
    return folder / "x.scp"


def write_with_kaldiio(folder: Path, objects: dict[str, np.ndarray], kind: str = "ark,scp", **how) -> Path:
    with kaldiio.WriteHelper(f"{kind}:{folder / 'x.ark'},{folder / 'x.scp'}", **how) as writer:
        for key, value in objects.items():
            writer(key, value)
    return folder / "x.scp"


def write_raw(folder: Path, record: bytes) -> Path:
    """An archive with one record of these bytes."""
    (folder / "x.ark").write_bytes(b"k " + record)
    (folder / "x.scp").write_text(f"k {folder / 'x.ark'}:2\n")
    return folder / "x.scp"


def assert_same(value: np.ndarray, wanted: np.ndarray) -> None:
    assert (value.dtype, value.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(value, wanted)
    assert value.flags.writeable and value.flags.aligned


@pytest.mark.parametrize("name", OBJECTS)
def test_what_we_write_is_read_back_and_is_the_bytes_of_kaldiio(tmp_path, name):
    value = OBJECTS[name]
    script = write(tmp_path, {"k": value, "l": value}, dtype=value.dtype if value.dtype.kind == "f" else np.float32)
    ours = (tmp_path / "x.ark").read_bytes()
    assert_same(ArchiveReader(script)["l"], value)
    theirs = kaldiio.load_scp(str(script))["l"]
    np.testing.assert_array_equal(theirs, value)
    assert theirs.dtype == value.dtype
    write_with_kaldiio(tmp_path, {"k": value, "l": value})
    assert (tmp_path / "x.ark").read_bytes() == ours


def test_floats_are_written_as_the_writer_says(tmp_path):
    reader = ArchiveReader(write(tmp_path, {"v": VECTOR, "m": MATRIX.astype(np.float64)}, dtype=np.float64))
    assert_same(reader["v"], VECTOR.astype(np.float64))
    with ArchiveWriter(tmp_path / "x.ark", tmp_path / "x.scp", dtype=np.float64) as writer:
        writer.write(["a", "b"], MATRIX[:2].astype(np.float64) / 3)
        writer.add("c", INTEGERS)
    reader = ArchiveReader(tmp_path / "x.scp")
    assert_same(reader["b"], MATRIX[1].astype(np.float64) / 3)
    assert_same(reader["c"], INTEGERS)


@pytest.mark.parametrize("method", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("rows", [1, 12])
def test_compressed_matrices_are_those_of_kaldiio(tmp_path, method, rows):
    script = write_with_kaldiio(tmp_path, {"k": np.clip(np.abs(MATRIX[:rows]), 0, 1)}, compression_method=method)
    value = ArchiveReader(script)["k"]
    np.testing.assert_array_equal(value, kaldiio.load_scp(str(script))["k"])
    assert value.dtype == np.float32


@pytest.mark.parametrize(("kind", "error"), [("CM", 0.05), ("CM2", 1e-4), ("CM3", 0.02)])
def test_compressed_writing(tmp_path, kind, error):
    reader = ArchiveReader(write(tmp_path, {"k": MATRIX, "i": INTEGERS}, compress=kind))
    assert (tmp_path / "x.ark").read_bytes()[2:].startswith(f"\0B{kind} ".encode())
    assert 0 < np.abs(reader["k"] - MATRIX).max() < error
    assert_same(reader["i"], INTEGERS)
    with pytest.raises(InputError, match=f"x.ark: k: {kind}: expected a finite matrix"):
        write(tmp_path, {"k": VECTOR}, compress=kind)


@pytest.mark.parametrize("kind", ["CM", "CM2", "CM3"])
def test_a_compressed_matrix_without_elements(tmp_path, kind):
    assert ArchiveReader(write_raw(tmp_path, b"\0BCM " + bytes(16)))["k"].shape == (0, 0)
    assert ArchiveReader(write(tmp_path, {"k": np.ones((0, 3)), "m": MATRIX}, compress=kind))["k"].shape == (0, 0)
    assert (tmp_path / "x.ark").read_bytes().startswith(b"k \0BCM " + bytes(16) + b"m ")  # as Kaldi writes it


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_a_matrix_without_elements_is_written_as_kaldi_has_it(tmp_path, shape):
    assert ArchiveReader(write(tmp_path, {"k": np.ones(shape)}))["k"].shape == (0, 0)


@pytest.mark.parametrize("path", [".:2", "..", "x.ark:\u00b2"])
def test_what_is_no_file_is_told_with_script_and_key(tmp_path, path):
    (tmp_path / "x.scp").write_text(f"k {path}\n", encoding="utf-8")
    with pytest.raises(InputError, match="x.scp: k: .*(not a file|no such archive)"):
        ArchiveReader(tmp_path / "x.scp")["k"]


def test_lines_of_windows_end_text_archives_too(tmp_path):
    write_raw(tmp_path, b" [ 1 2 ]\r\nl  [ 3 ]\r\nm 1 2\r\n")
    assert [key for key, _ in scan_archive(tmp_path / "x.ark")] == ["k", "l", "m"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" [ 1 2.5 -3e2 ]\n", [1, 2.5, -300]),
        (" [ nan inf -inf ]\n", [np.nan, np.inf, -np.inf]),
        (" [\n  1 2 \n  3 4 ]\n", [[1, 2], [3, 4]]),
        (" [\n  1 2 ]\n", [[1, 2]]),
        (" [\n  1 \n  2 ]\n", [[1], [2]]),
        (" [ ]\n", []),
        (" [ 1 2\n 3 4 ]\n", [[1, 2], [3, 4]]),
    ],
)
def test_floats_in_text_form(tmp_path, text, value):
    assert_same(ArchiveReader(write_raw(tmp_path, text.encode()))["k"], np.array(value, np.float64))


@pytest.mark.parametrize("text", ["3 -1 2147483647 \n", "\n", " 7\r\n", "1\n"])
def test_integers_in_text_form(tmp_path, text):
    reader = ArchiveReader(write_raw(tmp_path, text.encode() + b"l 1 \n"))
    assert_same(reader["k"], np.array(text.split(), np.int32))
    assert [key for key, _ in scan_archive(tmp_path / "x.ark")] == ["k", "l"]


def test_text_of_kaldiio(tmp_path):
    script = write_with_kaldiio(tmp_path, {"v": VECTOR, "m": MATRIX, "r": MATRIX[:1]}, "ark,scp,t")
    reader = ArchiveReader(script)
    for key, value in {"v": VECTOR, "m": MATRIX, "r": MATRIX[:1]}.items():
        np.testing.assert_array_equal(reader[key].astype(np.float32), value)


@pytest.mark.parametrize(
    ("key", "window", "cut"),
    [
        ("m", "2:4", np.s_[2:5]),
        ("m", "2:2", np.s_[2:3]),
        ("m", "5:10,0:3", np.s_[5:11, :4]),
        ("m", ",1:2", np.s_[:, 1:3]),
        ("m", ":,1:2", np.s_[:, 1:3]),
        ("m", "10:14", np.s_[10:]),  # Kaldi takes three rows more than there are
        ("d", "0:0,4:4", np.s_[:1, 4:]),
        ("c", "3:7", np.s_[3:8]),
        ("t", "3:7,1:1", np.s_[3:8, 1:2]),
        ("v", "1:3", np.s_[1:4]),
        ("i", "0:1", np.s_[:2]),
    ],
)
def test_ranges_of_all_kinds(tmp_path, key, window, cut):
    folders = {name: tmp_path / name for name in ("plain", "double", "compressed", "text")}
    for folder in folders.values():
        folder.mkdir()
    scripts = [
        write(folders["plain"], {"m": MATRIX, "v": VECTOR, "i": INTEGERS}),
        write(folders["double"], {"d": MATRIX}, dtype=np.float64),
        write(folders["compressed"], {"c": MATRIX}, compress="CM"),
        write_with_kaldiio(folders["text"], {"t": MATRIX}, "ark,scp,t"),
    ]
    lines = "".join(script.read_text() for script in scripts)
    (tmp_path / "all.scp").write_text(lines)
    (tmp_path / "cut.scp").write_text(lines.replace("\n", f"[{window}]\n"))
    np.testing.assert_array_equal(
        ArchiveReader(tmp_path / "cut.scp")[key], ArchiveReader(tmp_path / "all.scp")[key][cut]
    )


@pytest.mark.parametrize(
    ("key", "window"), [("m", "12:12"), ("m", "3:15"), ("m", "2:1"), ("m", "0:1,0:5"), ("v", "0:5"), ("i", "0:0,0:0")]
)
def test_ranges_that_leave_the_object(tmp_path, key, window):
    script = write(tmp_path, {"m": MATRIX, "v": VECTOR, "i": INTEGERS})
    script.write_text(script.read_text().replace("\n", f"[{window}]\n"))
    with pytest.raises(InputError, match=rf"x.scp: {key}: .*x.ark:\d+\[{window}\].* range"):
        ArchiveReader(script)[key]


@pytest.mark.parametrize("name", [*OBJECTS, "CM", "CM2", "CM3", "text", "text integers"])
def test_every_truncation_is_told_with_file_and_key(tmp_path, name):
    if name.startswith("text"):
        script = write_raw(tmp_path, b" [\n 1 2 \n 3 4 ]" if name == "text" else b"11 12 \n")
    else:
        kind = name if name in ("CM", "CM2", "CM3") else None
        value = OBJECTS.get(name, MATRIX)
        script = write(tmp_path, {"k": value}, dtype=np.float64 if "double" in name else np.float32, compress=kind)
    size = (tmp_path / "x.ark").stat().st_size
    for length in reversed(range(2, size)):
        os.truncate(tmp_path / "x.ark", length)
        with pytest.raises(InputError, match=r"x\.scp: k: .*x\.ark:2"):
            ArchiveReader(script)["k"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"PKL" + pickle.dumps([1.0]), "no vector or matrix begins here"),
        (b"NPY\1\5", "no vector or matrix begins here"),
        (b"RIFF....WAVE", "no vector or matrix begins here"),
        (b"\0BFV \4\xff\xff\xff\xff", "does not end inside the archive"),
        (b"\0BFM \4\1\0\0\0\4\xff\xff\xff\xff", "does not end inside the archive"),
        (b"\0BFM \4\xff\xff\xff\x7f\4\xff\xff\xff\x7f", "does not end inside the archive"),
        (b"\0B\4\2\0\0\0\4\1\0\0\0\5\2\0\0\0", "expected int32 elements"),
        (b"\0B\x08\2\0\0\0", "a Kaldi object of type"),
        (b"\0BSM \4\2\0\0\0", "a Kaldi object of type"),
        (b" [ 1 2 \n 3 ]\n", "not numbers between"),
        (b"1 2 a\n", "must end in a newline, found b'a"),
        (b"1.5 2\n", "must end in a newline, found b'.5 2.*floats without brackets"),
        (b"\0BCM2x" + bytes(40), "a Kaldi object of type"),
        (b"\0BCM3\xff" + bytes(40), "a Kaldi object of type"),
        (b"3000000000\n", "int32 cannot hold"),
        (b"9" * 5000 + b"\n", "int32 cannot hold"),
        (b"1 +-2\n", "int32 cannot hold"),
        (b" [ " + b"0 " * 5_000_000 + b"]\n", "a row of more than 8388608 bytes"),
        (b"0 " * 5_000_000 + b"\n", "a row of more than 8388608 bytes"),
    ],
)
def test_what_is_no_such_object(tmp_path, record, message):
    with pytest.raises(InputError, match=message) as error:
        ArchiveReader(write_raw(tmp_path, record))["k"]
    assert "x.scp: k: " in str(error.value)


@pytest.mark.parametrize(
    "value", [np.array([2**31]), np.ones((2, 2), int), np.ones((1, 1, 1)), np.array(["a"]), ODD > 0]
)
def test_what_cannot_be_written(tmp_path, value):
    with pytest.raises(InputError, match="x.ark: k: expected a vector"):
        write(tmp_path, {"k": value})
    assert not (tmp_path / "x.scp").exists()


def test_vectors_are_not_made_of_matrices_or_integers(tmp_path):
    script = write(tmp_path, {"v": VECTOR, "m": MATRIX, "i": INTEGERS})
    for key in "mi":
        with pytest.raises(InputError, match=f"x.scp: {key}: .* expected a vector or a one-row matrix of floats"):
            read_vectors(script, ["v", key])


def test_a_reader_opens_what_is_asked_for_alone(tmp_path):
    script = write(tmp_path, {"b": VECTOR, "a": MATRIX})
    script.write_text(f"{script.read_text()}z {tmp_path / 'missing.ark'}:2\ny cat x |\n")
    with pytest.raises(InputError, match="x.scp: y: .*pipes are not run"):
        ArchiveReader(script)
    script.write_text(script.read_text().rpartition("y cat")[0])
    reader = ArchiveReader(script)
    assert (list(reader), len(reader), "b" in reader, "c" in reader) == (["a", "b", "z"], 3, True, False)
    assert_same(reader["a"], MATRIX)
    with pytest.raises(InputError, match="x.scp: z: .*missing.ark: no such archive"):
        reader["z"]
    with pytest.raises(InputError, match="x.scp: no line for 'c'"):
        reader["c"]
    np.testing.assert_array_equal(reader.vectors(["b", "b"]), [VECTOR, VECTOR])


def test_a_key_that_comes_twice(tmp_path):
    script = write(tmp_path, {"a": VECTOR})
    script.write_text(2 * script.read_text())
    with pytest.raises(InputError, match="x.scp:2: duplicate key 'a'"):
        ArchiveReader(script)


def test_a_packed_archive_of_matrices(tmp_path):
    script = write(tmp_path, {"a": MATRIX, "b": INTEGERS})
    (tmp_path / "x.ark.gz").write_bytes(gzip.compress((tmp_path / "x.ark").read_bytes()))
    script.write_text(script.read_text().replace("x.ark", "x.ark.gz"))
    assert_same(ArchiveReader(script)["a"], MATRIX)
    assert_same(ArchiveReader(script)["b"], INTEGERS)


def test_scan_finds_objects_of_all_kinds(tmp_path):
    script = write(tmp_path, {name.replace(" ", "-"): value for name, value in OBJECTS.items()})
    lines = sorted(f"{key} {tmp_path / 'x.ark'}:{offset}\n" for key, offset in scan_archive(tmp_path / "x.ark"))
    assert "".join(lines) == script.read_text()
