"""Packed files are unpacked in pieces, and refused by name where they are damaged or inflated."""

import gzip
import os
import tracemalloc
from functools import cache

import pytest

from utils.archives import read_vectors, scan_archive
from utils.errors import InputError
from utils.json_files import read_json
from utils.packed_files import FREE, PIECE, read_pieces
from utils.pointer_files import refuse_pointer
from utils.tables import iterate_lines, read_lines, read_table, read_text


@cache
def inflated(byte: bytes) -> bytes:
    """Three gigabytes of one byte, packed: a gzip file may have many members."""
    return 192 * gzip.compress(16 * 2**20 * byte, 1)


def test_pieces_are_the_content(tmp_path):
    content = bytes(range(256)) * 9000
    (tmp_path / "x.gz").write_bytes(gzip.compress(content))
    (tmp_path / "x").write_bytes(content)
    for name in ("x", "x.gz"):
        pieces = list(read_pieces(tmp_path / name))
        assert b"".join(pieces) == content and max(map(len, pieces)) <= PIECE


@pytest.mark.hostile("3 GB of one byte packed by gzip, as an archive, a script file or a table")
@pytest.mark.parametrize("byte", [b"\0", b"k"])
@pytest.mark.parametrize("name", ["x.ark.gz", "x.scp.gz", "x.csv.gz"])
def test_inflated_files_take_no_memory(tmp_path, name, byte):
    path = tmp_path / name
    path.write_bytes(inflated(byte))
    (tmp_path / "y.scp").write_text(f"k {path}:2\n")
    readers = {
        "x.ark.gz": [lambda: list(scan_archive(path)), lambda: read_vectors(tmp_path / "y.scp")],
        "x.scp.gz": [lambda: read_table(path)],
        "x.csv.gz": [lambda: read_text(path)],
    }
    tracemalloc.start()
    for read in readers[name]:
        with pytest.raises(InputError, match=rf"{name}:?(1|2)?: (unpacks to more|a NUL byte|a line of|expected)"):
            read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * FREE


@pytest.mark.hostile("A file of 3 GB without content, as an archive or a table")
def test_files_of_nothing_but_zeros(tmp_path):
    for name in ("x.ark", "x.scp"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(3 * 2**30)
    tracemalloc.start()
    with pytest.raises(InputError, match="x.ark:0: expected 'key vector', found"):
        list(scan_archive(tmp_path / "x.ark"))
    with pytest.raises(InputError, match="x.scp:1: a NUL byte"):
        read_table(tmp_path / "x.scp")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < FREE


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: b"text", lambda raw: raw[:20] + b"!" + raw[21:]])
def test_damaged_files(tmp_path, damage):
    (tmp_path / "x.gz").write_bytes(damage(gzip.compress(bytes(range(256)))))
    with pytest.raises(InputError, match="x.gz: not a whole gzip file"):
        list(read_pieces(tmp_path / "x.gz"))


def test_tables_that_shrink_well_are_no_harm(tmp_path):
    table = {f"utterance-{number:07}": "exp/xvectors/capspeech/xvector.1.ark:2" for number in range(100_000)}
    text = "".join(f"{key} {value}\n" for key, value in table.items())
    (tmp_path / "x.scp.gz").write_bytes(gzip.compress(text.encode(), 9))
    assert read_table(tmp_path / "x.scp.gz") == table


@pytest.mark.hostile("A pipe or a device in place of a table, a list, a JSON file, an archive or a parquet file")
@pytest.mark.parametrize(
    "read", [read_table, read_text, read_lines, read_json, refuse_pointer, scan_archive, iterate_lines]
)
@pytest.mark.parametrize("name", ["x", "x.gz", "zero"])
def test_pipes_and_devices_never_hang(tmp_path, read, name):
    if name == "zero":
        (tmp_path / name).symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: (no regular file but a pipe or device|not a file)"):
        list(read(tmp_path / name))


def test_what_the_shell_has_opened_is_read():
    reading, writing = os.pipe()
    os.write(writing, b"a 1\nb 2\n")
    os.close(writing)
    assert read_lines(f"/dev/fd/{reading}") == ["a 1", "b 2"]
    os.close(reading)
