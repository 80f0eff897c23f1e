"""Tables of lines `key value` in columns: for tables of a million lines, where a dictionary takes 250 bytes a line."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import tee
from pathlib import Path

import numpy as np

from utils.chunks import CHUNK
from utils.code_column import NONE, CodeColumn, by_word
from utils.sorted_tables import SortedTable, open_sorted
from utils.tables import repeated_key, table_blocks, write_lines
from utils.text_column import TextColumn
from utils.text_lookup import first_of_equals


class CodedTable(Mapping[str, str]):
    """A table of few values, sorted by key. Looking up one key decodes twenty; what has many keys walks through them.

    Attributes:
        names: (N) keys, sorted. column: (N) values; a key without one is not in the table.
    """

    def __init__(self, names: TextColumn, column: CodeColumn):
        self.names, self.column = names, column

    @property
    def rows(self) -> np.ndarray:
        """(M,) rows of the keys that have a value."""
        return np.flatnonzero(self.column.codes != NONE)

    def __getitem__(self, key: str) -> str:
        row = bisect_left(self.names, key)
        if row == len(self.names) or self.names[row] != key or self.column[row] is None:
            raise KeyError(key)
        return self.column[row]

    def __iter__(self) -> Iterator[str]:
        return self.names.of(self.rows)

    def values(self) -> Iterator[str]:
        """The values, in the order of the keys."""
        return self.column.of(self.rows)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.column.codes != NONE))


def read_columns(path: Path) -> tuple[TextColumn, CodeColumn]:
    """The keys (N) of a table of few values, and the values (N), in the order of the file; errors as `read_table`."""
    return _columns(path, table_blocks(path))


def read_coded(path: Path) -> CodedTable:
    """A table of few values, sorted."""
    table = open_sorted(path)
    return CodedTable(*_columns(path, iter(table.block, None)))


def _columns(path: Path, blocks: Iterable[tuple[list[str], list[str]]]) -> tuple[TextColumn, CodeColumn]:
    keys, values = TextColumn(), CodeColumn()
    for some, words in blocks:
        keys.extend(some)
        values.extend([values.words[word] for word in words])
    if not keys.is_ascending():
        first = first_of_equals(keys)
        repeats = np.flatnonzero(first != np.arange(len(first)))
        if len(repeats):
            raise repeated_key(path, int(repeats[0]) + 1, keys[int(repeats[0])])
    return keys, values


def align(
    table: SortedTable, names: TextColumn, check: Callable[[list[str], list[str]], None] | None = None
) -> CodeColumn:
    """The values that a table of few values has for some keys (N), sorted; others of its lines are passed over.

    Args:
        check: is called with all keys and values of the table, many at a time.
    """
    column = CodeColumn()
    for start in range(0, len(names), CHUNK):
        wanted = names.part(start, start + CHUNK)
        keys, values = table.until(wanted[-1])
        if check:
            check(keys, values)
        if keys == wanted:
            column.extend([column.words[value] for value in values])
        else:
            known = dict(zip(keys, values, strict=True))
            column.extend([column.words[known[key]] if key in known else NONE for key in wanted])
    if check:
        check(*table.until(None))
    return column


def has_keys(table: SortedTable, names: TextColumn) -> bool:
    """Has a table these keys (N), sorted, and no others?"""
    for start in range(0, len(names), CHUNK):
        wanted = names.part(start, start + CHUNK)
        if not table.lines_of([f"{name} " for name in wanted]) and table.until(wanted[-1])[0] != wanted:
            return False
    return not table.until(None)[0]


def write_spk2utt(path: Path, names: TextColumn, rows: np.ndarray, speakers: Sequence[str], codes: np.ndarray) -> None:
    """Write the speaker -> utterances that follows from a utt2spk of many lines.

    Args:
        rows: (n,) of the utterances in `names`, sorted. codes: (n,) position in `speakers` of each.
    """
    owners, owned = tee(by_word(speakers, codes))
    write_lines(path, (speaker for speaker, _ in owners), (" ".join(names.at(rows[places])) for _, places in owned))
