"""The lines of the embedding tables of a corpus in columns, without an object of Python's a line."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.chunks import chunked
from utils.location_column import LocationColumn
from utils.script_files import Location
from utils.text_column import TextColumn
from utils.text_lookup import TextLookup, first_of_equals

Lines = Iterable[tuple[str, Location, int]]  # key, location as written, number of the line


class TableLine(NamedTuple):
    """One line of a table: its location as written there, where the line is, and its key."""

    location: Location
    table: Path
    line: int
    key: str

    def __str__(self) -> str:
        """The form that messages have: `table:line`."""
        return f"{self.table}:{self.line}"


class TableEntries(Mapping[str, TableLine]):
    """Key -> its line, the first where several tables have the key.

    Attributes:
        names: (N) keys of all lines. numbers: (N,) of the lines. locations: (N) as written there.
        tables: the table of each path of `locations`; two tables may name one path.
        rows: (M,) rows of the first line of each key.
    """

    def __init__(self, tables: Iterable[tuple[Path, Lines]]):
        self.names, numbers = TextColumn(), array("i")
        self.tables: list[Path] = []
        parts = []
        for table, lines in tables:
            parts.append(LocationColumn.of(self._taken(lines, numbers)))
            self.tables += [table] * len(parts[-1].paths)
        self.locations, self.numbers = LocationColumn.joined(parts), np.frombuffer(numbers, np.int32)
        first = first_of_equals(self.names)
        self.rows = np.flatnonzero(first == np.arange(len(first)))
        self.repeats = np.flatnonzero(first != np.arange(len(first)))
        self.repeated = first[self.repeats]

    def _taken(self, lines: Lines, numbers: array) -> Iterator[Location]:
        for chunk in chunked(lines):
            keys, locations, found = zip(*chunk, strict=True)
            self.names.extend(keys)
            numbers.extend(found)
            yield from locations

    def line(self, row: int) -> TableLine:
        """The line of one row."""
        table = self.tables[self.locations.archives[row]]
        return TableLine(self.locations[row], table, int(self.numbers[row]), self.names[row])

    def __getitem__(self, key: str) -> TableLine:
        row = int(TextLookup(self.names, self.rows).find(TextColumn([key]), np.arange(1))[0])
        if row < 0:
            raise KeyError(key)
        return self.line(row)

    def __iter__(self) -> Iterator[str]:
        return self.names.of(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
