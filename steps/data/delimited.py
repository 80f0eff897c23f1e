"""Tables of cells between commas (.csv) or tabs (.tsv), or what their header has instead, with or without quotes.

    header, rows = read_delimited(file)
    for line, cells in rows: ...            # line: where the row begins

A cell between quotes may have line breaks. A stray quote would make one cell of all rows up to the next quote, so a
cell over several lines is taken only where none of its lines begins like a row. A tsv in which quotes mean nothing (as
Common Voice writes it) is read without quotes; a csv with a stray quote is an error that names the line where it opens.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import NamedTuple

from utils.chunks import CHUNK, chunked
from utils.command import logger
from utils.errors import InputError, brief
from utils.packed_files import unpacked_suffix
from utils.tables import LONGEST_LINE, text_blocks

log = logger(__name__)
Rows = Iterator[tuple[int, list[str]]]
Look = Callable[[str], bool]
# What the first cells of a table may have in common, by which a line is told that begins like a row.
LOOKS: tuple[Look, ...] = (
    lambda cell: bool(cell) and cell.split() == [cell],
    lambda cell: any(c.isdigit() for c in cell),
    lambda cell: any(c in "./\\_-" for c in cell),
)

BREAK = re.compile("\r\n|\r|\n")
DELIMITERS = ",\t;|"
WITHOUT_QUOTES = "\t|"  # delimiters of tables in which quotes may mean nothing
SEP = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[,;\t ]*(?=\r?\n)', re.IGNORECASE)  # for Excel, above the header
COMMON = 0.75  # share of the rows that have a look which rows have


class CellsOfLines(NamedTuple):
    """The cells of one row, the number of the line where it begins, and its lines."""

    line: int
    cells: list[str]
    lines: list[str]


class StrayQuote(Exception):
    """Rows that quotes may have swallowed, as the message says."""


class _Text:
    """The text of a table, which is read anew, block by block, each time that it is looked at.

    Attributes:
        delimiter: the one between its cells.
    """

    def __init__(self, file: Path):
        self.file = file
        head = next(text_blocks(file), "")
        told = SEP.match(head)
        self._told = told.end() if told else 0
        self.delimiter = told["delimiter"] if told else _usual_delimiter(file, head.partition("\n")[0])

    def blocks(self) -> Iterator[str]:
        """Blocks of whole lines, with an empty line in place of Excel's `sep=;`."""
        blocks = text_blocks(self.file)
        yield next(blocks, "")[self._told :]
        yield from blocks

    def lines(self) -> Iterator[str]:
        """The lines, with their ends."""
        return chain.from_iterable(io.StringIO(block, newline="") for block in self.blocks())


def _usual_delimiter(file: Path, header: str) -> str:
    usual = "\t" if unpacked_suffix(file) == ".tsv" else ","
    return usual if usual in header else max(DELIMITERS, key=lambda one: (header.count(one), one == usual))


def read_header(file: Path) -> list[str]:
    """The cells of the first line, or none. The rest of the file is not read."""
    return _first_cells(_Text(file))


def read_delimited(file: Path) -> tuple[list[str], Rows]:
    """Read a table. Returns its header, and its rows, of as many cells. Raises InputError for any other file."""
    header, chunks = read_delimited_chunks(file)
    return header, (row for chunk in chunks for row in zip(*chunk, strict=True))


def read_delimited_chunks(file: Path) -> tuple[list[str], Iterator[tuple[Sequence[int], list[list[str]]]]]:
    """The same, many rows at a time: the line where each begins, and its cells."""
    text = _Text(file)
    header, quoted = _first_cells(text), False
    for block in text.blocks():  # to the end: a file is text throughout, or an error
        quoted = quoted or '"' in block
    if not header:
        raise InputError(f"{file}: empty; expected a header and rows")
    twice = next((name for name in header if header.count(name) > 1), None) if len(set(header)) < len(header) else None
    if twice is not None:
        raise InputError(f"{file}:1: two columns have one name: {brief(twice)}; rename one")
    if quoted and not _is_simple(text, len(header)):
        try:
            _check_quotes(text, len(header))
        except StrayQuote as error:
            if text.delimiter not in WITHOUT_QUOTES or not _is_without_quotes(text, len(header)):
                raise InputError(str(error)) from error
            log.info("%s: quotes mean nothing in this file and are read as letters", file)
            return header, (tuple(zip(*some, strict=True)) for some in chunked(_unquoted_rows(text)))
    return header, _row_chunks(text, len(header))


def _first_cells(text: _Text) -> list[str]:
    try:
        return next((record.cells for record in _records(text.lines(), text.delimiter) if record.cells), [])
    except csv.Error as error:
        raise InputError(f"{text.file}:1: not a header: {error}; is a quote open in it?") from error


def _records(lines: Iterable[str], delimiter: str, strict: bool = False) -> Iterator[CellsOfLines]:
    """Split lines as the csv module does, but keep the lines of each record."""
    csv.field_size_limit(LONGEST_LINE)
    seen: list[str] = []

    def remembered() -> Iterator[str]:
        for line in lines:
            seen.append(line)
            yield line

    number = 1
    for cells in csv.reader(remembered(), delimiter=delimiter, strict=strict):
        yield CellsOfLines(number, cells, seen.copy())
        number += len(seen)
        seen.clear()


def _row_chunks(text: _Text, width: int) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
    records = csv.reader(text.lines(), delimiter=text.delimiter)
    next(filter(None, records))
    begin = records.line_num + 1
    while rows := list(islice(records, CHUNK)):
        end = records.line_num + 1
        lines: Sequence[int] = range(begin, end)
        if len(lines) > len(rows):  # a cell has line breaks
            spans = [1 + sum(len(BREAK.findall(cell)) for cell in cells) for cells in rows]
            lines = [begin, *(begin + span for span in accumulate(spans[:-1]))]
        if set(map(len, rows)) != {width}:
            lines, rows = _filled_rows(text.file, width, lines, rows)
        if rows:
            yield lines, rows
        begin = end


def _filled_rows(
    file: Path, width: int, lines: Sequence[int], rows: list[list[str]]
) -> tuple[list[int], list[list[str]]]:
    """Rows without the empty lines between them. Raises InputError for a row that has not as many cells as columns."""
    pairs = [(line, cells) for line, cells in zip(lines, rows, strict=True) if cells]
    bad = next((pair for pair in pairs if len(pair[1]) != width), None)
    if bad:
        raise InputError(
            f"{file}:{bad[0]}: {len(bad[1])} cells, but the header has {width} columns; correct the row, or double "
            "the quotes inside its cells"
        )
    return [line for line, _ in pairs], [cells for _, cells in pairs]


def _is_simple(text: _Text, width: int) -> bool:
    """Is every line a row, in which all quotes close? Then no quote swallows anything."""
    rows = csv.reader(text.lines(), delimiter=text.delimiter, strict=True)
    try:
        return sum(len(cells) in (0, width) for cells in rows) == rows.line_num
    except csv.Error:
        return False


def _check_quotes(text: _Text, width: int) -> None:
    """Raise StrayQuote if a quote may have swallowed rows; in a tsv also for quotes that are not written as such."""
    file, delimiter = text.file, text.delimiter
    spans, last, cells = [], None, width
    n_rows, alike = 0, [0] * len(LOOKS)
    try:
        for last in _records(text.lines(), delimiter, strict=delimiter in WITHOUT_QUOTES):
            if len(last.cells) == width and last.line > 1:
                if "\n" not in last.cells[0]:
                    n_rows += 1
                    alike = [count + look(last.cells[0]) for count, look in zip(alike, LOOKS, strict=True)]
                cells = min(cells, last.lines[0].count(delimiter) + 1)  # in the first line of each row
            if len(last.lines) > 1:
                spans.append(last)
            if last.cells and len(last.cells) != width and delimiter in WITHOUT_QUOTES:
                raise StrayQuote(f"{file}:{last.line}: {len(last.cells)} cells, but the header has {width} columns")
    except csv.Error as error:
        line = last.line + len(last.lines) if last else 1
        raise StrayQuote(
            f"{file}:{line}: a quote that is not closed before the next cell: {error}; double it"
        ) from error
    looks = [look for look, count in zip(LOOKS, alike, strict=True) if count > COMMON * n_rows]
    for record in spans if width > 1 else ():
        for number, line in enumerate(record.lines[1:], 1):
            if line.count(delimiter) >= max(1, cells - 1) and _begins_like_a_row(line.partition(delimiter)[0], looks):
                raise StrayQuote(
                    f"{file}:{record.line + _opening(record.lines[:number], delimiter)}: a quote opens here, but line "
                    f"{record.line + number}, before it closes, begins like a row of its own; remove the quote, or "
                    "double it inside a cell"
                )
    if last is not None and _is_open(last.lines, delimiter):
        opening = last.line + _opening(last.lines, delimiter)
        raise StrayQuote(f"{file}:{opening}: a quote opens here and never closes; remove it; is the file complete?")


def _begins_like_a_row(first: str, looks: list[Look]) -> bool:
    """Could this be the first cell of a row, rather than the end of a cell over several lines?"""
    word = first.strip('"')
    is_end = first.count('"') % 2 == 1 and not first.startswith('"')
    return bool(word) and bool(looks or not is_end) and all(look(word) for look in looks)


def _opening(lines: list[str], delimiter: str) -> int:
    """The number, from 0, of the line in which the last quote opens that begins a cell."""
    opening, inside, begins, doubled = 0, False, True, False
    for number, line in enumerate(lines):
        for c in line:
            if c != '"':
                begins, doubled = not inside and c in (delimiter, "\n", "\r"), False
            elif inside:
                inside, doubled = False, True
            elif begins or doubled:
                opening = number if begins else opening
                inside, begins, doubled = True, False, False
    return opening


def _is_open(lines: list[str], delimiter: str) -> bool:
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _is_without_quotes(text: _Text, width: int) -> bool:
    """Does every line have the cells of one row if quotes mean nothing, and does the last one end?"""
    last = ""
    for block in text.blocks():
        last = block
    return last.endswith(("\n", "\r")) and all(len(cells) == width for _, cells in _unquoted_rows(text))


def _unquoted_rows(text: _Text) -> Rows:
    lines = ((number, line.rstrip("\r\n")) for number, line in enumerate(text.lines(), 1) if line.strip("\r\n"))
    for number, line in islice(lines, 1, None):
        yield number, line.split(text.delimiter)
