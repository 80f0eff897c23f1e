"""Find texts of a `TextColumn`: where they are, and which of them are equal.

    lookup = TextLookup(keys)
    lookup.find(paths, rows)                # (n,) row of each path among the keys, -1 where there is none
    first_of_equals(paths)                  # (N,) for each row the first one whose text is equal

Hashes of 64 bits are sorted and searched, 12 bytes a text; what has the same hash is then compared as text. Where two
different texts have the same hash, which chance alone never does, a dictionary decides.
"""

from collections.abc import Callable

import numpy as np

from utils.text_column import Form, TextColumn

SEARCHED = 2**18  # texts that are looked up at a time
AMBIGUOUS = -2  # in place of a row: two texts are equal to this one
Hashes = Callable[[TextColumn, np.ndarray, Form | None], np.ndarray]


def hashes_of(texts: TextColumn, rows: np.ndarray, form: Form | None) -> np.ndarray:
    """(n,) int64 hashes of the forms of some rows."""
    return texts.hashes(rows, form)


class TextLookup:
    """The rows of a column by the form of their texts.

    Args:
        rows: (M,) those that are looked at; by default all.
        form: what texts are compared by; by default they themselves.
        hashes: 64-bit numbers, equal for equal forms.
    """

    def __init__(
        self, texts: TextColumn, rows: np.ndarray | None = None, form: Form | None = None, hashes: Hashes = hashes_of
    ):
        self.texts, self.form, self._hashes = texts, form, hashes
        rows = np.arange(len(texts), dtype=np.int32) if rows is None else rows
        found = hashes(texts, rows, form)
        order = np.argsort(found, kind="stable")
        self.rows, self._sorted = rows[order], found[order]
        self._table: dict[str, int] | None = None

    def find(self, texts: TextColumn, rows: np.ndarray) -> np.ndarray:
        """(n,) for some rows of a column the row here of equal form, -1 where there is none, AMBIGUOUS for several."""
        result = np.empty(len(rows), np.int32)
        for start in range(0, len(rows), SEARCHED):
            some = rows[start : start + SEARCHED]
            result[start : start + SEARCHED] = self._find(texts, some)
        return result

    def _find(self, texts: TextColumn, rows: np.ndarray) -> np.ndarray:
        if self._table is None and len(self.rows):
            hashes = self._hashes(texts, rows, self.form)
            first = np.searchsorted(self._sorted, hashes)
            inside = np.minimum(first, len(self._sorted) - 1)
            is_found = self._sorted[inside] == hashes
            beyond = np.minimum(first + 1, len(self._sorted) - 1)
            is_twice = is_found & (beyond > first) & (self._sorted[beyond] == hashes)
            result = np.where(is_found, self.rows[inside], -1)
            pairs = [(rows[is_found], result[is_found]), (rows[is_twice], self.rows[beyond[is_twice]])]
            if all(self._are_equal(texts, *pair) for pair in pairs):
                result[is_twice] = AMBIGUOUS
                return result
        return self._by_table(texts, rows)

    def _are_equal(self, texts: TextColumn, rows: np.ndarray, own: np.ndarray) -> bool:
        """Have these rows of a column the forms of these rows here?"""
        return all(map(str.__eq__, texts.of(rows, self.form), self.texts.of(own, self.form)))

    def _by_table(self, texts: TextColumn, rows: np.ndarray) -> np.ndarray:
        """The same by a dictionary."""
        if self._table is None:
            self._table = {}
            for row, name in zip(self.rows.tolist(), self.texts.of(self.rows, self.form), strict=True):
                self._table[name] = AMBIGUOUS if name in self._table else row
        return np.fromiter((self._table.get(name, -1) for name in texts.of(rows, self.form)), np.int64, len(rows))


def first_of_equals(
    texts: TextColumn, rows: np.ndarray | None = None, form: Form | None = None, hashes: Hashes = hashes_of
) -> np.ndarray:
    """(n,) for each of some rows the position, among them, of the first whose text has the same form."""
    rows = np.arange(len(texts)) if rows is None else rows
    found = hashes(texts, rows, form)
    if not (np.diff(np.sort(found)) == 0).any():
        return np.arange(len(rows), dtype=np.int32)
    order = np.argsort(found, kind="stable")
    is_new = np.append(True, np.diff(found[order]) != 0)[: len(rows)]
    first = np.arange(len(rows), dtype=np.int32)
    heads = order[np.maximum.accumulate(np.where(is_new, np.arange(len(rows)), 0))]
    shared = np.flatnonzero(np.append(~is_new[1:], False) | ~is_new)  # places in runs of two or more
    inside, heads = order[shared], heads[shared]
    names = texts.of(rows[inside], form)
    last, alike = -1, {}
    for position, head, name in zip(inside.tolist(), heads.tolist(), names, strict=True):
        if head != last:
            last, alike = head, {}
        first[position] = alike.setdefault(name, position)
    return first
