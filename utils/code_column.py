"""Columns of few words: 1, 2 or 4 bytes a row, the number of its word, and NONE where there is none."""

from array import array
from collections.abc import Iterator, Sequence

import numpy as np

from utils.chunks import CHUNK
from utils.text_column import Words

NONE = -1
SIZES = ("b", "h", "i")  # of a code, as `array` calls them
LARGEST = {"b": 2**7 - 1, "h": 2**15 - 1, "i": 2**31 - 1}
MOST_COUNTED = 2**16  # combinations of codes that are counted without sorting, besides one a row


class CodeColumn:
    """N words of few, or None.

    Attributes:
        words: all words; what has none has the code NONE.
    """

    def __init__(self) -> None:
        self.words, self._codes = Words(), array(SIZES[0])

    def extend(self, codes: Sequence[int]) -> None:
        """Add rows at the end, by the codes of their words."""
        self._make_room()
        self._codes.extend(codes)

    def _make_room(self) -> None:
        """Let a row hold the codes of all words."""
        size = next(size for size in SIZES if len(self.words) <= LARGEST[size])
        if self._codes.typecode != size:
            self._codes = array(size, self._codes)

    @property
    def codes(self) -> np.ndarray:
        """(N,) codes, as narrow as they may be, to read only; no row can be added while they are held."""
        return np.frombuffer(memoryview(self._codes).toreadonly(), self._codes.typecode)

    def put_codes(self, rows: np.ndarray, codes: np.ndarray | int) -> None:
        """Give some rows (n,) the words of these codes, (n,) or one for all."""
        self._make_room()
        np.frombuffer(self._codes, self._codes.typecode)[rows] = codes

    def put(self, rows: np.ndarray, word: str | None) -> None:
        """Give some rows (n,) a word."""
        self.put_codes(rows, NONE if word is None else self.words[word])

    def __getitem__(self, row: int) -> str | None:
        return self.word(self._codes[row])

    def word(self, code: int) -> str | None:
        """The word of a code."""
        return None if code == NONE else self.words.listed[code]

    def of(self, rows: np.ndarray) -> Iterator[str | None]:
        """The words of some rows (n,), in that order, one at a time."""
        words = [*self.words.listed, None]  # the last is that of NONE
        for start in range(0, len(rows), CHUNK):
            yield from [words[code] for code in self.codes[rows[start : start + CHUNK]].tolist()]


def grouped(codes: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """The distinct codes (n,), in the order of their first places, each with its places in order."""
    if not len(codes):
        return []
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return [(int(codes[part[0]]), part) for part in sorted(parts, key=lambda part: part[0])]


def distinct(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct combinations of some columns of codes (n,), in the order of their first places.

    Returns the first place of each (m,), how often it comes (m,), and which each place has (n,).
    """
    joined, size = np.zeros(len(columns[0]), np.int64), 1
    for codes in columns:
        width = int(codes.max(initial=0)) - NONE + 1
        if size * width > MOST_COUNTED + len(joined):
            joined = np.unique(joined, return_inverse=True)[1]
            size = int(joined.max(initial=0)) + 1
        joined, size = joined * width + codes - NONE, size * width
    if size > MOST_COUNTED + len(joined):
        joined = np.unique(joined, return_inverse=True)[1]
        size = int(joined.max(initial=0)) + 1
    counts = np.bincount(joined, minlength=size)
    firsts = np.zeros(size, np.int64)
    firsts[joined[::-1]] = np.arange(len(joined) - 1, -1, -1)  # of equal places the last one is kept
    used = np.flatnonzero(counts)
    used = used[np.argsort(firsts[used])]
    place = np.zeros(size, np.int64)
    place[used] = np.arange(len(used))
    return firsts[used], counts[used], place[joined]


def by_word(words: Sequence[str], codes: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The words that some codes (n,) have, sorted, each with its places in order."""
    used = np.unique(codes)
    ranks = np.zeros(len(words), np.int32)
    names = sorted(words[code] for code in used.tolist())
    order_of = {name: rank for rank, name in enumerate(names)}
    for code in used.tolist():
        ranks[code] = order_of[words[code]]
    ranked = ranks[codes]
    order, ends = np.argsort(ranked, kind="stable"), np.cumsum(np.bincount(ranked, minlength=len(names)))
    start = 0
    for name, end in zip(names, ends.tolist(), strict=True):
        yield name, order[start:end]
        start = end
