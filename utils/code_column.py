"""Columns of few words: 4 bytes a row, the number of its word, and NONE where there is none."""

from array import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from utils.chunks import CHUNK
from utils.text_column import Words

NONE = -1


class CodeColumn:
    """N words of few, or None.

    Attributes:
        words: all words; what has none has the code NONE.
    """

    def __init__(self) -> None:
        self.words, self._codes = Words(), array("i")

    def extend(self, codes: Iterable[int]) -> None:
        """Add rows at the end, by the codes of their words."""
        self._codes.extend(codes)

    @property
    def codes(self) -> np.ndarray:
        """(N,) int32, which can be written to; no row can be added while it is held."""
        return np.frombuffer(self._codes, np.int32)

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

    def put(self, rows: np.ndarray, word: str | None) -> None:
        """Give some rows (n,) a word."""
        self.codes[rows] = NONE if word is None else self.words[word]


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
    joined = np.zeros(len(columns[0]), np.int64)
    for codes in columns:
        codes = codes.astype(np.int64) - NONE
        joined = np.unique(joined * (codes.max(initial=0) + 1) + codes, return_inverse=True)[1]
    _, firsts, which, counts = np.unique(joined, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(firsts)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return firsts[order], counts[order], place[which]


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
