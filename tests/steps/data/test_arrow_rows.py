"""Parquet and arrow files, as others write and damage them: rows, or one error that names the file."""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.data.arrow_rows import BATCH, read_arrow
from utils.errors import InputError

CLASSES = {"gender": {"names": ["female", "male"], "_type": "ClassLabel"}}
NOT_UTF8 = pa.array([b"ok", b"\xff\xfe"], pa.binary()).view(pa.string())


def table(gender: object, metadata: object = None) -> pa.Table:
    """Two rows, and what Hugging Face's metadata say: features, or bytes."""
    content = pa.table({"id": ["a", "b"], "gender": gender})
    raw = metadata if isinstance(metadata, bytes) else json.dumps({"info": {"features": metadata}})
    return content if metadata is None else content.replace_schema_metadata({"huggingface": raw})


def write(path: Path, content: pa.Table) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(content, path)
    else:
        new = pa.ipc.new_stream if path.stem == "stream" else pa.ipc.new_file
        with pa.OSFile(str(path), "wb") as sink, new(sink, content.schema) as writer:
            writer.write_table(content)
    return path


def read(path: Path) -> list:
    columns, rows = read_arrow(path)
    found = [row for _, row in rows]
    assert all(list(row) == columns for row in found)
    return found


FILES = pytest.mark.parametrize("name", ["x.parquet", "stream.arrow", "file.arrow"])


@FILES
@pytest.mark.parametrize(
    ("gender", "metadata", "expected"),
    [
        (["f", None], None, ["f", None]),
        ([1, 0], CLASSES, ["male", "female"]),
        ([-1, None], CLASSES, [None, None]),
        (["f", "m"], {"age": CLASSES["gender"]}, ["f", "m"]),
        ([[["f"]], []], None, [[["f"]], []]),
        (pa.array(["f", "m"]).dictionary_encode(), None, ["f", "m"]),
        (pa.array(["f", "m"], pa.string_view()), None, ["f", "m"]),
        (pa.array(["f", "m"], pa.large_string()), None, ["f", "m"]),
        ([Decimal("103"), None], None, [Decimal("103"), None]),
        ([{"a": 1}, {}], CLASSES, []),
        (pa.array([2**62, 1], pa.timestamp("ns", "Nowhere/Land")), None, []),
        (pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int32())), None, []),
    ],
)
def test_columns_of_every_type(tmp_path, name, gender, metadata, expected):
    rows = read(write(tmp_path / name, table(gender, metadata)))
    assert [row["id"] for row in rows] == ["a", "b"]
    assert [row["gender"] for row in rows if "gender" in row] == expected


@pytest.mark.hostile("Parquet and arrow: class labels out of range, on text, of no names; broken metadata; not UTF-8")
@FILES
@pytest.mark.parametrize(
    ("gender", "metadata", "message"),
    [
        ([0, 7], CLASSES, "row 2: column 'gender' holds 7, which is none of its 2 class labels"),
        ([0, -2], CLASSES, "row 2: column 'gender' holds -2"),
        (["female", "male"], CLASSES, "row 1: column 'gender' holds 'female', which is none of its 2 class labels"),
        ([0.0, 1.0], CLASSES, "row 1: column 'gender' holds 0.0"),
        ([[0], [1]], CLASSES, r"row 1: column 'gender' holds \[0\]"),
        ([0, 1], {"gender": {"_type": "ClassLabel"}}, "metadata are not those of a dataset: .*names"),
        ([0, 1], {"gender": {"_type": "ClassLabel", "names": [1, 2]}}, "metadata are not those of a dataset"),
        ([0, 1], {"gender": {"_type": "ClassLabel", "names": "fm"}}, "metadata are not those of a dataset"),
        ([0, 1], b"{", "'huggingface' metadata:1: not JSON"),
        ([0, 1], b"\xff", "metadata are not those of a dataset: .*utf-8"),
        ([0, 1], b"[]", "metadata are not those of a dataset"),
        ([0, 1], b'{"info": null}', "metadata are not those of a dataset"),
        ([0, 1], b'{"info": {"features": [1]}}', "metadata are not those of a dataset"),
        ([0, 1], b"[" * 100_000, "metadata: JSON nested too deeply"),
        (NOT_UTF8, None, "not readable after row 0; is it complete, in UTF-8"),
        (pa.ListArray.from_arrays([0, 1, 2], NOT_UTF8), None, "not readable after row 0; is it complete, in UTF-8"),
        (pa.DictionaryArray.from_arrays([0, 1], NOT_UTF8), None, "not readable after row 0; is it complete, in UTF-8"),
    ],
)
def test_damaged_columns(tmp_path, name, gender, metadata, message):
    with pytest.raises(InputError, match=f"{name}: .*{message}"):
        read(write(tmp_path / name, table(gender, metadata)))


@pytest.mark.hostile("Parquet and arrow with two columns of one name, or a name of 200 kB")
@FILES
def test_names_of_columns(tmp_path, name):
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["id", "id"])
    with pytest.raises(InputError, match=f"{name}: two columns have one name: 'id'"):
        read(write(tmp_path / name, twice))
    long = "c" * 200_000
    assert read(write(tmp_path / name, pa.table({long: ["x"]}))) == [{long: "x"}]


@pytest.mark.hostile("Parquet and arrow with a name of a column that is not UTF-8")
@FILES
def test_names_that_are_not_utf8(tmp_path, name):
    path = write(tmp_path / name, table(["f", "m"]))
    path.write_bytes(path.read_bytes().replace(b"gender", b"gen\xffer"))
    with pytest.raises(InputError, match=f"{name}: not a readable"):
        read(path)


@pytest.mark.hostile("Parquet of gigabytes in a small file: one row that repeats, one byte that repeats")
@pytest.mark.parametrize(
    "content", [pa.repeat(pa.scalar("a.wav"), 3_000_000), pa.array([30_000_000 * "x", 40_000_000 * "y"])]
)
def test_inflated_parquet(tmp_path, content):
    pq.write_table(pa.table({"id": content}), tmp_path / "x.parquet", compression="zstd")
    with pytest.raises(InputError, match="x.parquet: unpacks to more than 100 times its size"):
        read_arrow(tmp_path / "x.parquet")


@FILES
def test_many_batches(tmp_path, name):
    number = 2 * BATCH + 1
    columns, rows = read_arrow(write(tmp_path / name, pa.table({"id": list(range(number))})))
    assert [(where.rpartition(" ")[2], row["id"]) for where, row in rows] == [(str(n + 1), n) for n in range(number)]


@pytest.mark.field_case("Parquet and arrow files cut short, between two batches too, lose no row in silence")
@FILES
def test_files_cut_short_at_every_place(tmp_path, name):
    content = pa.table({"id": [str(number) for number in range(300)]})
    path = tmp_path / name
    if name == "stream.arrow":
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, content.schema) as writer:
            writer.write_table(content, max_chunksize=100)
    else:
        write(path, content)
    whole = path.read_bytes()
    for end in sorted({*range(0, len(whole), max(1, len(whole) // 60)), *range(len(whole) - 16, len(whole))}):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match=f"{name}: "):
            read(path)
    path.write_bytes(whole)
    assert len(read(path)) == 300
