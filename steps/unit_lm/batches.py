"""Batches of sequences of like length, by a budget: rows times the longest of them.

Sequences are sorted by length, and buckets cut from the longest on: each has the rows of one full batch at least, and
goes on as long as sequences are almost as long as its first. An epoch shuffles within buckets, and then the batches. So
their number does not change, no batch exceeds the budget, and little of it is filled up.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from steps.training.task import part_of_rows
from steps.unit_lm.sequences import UnitSequences, padded
from steps.unit_lm.vocabulary import Vocabulary

ALMOST = 0.9  # of the longest in a bucket
NO_OUTCOME = 0  # fills up outcomes, at places that are not real


class LmBatch(NamedTuple):
    """B stretches of sequences, side by side.

    Attributes:
        symbols: (B, T), PAD at the ends. outcomes: (B, T), what follows each symbol. lengths: (B,) real places.
        rows: (B,) numbers of the sequences.
    """

    symbols: np.ndarray
    outcomes: np.ndarray
    lengths: np.ndarray
    rows: np.ndarray

    @property
    def real(self) -> np.ndarray:
        """(B, T): the places that are no filling."""
        return np.arange(self.symbols.shape[1]) < self.lengths[:, None]

    def part(self, number: int, of: int) -> tuple["LmBatch", float]:
        """Every `of`-th row from `number` on. A mean loss over its outcomes weighs as much as it has outcomes."""
        own, weight = part_of_rows(np.arange(len(self.lengths)), number, of)
        longest = int(self.lengths[own].max())
        part = LmBatch(
            self.symbols[own, :longest], self.outcomes[own, :longest], self.lengths[own], np.asarray(self.rows)[own]
        )
        return part, weight and of * float(part.lengths.sum()) / float(self.lengths.sum())


class LmBatches:
    """The batches of the sequences of a directory.

    Args:
        sequences: of the directory. vocabulary: of the model. budget: of a batch. longest: a sequence with more
            outcomes is cut into stretches of so many, each of which begins with the unit before it.

    Attributes:
        n_batches: in an epoch. n_outcomes: in an epoch.
    """

    def __init__(self, sequences: UnitSequences, vocabulary: Vocabulary, budget: int, longest: int):
        self.sequences, self.vocabulary = sequences, vocabulary
        totals = sequences.lengths + vocabulary.ends
        counts = -(-totals // longest)
        self.rows = np.repeat(np.arange(len(totals)), counts)
        self.begins = np.concatenate([np.arange(count) for count in counts]) * longest
        self.lengths = np.minimum(totals[self.rows] - self.begins, longest)
        self.buckets = buckets(self.lengths, budget)
        self.n_batches = sum(math.ceil(len(members) / rows) for members, rows in self.buckets)
        self.n_outcomes = int(totals.sum())

    def epoch(self, rng: np.random.Generator | None = None, first: int = 0) -> Iterator[LmBatch]:
        """All batches in an order that `rng` draws, from number `first` on; without it those of the longest first."""
        batches: list[np.ndarray] = []
        for members, rows in self.buckets:
            own = members if rng is None else rng.permutation(members)
            batches += [own[begin : begin + rows] for begin in range(0, len(own), rows)]
        order = range(len(batches)) if rng is None else rng.permutation(len(batches))
        return (self.read(batches[number]) for number in order[first:])

    def read(self, numbers: np.ndarray) -> LmBatch:
        """Stretches with these numbers."""
        symbols, outcomes = [], []
        for row, begin, length in zip(self.rows[numbers], self.begins[numbers], self.lengths[numbers], strict=True):
            units = self.sequences.units(row)
            symbols.append(self.vocabulary.read(units)[begin : begin + length])
            outcomes.append(self.vocabulary.outcomes(units)[begin : begin + length])
        rows, lengths = self.rows[numbers], self.lengths[numbers]
        return LmBatch(padded(symbols, self.vocabulary.pad), padded(outcomes, NO_OUTCOME), lengths, rows)


def buckets(lengths: np.ndarray, budget: int) -> list[tuple[np.ndarray, int]]:
    """Numbers (n,) of the stretches of each bucket, and the rows of its batches.

    Args:
        lengths: (N,) of the stretches. One that exceeds the budget is a batch alone.
    """
    order = np.argsort(-lengths, kind="stable")
    descending, found, begin = lengths[order], [], 0
    while begin < len(order):
        rows = max(1, budget // int(descending[begin]))
        alike = int(np.searchsorted(-descending, -ALMOST * descending[begin], side="right")) - begin
        end = begin + max(rows, alike // rows * rows)
        found.append((order[begin:end], rows))
        begin = end
    return found
