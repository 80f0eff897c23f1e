"""Columns of many texts: a block of UTF-8 and 8 bytes a text, where a list of Python's texts takes 60 bytes more each.

    keys = TextColumn(["b", "a"])
    keys[0], keys.at(np.array([1, 0]))      # "b", ["a", "b"]
    keys.order()                            # array([1, 0])

What looks at all texts goes through them in chunks, so that only these are Python's.
`utils/text_lookup.py` finds texts.
"""

import io
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from utils.chunks import CHUNK, chunked

BUCKET = 2**14  # texts that are sorted at a time, about
SAMPLED = 64  # of them decide where a bucket ends
KEEP = "surrogatepass"  # what is no character (of a file's name that is not in UTF-8) comes back as it was
Form = Callable[[Sequence[str]], Sequence[str]]  # what some texts are compared by


class TextColumn:
    """N texts in a fixed order, to which more can be added."""

    def __init__(self, texts: Iterable[str] = ()):
        self._bytes, self._ends = io.BytesIO(), array("q", [0])
        self.extend(texts)

    def extend(self, texts: Iterable[str]) -> None:
        """Add texts at the end."""
        for chunk in chunked(texts):
            joined = "".join(chunk)
            data = joined.encode("utf-8", KEEP)
            names = chunk if len(data) == len(joined) else [text.encode("utf-8", KEEP) for text in chunk]
            ends = np.cumsum(np.fromiter(map(len, names), np.int64, len(names))) + self._ends[-1]
            self._bytes.write(data)
            self._ends.frombytes(ends.tobytes())

    def __len__(self) -> int:
        return len(self._ends) - 1

    def is_same(self, other: "TextColumn") -> bool:
        """Has the other column the same texts in the same order?"""
        return self._ends == other._ends and self._data == other._data

    def __getitem__(self, row: int) -> str:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        return self._data[self._ends[row] : self._ends[row + 1]].decode("utf-8", KEEP)

    @property
    def _data(self) -> bytes:
        """All texts, not copied."""
        return self._bytes.getvalue()

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), CHUNK):
            yield from self.part(start, start + CHUNK)

    def part(self, begin: int, end: int) -> list[str]:
        """The texts of the rows from `begin` to before `end`, or to the last."""
        ends = self._ends[begin : end + 1].tolist()
        data, first = self._data[ends[0] : ends[-1]], ends[0]
        text = data.decode("utf-8", KEEP)
        if len(text) < len(data):
            return [
                data[start - first : stop - first].decode("utf-8", KEEP)
                for start, stop in zip(ends, ends[1:], strict=False)
            ]
        return [text[start - first : stop - first] for start, stop in zip(ends, ends[1:], strict=False)]

    def at(self, rows: np.ndarray) -> list[str]:
        """The texts of some rows (n,), in that order."""
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return self.part(int(rows[0]), int(rows[-1]) + 1)
        ends, data = np.frombuffer(self._ends, np.int64), self._data
        places = zip(ends[rows].tolist(), ends[np.asarray(rows) + 1].tolist(), strict=True)
        return [data[start:stop].decode("utf-8", KEEP) for start, stop in places]

    def of(self, rows: np.ndarray, form: Form | None = None) -> Iterator[str]:
        """The texts of any number of rows (n,), or what `form` makes of them, in that order, one at a time."""
        for start in range(0, len(rows), CHUNK):
            texts = self.at(rows[start : start + CHUNK])
            yield from texts if form is None else form(texts)

    def lengths(self) -> np.ndarray:
        """(N,) int64, the bytes of each text."""
        return np.diff(np.frombuffer(self._ends, np.int64))

    def is_ascending(self) -> bool:
        """Are the texts sorted, and each there once?"""
        last = None
        for start in range(0, len(self), CHUNK):
            chunk = self.part(start, start + CHUNK)
            if (last is not None and chunk[0] <= last) or any(map(str.__ge__, chunk, chunk[1:])):
                return False
            last = chunk[-1]
        return True

    def sorted(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Rows (n,), by default all, in the order of LC_ALL=C sort of their texts; equal ones stay as they are.

        Texts are dealt into buckets between some of them, each of which is then sorted as Python sorts a list.
        """
        rows = np.arange(len(self)) if rows is None else rows
        if len(rows) <= 2 * BUCKET:
            return rows[_order(self.at(rows))]
        sample = sorted(self.of(rows[:: BUCKET // SAMPLED]))
        bounds = sorted(set(sample[SAMPLED::SAMPLED]))
        buckets = np.fromiter((bisect_left(bounds, name) for name in self.of(rows)), np.int32, len(rows))
        ends = np.cumsum(np.bincount(buckets)).tolist()
        result = rows[np.argsort(buckets, kind="stable")]
        for start, end in zip([0, *ends], ends, strict=False):
            inside = result[start:end]
            result[start:end] = inside[_order(self.at(inside))]
        return result

    def hashes(self, rows: np.ndarray, form: Form | None = None) -> np.ndarray:
        """(n,) int64, a hash of the text of each row, or of what `form` makes of it; equal texts have equal ones."""
        return np.fromiter(map(hash, self.of(rows, form)), np.int64, len(rows))


def _order(names: list[str]) -> np.ndarray:
    return np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)


class Words(dict[str, int]):
    """Distinct texts, numbered as they come: `words[text]` is the number of a text, `words.listed[number]` the text."""

    def __init__(self) -> None:
        self.listed: list[str] = []

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self.listed)
        self.listed.append(word)
        return number
