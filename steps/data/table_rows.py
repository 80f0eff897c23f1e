"""The rows of a table, from csv, tsv, jsonl, json, parquet or arrow files; the first four may be packed (.gz).

    columns, rows = read_rows(file)
    for where, row in rows: ...            # where: file:line; row: column -> value

Values are None, text, numbers or a list of them. `delimited.py` and `arrow_rows.py` read the formats.
"""

import ast
import contextlib
import math
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from steps.data.arrow_rows import read_arrow
from steps.data.delimited import read_delimited, read_header
from utils.errors import InputError, brief
from utils.json_files import parse_json
from utils.packed_files import unpacked_suffix
from utils.tables import iterate_lines, read_text

Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]
TEXT = (".csv", ".tsv", ".jsonl", ".json")  # may be packed
FORMATS = (*TEXT, ".parquet", ".arrow")
FIRST = 100  # rows of JSON whose keys are taken for the columns


def is_format(file: Path) -> bool:
    """Is this the name of a file of a format that can be read?"""
    return unpacked_suffix(file) in (TEXT if file.name.lower().endswith(".gz") else FORMATS)


def read_rows(file: Path) -> tuple[list[str], Rows]:
    """Read one file. Returns its columns, and its rows, each with its `file:line`. Raises InputError if it has none."""
    if not is_format(file):
        raise InputError(
            f"{file}: not a table of a known format; expected {', '.join(FORMATS)}, or {', '.join(TEXT)} with .gz"
        )
    readers = {".csv": _read_csv, ".tsv": _read_csv, ".jsonl": _read_json, ".json": _read_json}
    columns, rows = readers.get(unpacked_suffix(file), read_arrow)(file)
    return columns, _not_empty(file, rows)


def read_columns(file: Path) -> list[str]:
    """The columns of a file by its beginning: its header or schema, or the keys of its first rows of JSON."""
    suffix = unpacked_suffix(file)
    if suffix in (".csv", ".tsv"):
        return read_header(file)
    if suffix in (".jsonl", ".json"):
        lines = list(islice(_filled(iterate_lines(file)), FIRST))
        if suffix == ".jsonl" or not any(line.lstrip().startswith("[") for _, line in lines[:1]):
            return _of_objects((f"{file}:{number}", parse_json(line, str(file), number)) for number, line in lines)[0]
    return (_read_json if suffix == ".json" else read_arrow)(file)[0]


def has_rows(file: Path) -> bool:
    """Does a file that has columns have a row, too?"""
    suffix = unpacked_suffix(file)
    if suffix in (".csv", ".tsv"):
        return len(list(islice(_filled(iterate_lines(file)), 2))) == 2
    return suffix in TEXT or next(read_arrow(file)[1], None) is not None


def as_texts(value: Any) -> list[str]:
    """The texts of a cell that holds a text, a list of texts, or such a list as a Python literal."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        no_literal = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)
        with contextlib.suppress(*no_literal):  # a text that merely begins with a bracket
            value = ast.literal_eval(value.strip())
    texts = value if isinstance(value, list) else [value]
    joined = (" ".join(str(text).split()) for text in texts if text is not None)
    return [text for text in joined if text]


def _not_empty(file: Path, rows: Rows) -> Rows:
    empty = True
    for where, row in rows:
        empty = False
        for column, value in row.items():
            if isinstance(value, float) and math.isnan(value):  # an empty cell, as pandas holds it
                row[column] = None
        yield where, row
    if empty:
        raise InputError(f"{file}: no rows; is the file complete?")


def _read_csv(file: Path) -> tuple[list[str], Rows]:
    header, rows = read_delimited(file)
    return header, (
        (f"{file}:{line}", {name: cell or None for name, cell in zip(header, cells, strict=True)})
        for line, cells in rows
    )


def _read_json(file: Path) -> tuple[list[str], Rows]:
    """An object on each line, or in a file .json a list of objects."""
    text = read_text(file)
    if unpacked_suffix(file) == ".jsonl" or not text.lstrip().startswith("["):
        lines = _filled(text.split("\n"))
        if unpacked_suffix(file) == ".json" and text.strip().startswith(("{\n", "{\r")):
            raise InputError(f"{file}: expected a list of objects, or an object on each line, found an object on many")
        return _of_objects((f"{file}:{number}", parse_json(line, str(file), number)) for number, line in lines)
    return _of_objects((f"{file}: row {number}", row) for number, row in enumerate(parse_json(text, str(file)), 1))


def _filled(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _of_objects(found: Iterable[tuple[str, Any]]) -> tuple[list[str], Rows]:
    rows, columns = [], {}
    for where, row in found:
        columns |= _object(row, where)
        rows.append((where, row))
    return list(columns), iter(rows)


def _object(row: Any, where: str) -> Row:
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected a JSON object, found {brief(row)}")
    return row
