"""Text tables: what is written is read back; what cannot be written or read is one clear error."""

import pytest

from utils.errors import InputError
from utils.tables import read_table, write_table


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
        (b"\xef\xbb\xbfa 1\n", ":1: begins with a byte order mark"),
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
