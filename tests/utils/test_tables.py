"""Text tables: what is written is read back; what cannot be written or read is one clear error."""

import gzip

import pytest

from utils.errors import InputError
from utils.json_files import read_json
from utils.tables import LONGEST_LINE, iterate_lines, read_table, read_text, sorted_lines, values_of, write_table
from utils.yaml_files import read_yaml

MARK = b"\xef\xbb\xbf"


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
        (b"a 1\nb x\0y\n", ":2: a NUL byte"),
        ("a 1\n".encode("utf-16"), ":1: UTF-16, as its byte order mark says; convert it with iconv"),
        ("a 1\n".encode("utf-16-be"), ":1: a NUL byte"),
        (gzip.compress(b"a 1\n", mtime=0), ": packed by gzip; give it a name that ends in .gz"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", ": a Git LFS pointer in place of"),
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


@pytest.mark.field_case("A byte order mark in front of a text table, or where files were joined")
def test_byte_order_marks_are_no_part_of_a_text(tmp_path):
    path = tmp_path / "t"
    path.write_bytes(MARK + b"a 1\nb 2\n" + MARK + b"c 3\n")
    assert read_table(path) == {"a": "1", "b": "2", "c": "3"}
    assert read_text(path) == "a 1\nb 2\nc 3\n"
    path.write_bytes(MARK + b"a: 1\n")
    assert read_yaml(path) == {"a": 1}
    path.write_bytes(MARK + b'{"a": 1}')
    assert read_json(path) == {"a": 1}
    path.write_bytes(MARK)
    assert list(iterate_lines(path)) == [] and read_text(path) == ""


@pytest.mark.field_case("One transcript of many is empty")
def test_a_transcript_may_be_empty(tmp_path):
    (tmp_path / "text").write_text("a\nb \nc  two words\n")
    assert read_table(tmp_path / "text") == {"a": "", "b": "", "c": "two words"}
    write_table(tmp_path / "text", read_table(tmp_path / "text"))
    assert (tmp_path / "text").read_text() == "a\nb\nc two words\n"
    (tmp_path / "utt2dur").write_text("a\n")
    with pytest.raises(InputError, match="utt2dur:1: expected 'key value', found 'a'"):
        read_table(tmp_path / "utt2dur")
    with pytest.raises(InputError, match="the value of 'a' is empty"):
        write_table(tmp_path / "utt2dur", {"a": ""})


@pytest.mark.parametrize("size", [3, 2**20 - 5, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20])
def test_lines_of_every_length_are_whole(tmp_path, size):
    lines = ["x" * size, "", "\u00e9" * size, "y", ""]
    (tmp_path / "t").write_text("\n".join(lines), encoding="utf-8")
    assert list(iterate_lines(tmp_path / "t")) == lines[:-1]
    assert read_text(tmp_path / "t") == "\n".join(lines)


def test_the_line_of_a_fault_is_told_wherever_it_is(tmp_path):
    (tmp_path / "t").write_bytes(b"a\n" * 3_000_000 + b"\xff\n")
    with pytest.raises(InputError, match=":3000001: not UTF-8 .byte 0xff"):
        read_text(tmp_path / "t")
    (tmp_path / "t").write_bytes(b"a\n" * 3_000_000 + b"b\0\n")
    with pytest.raises(InputError, match=":3000001: a NUL byte"):
        list(iterate_lines(tmp_path / "t"))


@pytest.mark.hostile("A line of more than 64 MiB")
def test_a_line_without_end(tmp_path):
    (tmp_path / "t").write_bytes(b"a 1\n" + b"x" * (LONGEST_LINE + 2**20))
    with pytest.raises(InputError, match=":2: a line of more than 67108864 bytes"):
        read_table(tmp_path / "t")


@pytest.mark.hostile("Keys and lines of 200 kB in a text table")
def test_messages_are_cut_to_a_length(tmp_path):
    for content in ("k" * 200_000 + "\n", ("k" * 200_000 + " v\n") * 2):
        (tmp_path / "t").write_text(content)
        with pytest.raises(InputError) as error:
            read_table(tmp_path / "t")
        assert len(str(error.value)) < 400


@pytest.mark.hostile("A file name that is not UTF-8, to be written into a table")
def test_what_is_no_character_is_not_written(tmp_path):
    with pytest.raises(InputError, match="the line of 'a' has '.udcff', which is no character"):
        write_table(tmp_path / "t", {"a": "x\udcff"})


@pytest.mark.parametrize("keys", ["abc", "cab", "ac", "abcd"])
def test_values_of_keys_and_sorted_lines(keys):
    table = dict(zip("abc", "123", strict=True))
    assert list(values_of(table, list(keys))) == [table.get(key) for key in keys]
    some = {key: table.get(key, "4") for key in keys}
    assert list(sorted_lines(some)) == sorted(some.items())
