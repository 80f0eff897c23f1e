"""Draw unit sequences from a network, many side by side, each by a random generator of its own.

A row that has ended takes up the next sequence. Whatever stands in other rows, a sequence is the same to the last unit:
its numbers come from its own generator, and the products of matrices always have a multiple of BLOCK rows, since a
library may sum few rows in another order than many. All that the network reads is read once, BOS too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from steps.unit_lm.choices import ChoiceOptions, choose, probabilities
from steps.unit_lm.unit_network import UnitNetwork

BLOCK = 64  # rows
AHEAD = 64  # chances that a sequence draws at a time


class SequenceStart(NamedTuple):
    """Where a sequence begins.

    Attributes:
        seed: of its generator. prompt: (N,) units that it begins with.
    """

    seed: tuple[int, ...]
    prompt: np.ndarray


class Limits(NamedTuple):
    """What a sequence may be.

    Attributes:
        least: units before it may end. longest: units at which it ends, those of the prompt too.
        repeats: may a unit follow itself? In a model of frames it may.
    """

    least: int
    longest: int
    repeats: bool


@dataclass
class _Row:
    """A sequence that is being drawn, with the number of symbols that the network has read of it."""

    number: int
    units: list[int]
    n_prompt: int
    rng: np.random.Generator
    n_read: int = 0
    chances: list[float] = field(default_factory=list)

    def chance(self) -> float:
        if not self.chances:
            self.chances = self.rng.random(AHEAD)[::-1].tolist()
        return self.chances.pop()


class UnitSampler:
    """Draws sequences.

    Args:
        network: in evaluation mode. options: of the choice of outcomes. rows: side by side.
    """

    def __init__(self, network: UnitNetwork, options: ChoiceOptions, limits: Limits, rows: int):
        self.network, self.options, self.limits, self.n_rows = network, options, limits, rows
        self.vocabulary, self.device = network.vocabulary, network.linear.weight.device

    @torch.inference_mode()
    def draw(self, starts: Sequence[SequenceStart]) -> list[np.ndarray]:
        """The units (N,) int32 of each sequence, those of its prompt first."""
        found: list[np.ndarray | None] = [None] * len(starts)
        waiting = self._waiting(starts)
        size = -(-self.n_rows // BLOCK) * BLOCK
        state = self.network.begin(size, self.limits.longest + 1)
        rows: list[_Row | None] = [next(waiting, None) for _ in range(self.n_rows)]
        while any(rows):
            symbols = [self._next(row) if row else self.vocabulary.bos for row in rows]
            filled = symbols + [self.vocabulary.bos] * (size - self.n_rows)
            logits = self.network.step(torch.tensor(filled, device=self.device), state)
            for row in filter(None, rows):
                row.n_read += 1
            ended = self._go_on(rows, logits)
            for place in ended:
                row = rows[place]
                found[row.number] = np.array(row.units, np.int32)
                rows[place] = next(waiting, None)
            idle = [place for place in range(size) if place >= self.n_rows or rows[place] is None]
            again = ended + idle
            if again:
                self.network.restart(state, torch.tensor(again, device=self.device))
        return found

    def _waiting(self, starts: Sequence[SequenceStart]) -> Iterator[_Row]:
        for number, (seed, prompt) in enumerate(starts):
            yield _Row(number, prompt.tolist(), len(prompt), np.random.default_rng(seed))

    def _next(self, row: _Row) -> int:
        """The symbol of a row that the network reads next."""
        return row.units[row.n_read - 1] if row.n_read else self.vocabulary.bos

    def _go_on(self, rows: Sequence[_Row | None], logits: Tensor) -> list[int]:
        """Add a unit to each row whose prompt is read. Returns the places of rows that have ended."""
        due = [place for place, row in enumerate(rows) if row and row.n_read > len(row.units)]
        if not due:
            return []
        own = logits[: len(rows)].double().cpu()[due]
        self._forbid([rows[place] for place in due], own)
        chances = torch.tensor([rows[place].chance() for place in due], dtype=torch.float64)
        ended = []
        for place, outcome in zip(due, choose(probabilities(own, self.options), chances).tolist(), strict=True):
            row = rows[place]
            if outcome < self.vocabulary.n_units:
                row.units.append(outcome)
            if outcome == self.vocabulary.n_units or len(row.units) >= self.limits.longest:
                ended.append(place)
        return ended

    def _forbid(self, rows: Sequence[_Row], logits: Tensor) -> None:
        """Set logits (B, outcomes) to -inf: of a repetition, and of the end of what is too short."""
        if not self.limits.repeats:
            begun = [line for line, row in enumerate(rows) if row.units]
            logits[begun, [rows[line].units[-1] for line in begun]] = -torch.inf
        if self.vocabulary.ends:
            short = [line for line, row in enumerate(rows) if len(row.units) < self.limits.least]
            logits[short, self.vocabulary.n_units] = -torch.inf
