"""Tables that are sorted as LC_ALL=C sort does, read side by side, a few lines at a time.

table = SortedTable(Path("data/demo/all/utt2spk"))
while block := table.block():           # (keys, values), some thousand of each
    ...
table.until("s1-u7")                    # the next lines, up to that key
"""

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from utils.tables import read_table, split_lines, text_blocks

Lines = tuple[list[str], list[str]]  # keys and values


class NotSorted(Exception):
    """A table in which a key comes before a smaller one, or twice."""


class SortedTable:
    """The lines of a table, each once. Raises InputError for a faulty line, NotSorted where order is lacking."""

    def __init__(self, path: Path, blocks: Iterator[Lines] | None = None):
        self._path, self._number, self._at = path, 0, 0
        self._texts = text_blocks(path) if blocks is None else iter(())
        self._parsed = iter(()) if blocks is None else blocks
        self._lines: list[str] = []  # those of a file, as they stand there, from the one that is next
        self._keys: list[str] = []
        self._values: list[str] = []
        self._last: list[str] = []  # the last key that was read

    def lines_of(self, beginnings: list[str]) -> list[str] | None:
        """The next lines as they stand in the file, where each begins so, with a key and a blank, and has one value.

        None, and nothing is read, where one does not, or has white space before or behind its value.
        """
        if self._at < len(self._keys):
            return None
        while len(self._lines) < len(beginnings) and (block := next(self._texts, None)):
            self._lines += block.removesuffix("\n").split("\n")
        lines = self._lines[: len(beginnings)]
        if len(lines) < len(beginnings) or not all(map(str.startswith, lines, beginnings)):
            return None
        edges = {line[len(begin) : len(begin) + 1] for line, begin in zip(lines, beginnings, strict=True)}
        edges |= {line[-1] for line in lines}
        if any(not edge or edge.isspace() for edge in edges):
            return None
        del self._lines[: len(lines)]
        self._number += len(lines)
        self._last = [beginnings[-1][:-1]]
        return lines

    def until(self, last: str | None) -> Lines:
        """The lines that have not been read, up to the key `last`; all of them for None."""
        keys: list[str] = []
        values: list[str] = []
        while self._fill():
            is_whole = last is None or self._keys[-1] <= last
            end = len(self._keys) if is_whole else bisect_right(self._keys, last, self._at)
            keys += self._keys[self._at : end]
            values += self._values[self._at : end]
            self._at = end
            if not is_whole:
                break
        return keys, values

    def block(self) -> Lines | None:
        """The next lines; None where there are no more."""
        if not self._fill():
            return None
        found, self._at = (self._keys[self._at :], self._values[self._at :]), len(self._keys)
        return found

    def _fill(self) -> bool:
        """Have a line that is not read. Returns whether there is one."""
        if self._at == len(self._keys):
            self._keys, self._values = self._next()
            self._at = 0
            if not _ascend([*self._last, *self._keys]):
                raise NotSorted(str(self._path))
            self._last = self._keys[-1:]
        return self._at < len(self._keys)

    def _next(self) -> Lines:
        lines = self._lines
        if not lines:
            block = next(self._texts, None)
            if block is None:
                return next(self._parsed, ([], []))
            lines = block.removesuffix("\n").split("\n")
        self._lines = []
        self._number += len(lines)
        return split_lines(self._path, self._number - len(lines) + 1, lines)


def _ascend(texts: list[str]) -> bool:
    return all(map(str.__lt__, texts, islice(texts, 1, None)))


def open_sorted(path: Path) -> SortedTable:
    """The lines of a table in order: from the file, or where that has another order, from memory.

    Raises InputError for a key that comes twice.
    """
    if is_sorted(path):
        return SortedTable(path)
    table = read_table(path)
    keys = sorted(table)
    return SortedTable(path, iter([(keys, [table[key] for key in keys])]))


def is_sorted(path: Path) -> bool:
    """Do the keys of a table ascend, with blanks behind them?"""
    status = path.stat()
    return _is_sorted(path, status.st_size, status.st_mtime_ns)


@lru_cache(64)
def _is_sorted(path: Path, size: int, time: int) -> bool:
    last: list[str] = []
    for block in text_blocks(path):
        keys = [line.partition(" ")[0] for line in block.removesuffix("\n").split("\n")]
        if "\t" in block or not _ascend([*last, *keys]):
            return False
        last = keys[-1:]
    return True
