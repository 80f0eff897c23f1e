"""The states of a transcript in a row: pronunciations side by side, with silence before, between and behind words.

Which states follow which is known before any model is; `graph` puts the probabilities of a model into it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from steps.hmm.trellis import NEVER, ArcTable, Graph

SILENCE_WORD = -1  # the number of the word that silence belongs to
BEFORE = -1  # stands for the beginning among sources


@dataclass(frozen=True)
class TranscriptStates:
    """States of a transcript, each behind those that lead into it.

    Attributes:
        pdfs: (S,) the density of each state. words: (S,) the number of its word in the transcript, SILENCE_WORD in
            silence. units, positions: (S,) the number of its unit, and its own number in this.
        sources: (S, A), the state itself first; -1 where there are fewer. choices: (S, A) log probabilities of choosing
            this way, among those that leave the source. log_start, log_end: (S,).
    """

    pdfs: np.ndarray
    words: np.ndarray
    units: np.ndarray
    positions: np.ndarray
    sources: np.ndarray
    choices: np.ndarray
    log_start: np.ndarray
    log_end: np.ndarray

    @cached_property
    def table(self) -> ArcTable:
        """The table of sources, which is the same for all models."""
        return ArcTable(self.sources)

    def graph(self, loops: np.ndarray) -> Graph:
        """The same with the probabilities of staying in states with each density, (P,)."""
        stay, leave = np.log(loops[self.pdfs]), np.log1p(-loops[self.pdfs])
        arcs = self.choices + leave[np.maximum(self.sources, 0)]
        arcs[:, 0] = stay
        ends = np.maximum(self.log_end + leave, NEVER)
        return Graph(self.pdfs, self.sources, arcs, self.log_start, ends, self.table)


@dataclass
class RowBuilder:
    """States that are added from the beginning to the end."""

    rows: list[tuple[int, int, int, int]] = field(default_factory=list)  # density, word, unit, position
    ways: list[list[tuple[int, float]]] = field(default_factory=list)  # of each state: sources with probabilities
    open: list[tuple[int, float]] = field(default_factory=lambda: [(BEFORE, 1.0)])  # what leads on

    def add(self, word: int, choices: Sequence[Sequence[tuple[int, int, int]]], share: float) -> None:
        """Go through one of the choices, each a row of (density, unit, position), or, if share is below 1, past all.

        Args:
            share: the probability of going through.
        """
        ends = [(state, weight * (1 - share)) for state, weight in self.open if share < 1]
        for row in choices:
            ways = [(state, weight * share / len(choices)) for state, weight in self.open]
            for pdf, unit, position in row:
                self.rows.append((pdf, word, unit, position))
                self.ways.append(ways)
                ways = [(len(self.rows) - 1, 1.0)]
            ends += ways
        self.open = ends

    def finished(self) -> TranscriptStates:
        """The states as arrays."""
        size = len(self.rows)
        width = 1 + max(sum(state != BEFORE for state, _ in ways) for ways in self.ways)
        sources = np.full((size, width), -1)
        choices = np.full((size, width), NEVER)
        start, end = np.full((2, size), NEVER)
        sources[:, 0] = np.arange(size)
        for state, ways in enumerate(self.ways):
            entering = [way for way in ways if way[0] != BEFORE]
            for column, (source, weight) in enumerate(entering, 1):
                sources[state, column], choices[state, column] = source, np.log(weight)
            for _, weight in (way for way in ways if way[0] == BEFORE):
                start[state] = np.log(weight)
        for state, weight in self.open:
            end[state] = np.log(weight)
        pdfs, words, units, positions = np.array(self.rows).T
        return TranscriptStates(pdfs, words, units, positions, sources, choices, start, end)
