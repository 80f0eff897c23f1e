"""Tables that are sorted as LC_ALL=C sort does, read side by side, a few lines at a time.

table = SortedTable(Path("data/demo/all/utt2spk"))
while block := table.block():           # (keys, values), some thousand of each
    ...
table.until("s1-u7")                    # the next lines, up to that key
"""

from bisect import bisect_right
from pathlib import Path

from utils.tables import table_blocks

Lines = tuple[list[str], list[str]]  # keys and values


class NotSorted(Exception):
    """A table in which a key comes before a smaller one, or twice."""


class SortedTable:
    """The lines of a table, each once. Raises InputError for a faulty line, NotSorted where order is lacking."""

    def __init__(self, path: Path):
        self._path, self._blocks = path, table_blocks(path)
        self._keys: list[str] = []
        self._values: list[str] = []
        self._at = 0

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
            last = self._keys[-1:]
            self._keys, self._values = next(self._blocks, ([], []))
            self._at = 0
            if any(map(str.__ge__, [*last, *self._keys], self._keys if last else self._keys[1:])):
                raise NotSorted(str(self._path))
        return self._at < len(self._keys)
