"""The lines of the embedding tables of a corpus in columns, without an object of Python's a line."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
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

    def __init__(self, tables: Sequence[Path], read: Callable[[Path], Lines]):
        self.names, numbers = TextColumn(), array("i")
        self.tables: list[Path] = []
        self._read, self._begins = read, {}
        parts = []
        for table in tables:
            self._begins[table] = len(numbers)
            parts.append(LocationColumn.of(self._taken(read(table), numbers)))
            self.tables += [table] * len(parts[-1].paths)
        self.locations, self.numbers = LocationColumn.joined(parts), np.frombuffer(numbers, np.int32)
        first = first_of_equals(self.names)
        self.repeats = np.flatnonzero(first != np.arange(len(first), dtype=np.int32))
        self.repeated = first[self.repeats]
        self.rows = np.delete(first, self.repeats)

    def _taken(self, lines: Lines, numbers: array) -> Iterator[Location]:
        for chunk in chunked(lines):
            keys, locations, found = zip(*chunk, strict=True)
            self.names.extend(keys)
            numbers.extend(found)
            yield from locations

    def forget_names(self) -> None:
        """Drop the keys, once they are matched; `line` reads that of a row anew."""
        self.names = TextColumn()

    def line(self, row: int) -> TableLine:
        """The line of one row."""
        table = self.tables[self.locations.archives[row]]
        if len(self.names):
            key = self.names[row]
        else:
            key, _, _ = next(islice(self._read(table), row - self._begins[table], None))
        return TableLine(self.locations[row], table, int(self.numbers[row]), key)

    def __getitem__(self, key: str) -> TableLine:
        row = int(TextLookup(self.names, self.rows).find(TextColumn([key]), np.arange(1))[0])
        if row < 0:
            raise KeyError(key)
        return self.line(row)

    def __iter__(self) -> Iterator[str]:
        return self.names.of(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
