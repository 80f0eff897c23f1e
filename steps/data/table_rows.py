"""The rows of a table, from csv, tsv, jsonl, json, parquet or arrow files; the first four may be packed (.gz).

    columns, rows = read_rows(file)
    for where, row in rows: ...            # where: file:line; row: column -> value
    columns, chunks = read_row_chunks(file)
    for chunk in chunks: ...               # the same rows, many at a time

Values are None, text, numbers or a list of them. `delimited.py` and `arrow_rows.py` read the formats.
"""

import ast
import contextlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from steps.data.arrow_rows import read_arrow
from steps.data.delimited import read_delimited_chunks, read_header
from utils.chunks import chunked
from utils.errors import InputError, brief
from utils.json_files import parse_json
from utils.packed_files import unpacked_suffix
from utils.tables import iterate_lines, read_text, text_blocks

Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]
T = TypeVar("T")
NUMBER = re.compile(r"\d+$")  # of a line or row, at the end of where it is
TEXT = (".csv", ".tsv", ".jsonl", ".json")  # may be packed
FORMATS = (*TEXT, ".parquet", ".arrow")
FIRST = 100  # rows of JSON whose keys are taken for the columns


class RowChunk(NamedTuple):
    """Some rows of a file, by column.

    Attributes:
        place: what stands before the number of a row in `file:line`.
        numbers: (n) of its line, or of the row itself. columns: column -> (n) values.
    """

    place: str
    numbers: Sequence[int]
    columns: dict[str, Sequence[Any]]

    def rows(self) -> Rows:
        """The rows one by one."""
        for number, values in zip(self.numbers, zip(*self.columns.values(), strict=True), strict=True):
            yield f"{self.place}{number}", dict(zip(self.columns, values, strict=True))


def is_format(file: Path) -> bool:
    """Is this the name of a file of a format that can be read?"""
    return unpacked_suffix(file) in (TEXT if file.name.lower().endswith(".gz") else FORMATS)


def read_rows(file: Path) -> tuple[list[str], Rows]:
    """Read one file. Returns its columns, and its rows, each with its `file:line`. Raises InputError if it has none."""
    if not is_format(file):
        raise InputError(
            f"{file}: not a table of a known format; expected {', '.join(FORMATS)}, or {', '.join(TEXT)} with .gz"
        )
    if unpacked_suffix(file) in (".csv", ".tsv"):
        header, chunks = _read_csv(file)
        return header, _not_empty(file, (row for chunk in chunks for row in chunk.rows()))
    columns, rows = _read_values(file)
    return columns, _not_empty(file, rows)


def read_row_chunks(file: Path) -> tuple[list[str], Iterator[RowChunk]]:
    """The same, many rows at a time; what JSON leaves out of a row is None."""
    if unpacked_suffix(file) in (".csv", ".tsv"):
        columns, chunks = _read_csv(file)
    else:
        columns, rows = _read_values(file)
        chunks = _chunks_of_rows(columns, rows)
    return columns, _not_empty(file, chunks)


def read_columns(file: Path) -> list[str]:
    """The columns of a file by its beginning: its header or schema, or the keys of its first rows of JSON."""
    suffix = unpacked_suffix(file)
    if suffix in (".csv", ".tsv"):
        return read_header(file)
    if suffix in (".jsonl", ".json"):
        lines = list(islice(_filled(iterate_lines(file)), FIRST))
        if suffix == ".jsonl" or not any(line.lstrip().startswith("[") for _, line in lines[:1]):
            return _of_objects(lambda: _parsed(file, lines))[0]
    return (_read_json if suffix == ".json" else read_arrow)(file)[0]


def has_rows(file: Path) -> bool:
    """Does a file that has columns have a row, too?"""
    suffix = unpacked_suffix(file)
    if suffix in (".csv", ".tsv"):
        return len(list(islice(_filled(iterate_lines(file)), 2))) == 2
    return suffix in TEXT or next(read_arrow(file)[1], None) is not None


def as_texts(value: Any) -> list[str]:
    """The texts of a cell that holds a text, a list of texts, or such a list as a Python literal."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        text = " ".join(value.split())
        return [text] if text else []
    if isinstance(value, str):
        no_literal = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)
        with contextlib.suppress(*no_literal):  # a text that merely begins with a bracket
            value = ast.literal_eval(value.strip())
    texts = value if isinstance(value, list) else [value]
    joined = (" ".join(str(text).split()) for text in texts if text is not None)
    return [text for text in joined if text]


def _not_empty(file: Path, items: Iterator[T]) -> Iterator[T]:
    empty = True
    for item in items:
        empty = False
        yield item
    if empty:
        raise InputError(f"{file}: no rows; is the file complete?")


def _read_csv(file: Path) -> tuple[list[str], Iterator[RowChunk]]:
    header, chunks = read_delimited_chunks(file)
    return header, (_chunk_of_cells(file, header, *chunk) for chunk in chunks)


def _chunk_of_cells(file: Path, header: list[str], lines: Sequence[int], rows: list[list[str]]) -> RowChunk:
    cells = zip(*rows, strict=True)
    columns = {name: [cell or None for cell in column] for name, column in zip(header, cells, strict=True)}
    return RowChunk(f"{file}:", lines, columns)


def _chunks_of_rows(columns: list[str], rows: Rows) -> Iterator[RowChunk]:
    for chunk in chunked(rows):
        place = NUMBER.sub("", chunk[0][0])
        numbers = [int(where.removeprefix(place)) for where, _ in chunk]
        yield RowChunk(place, numbers, {name: [row.get(name) for _, row in chunk] for name in columns})


def _read_values(file: Path) -> tuple[list[str], Rows]:
    """Columns and rows of JSON, parquet or arrow; an empty cell, which pandas holds as NaN, is None."""
    columns, rows = (_read_json if unpacked_suffix(file) in TEXT else read_arrow)(file)
    return columns, ((where, _without_nan(row)) for where, row in rows)


def _without_nan(row: Row) -> Row:
    empty = [column for column, value in row.items() if isinstance(value, float) and math.isnan(value)]
    return row | dict.fromkeys(empty) if empty else row


def _read_json(file: Path) -> tuple[list[str], Rows]:
    """An object on each line, or in a file .json a list of objects."""
    beginning = next((block for block in text_blocks(file) if block.strip()), "").lstrip()
    if unpacked_suffix(file) == ".json" and beginning.startswith("["):
        rows = parse_json(read_text(file), str(file))
        return _of_objects(lambda: ((f"{file}: row {number}", row) for number, row in enumerate(rows, 1)))
    if unpacked_suffix(file) == ".json" and beginning.startswith(("{\n", "{\r")):
        raise InputError(f"{file}: expected a list of objects, or an object on each line, found an object on many")
    return _of_objects(lambda: _parsed(file, _filled(iterate_lines(file))))


def _filled(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _parsed(file: Path, lines: Iterable[tuple[int, str]]) -> Rows:
    return ((f"{file}:{number}", parse_json(line, str(file), number)) for number, line in lines)


def _of_objects(read: Callable[[], Rows]) -> tuple[list[str], Rows]:
    """Columns and rows of objects, which are read twice: no row is in memory while the columns are not known."""
    columns: Row = {}
    for where, row in read():
        columns |= dict.fromkeys(_object(row, where))
    return list(columns), read()


def _object(row: Any, where: str) -> Row:
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected a JSON object, found {brief(row)}")
    return row
