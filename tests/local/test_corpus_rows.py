"""Rows from files: cells that hold lists, and lines that can be found again."""

import pytest

from local.corpus_rows import as_texts, read_rows
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
