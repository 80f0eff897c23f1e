"""Rows from files: cells that hold lists, and lines that can be found again."""

import gzip
import json

import pytest

from steps.data.table_rows import as_texts, read_columns, read_rows
from utils.errors import InputError


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        ("a voice", ["a voice"]),
        (" two\nlines ", ["two lines"]),
        ("['one', 'two']", ["one", "two"]),
        (["one", None, " "], ["one"]),
        ("[laughs] a voice", ["[laughs] a voice"]),
        ("[]", []),
        (None, []),
        ("", []),
    ],
)
def test_texts_of_a_cell(cell, texts):
    assert as_texts(cell) == texts


@pytest.mark.hostile("Captions such as [{[]}], 60,000 minus signs or 100,000 brackets")
@pytest.mark.parametrize(
    "cell",
    [
        *("[{[]}]", "[1,", "[{}: 1]", "['a' 'b'", "[lambda: 1]", "[" + "-" * 60_000 + "1]", "-" * 60_000),
        *("[" * 100_000, "[" * 5000 + "]" * 5000, "[" + "9" * 5000 + "]", "[" + "(" * 300 + ")" * 300 + "]"),
    ],
)
def test_texts_that_are_no_list(cell):
    texts = as_texts(cell)
    assert texts == [cell] or (len(texts) == 1 and set(texts[0]) <= set("[]"))


@pytest.mark.field_case("Rows of JSON: with a byte order mark, packed, as one list, or under a name such as known.json")
@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.JSONL", "x.jsonl.gz", "list.json", "list.json.gz"])
def test_rows_of_json(tmp_path, name):
    rows = [{"id": "a", "n": 1}, {"id": "b", "gender": None}]
    text = (
        json.dumps(rows, indent=1) if name.startswith("list") else "\n".join(json.dumps(row) for row in rows) + "\n\n"
    )
    raw = b"\xef\xbb\xbf" + text.encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    columns, found = read_rows(tmp_path / name)
    assert columns == ["id", "n", "gender"] == read_columns(tmp_path / name)
    wheres, found = zip(*found, strict=True)
    assert list(found) == rows
    assert [where.rpartition(name)[2] for where in wheres] == (
        [": row 1", ": row 2"] if name.startswith("list") else [":1", ":2"]
    )


@pytest.mark.hostile("Rows of JSON that are nested deeply, have a key twice, or halves of characters")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a": ' * 100_000, ":2: JSON nested too deeply"),
        ('{"a": 1, "a": 2}', ":2: the key 'a' comes twice"),
        ('{"a": {"b": 1, "b": 2}}', ":2: the key 'b' comes twice"),
        ('{"a": "\\ud800"}', ":2: '.ud800' is half of a character"),
        ('{"a": ' + "9" * 5000 + "}", ":2: not readable as JSON"),
        ("[" + "1," * 100_000 + "1]", r":2: expected a JSON object, found \[1, 1"),
        ("x" * 200_000, ":2: not JSON"),
        ("{", ":2: not JSON"),
    ],
)
def test_hostile_rows_of_json(tmp_path, line, message):
    (tmp_path / "x.jsonl").write_text(f'{{"a": 1}}\n{line}\n')
    with pytest.raises(InputError, match=f"x.jsonl{message}") as error:
        read_rows(tmp_path / "x.jsonl")
    assert len(str(error.value)) < 300


@pytest.mark.field_case("A table in a format that is not read says which are: known.xlsx, known.txt")
@pytest.mark.parametrize("name", ["known.xlsx", "known", "known.txt", "known.csv.zst", "known.parquet.gz"])
def test_other_formats(tmp_path, name):
    (tmp_path / name).write_text("a")
    with pytest.raises(InputError, match=f"{name}: not a table of a known format; expected .csv, .tsv, .jsonl, .json"):
        read_rows(tmp_path / name)


def test_one_object_over_many_lines(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({"a.wav": {"gender": "male"}}, indent=1))
    with pytest.raises(InputError, match="x.json: expected a list of objects, or an object on each line, found an"):
        read_rows(tmp_path / "x.json")


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.json", "x.tsv"])
def test_files_without_rows(tmp_path, name):
    (tmp_path / name).write_text("a\n" if name[2] in "ct" else "[]" if name == "x.json" else "\n")
    with pytest.raises(InputError, match=f"{name}: no rows; is the file complete"):
        list(read_rows(tmp_path / name)[1])


def test_lines_are_where_a_row_begins(tmp_path):
    (tmp_path / "train.csv").write_text('\ufeffid,caption\n1,"two\nlines"\n\n2,x\n', encoding="utf-8")
    columns, rows = read_rows(tmp_path / "train.csv")
    assert columns == ["id", "caption"]
    assert [(where.rpartition(":")[2], row["id"], row["caption"]) for where, row in rows] == [
        ("2", "1", "two\nlines"),
        ("5", "2", "x"),
    ]


def test_truncated_arrow(tmp_path):
    import pyarrow as pa

    table = pa.table({"id": [str(number) for number in range(10000)]})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)
    whole = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "a.arrow").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="a.arrow: not readable after row"):
        list(read_rows(tmp_path / "a.arrow")[1])
