"""A language directory: units with their numbers of states, and words as rows of units. A transcript becomes a graph.

    units.txt      `<unit> <states>`, silence first; the order decides the numbers of densities
    lexicon.txt    `<word> <unit> <unit> ...`, a line for each pronunciation
    lang.json      which unit is silence, and how probable it is before, between and behind words; in the directory of a
                   model also the units that its training has not heard

Every state of every unit has a density of its own: the first unit has 0, 1, 2, and so on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from steps.hmm.lexicon import LEXICON, MOST_STATES, Pronunciations, fold, read_lexicon, write_lexicon
from steps.hmm.transcript_states import SILENCE_WORD, RowBuilder, TranscriptStates
from steps.hmm.trellis import Graph
from utils.durable import write_whole
from utils.errors import InputError, brief
from utils.json_files import json_text, read_json
from utils.tables import read_table

UNITS, ABOUT, SYMBOLS = "units.txt", "lang.json", "phones.txt"


@dataclass(frozen=True)
class Lang:
    """Units and words.

    Attributes:
        units: name -> number of states. lexicon: word -> its pronunciations, each a row of units.
        silence: the unit of silence. silence_share: how probable it is at each place where it may be.
        unheard: units that a training has not heard, whose densities are those of all frames.
    """

    units: Mapping[str, int]
    lexicon: Pronunciations
    silence: str = "SIL"
    silence_share: float = 0.5
    unheard: Sequence[str] = ()

    def __post_init__(self):
        if self.silence not in self.units:
            raise ValueError(f"{self.silence}: the unit of silence is not among the units")
        if not all(1 <= states <= MOST_STATES for states in self.units.values()):
            raise ValueError(f"units with numbers of states that are not from 1 to {MOST_STATES}")
        if not 0 < self.silence_share < 1:
            raise ValueError(f"silence_share {self.silence_share}: expected a number between 0 and 1")
        if any(unit not in self.units for unit in self.unheard):
            raise ValueError("unheard: names that are no units")
        for word, rows in self.lexicon.items():
            unknown = [unit for row in rows for unit in row if unit not in self.units]
            if unknown or not rows or not all(rows):
                raise ValueError(f"{brief(word)}: {brief(unknown[0]) if unknown else 'no unit'} is no unit of the list")

    @cached_property
    def first_pdfs(self) -> dict[str, int]:
        """Unit -> the density of its first state."""
        sizes = list(self.units.values())
        return dict(zip(self.units, (int(first) for first in np.cumsum([0, *sizes[:-1]])), strict=True))

    @property
    def n_pdfs(self) -> int:
        """P, the number of densities."""
        return sum(self.units.values())

    @cached_property
    def heard(self) -> Pronunciations:
        """The lexicon without pronunciations that have a unit which training has not heard."""
        rows = {word: [row for row in rows if not {*row} & {*self.unheard}] for word, rows in self.lexicon.items()}
        return {word: own for word, own in rows.items() if own}

    @cached_property
    def _rows(self) -> dict[str, list[tuple[int, int, int]]]:
        """Unit -> (density, number of the unit, number of the state) of each of its states."""
        return {
            unit: [(self.first_pdfs[unit] + position, number, position) for position in range(states)]
            for number, (unit, states) in enumerate(self.units.items())
        }

    def unknown(self, words: Sequence[str]) -> list[str]:
        """Those of the words that the lexicon does not have."""
        return [word for word in words if fold(word) not in self.lexicon]

    def fewest_frames(self, words: Sequence[str]) -> int:
        """How many frames these words take at least: one for each state of the shortest pronunciations."""
        return sum(min(sum(self.units[unit] for unit in row) for row in self.lexicon[fold(word)]) for word in words)

    def states_of(self, words: Sequence[str]) -> TranscriptStates:
        """The states of a transcript. Raises InputError where the lexicon lacks a word, or there is none."""
        unknown = self.unknown(words)
        if unknown or not words:
            raise InputError(
                f"{brief(' '.join(words))}: " + (f"no word {brief(unknown[0])}" if unknown else "no words")
            )
        builder, pause = RowBuilder(), [self._rows[self.silence]]
        builder.add(SILENCE_WORD, pause, self.silence_share)
        for number, word in enumerate(words):
            choices = [[state for unit in row for state in self._rows[unit]] for row in self.lexicon[fold(word)]]
            builder.add(number, choices, 1.0)
            builder.add(SILENCE_WORD, pause, self.silence_share)
        return builder.finished()

    def graph_of(self, words: Sequence[str], loops: np.ndarray) -> Graph:
        """The graph of a transcript for a model with these probabilities of staying, (P,)."""
        return self.states_of(words).graph(loops)

    def save(self, directory: Path) -> None:
        """Write the directory's files."""
        directory.mkdir(parents=True, exist_ok=True)
        lines = [f"{unit} {states}\n" for unit, states in self.units.items()]
        write_whole(directory / UNITS, "".join(lines).encode())
        write_lexicon(directory / LEXICON, self.lexicon)
        about = {"silence": self.silence, "silence_share": self.silence_share}
        about |= {"unheard": list(self.unheard)} if self.unheard else {}
        write_whole(directory / ABOUT, (json_text(about, directory / ABOUT) + "\n").encode())

    def write_symbols(self, directory: Path) -> None:
        """Write phones.txt, the numbers of units as Kaldi has them: from 1 on, 0 for nothing."""
        lines = ["<eps> 0\n", *(f"{unit} {number}\n" for number, unit in enumerate(self.units, 1))]
        write_whole(directory / SYMBOLS, "".join(lines).encode())

    @classmethod
    def load(cls, directory: Path) -> "Lang":
        """Read what `save` has written. Raises InputError for anything else."""
        directory = Path(directory)
        if not (directory / UNITS).is_file():
            raise InputError(f"{directory}: no {UNITS} here; expected a directory of steps.hmm.make_lang")
        units = read_table(directory / UNITS)
        wrong = next((unit for unit, states in units.items() if not (states.isascii() and states.isdigit())), None)
        if wrong is not None:
            raise InputError(f"{directory / UNITS}: {wrong}: expected a number of states, found {brief(units[wrong])}")
        about = read_json(directory / ABOUT, ("silence", "silence_share"))
        lexicon = read_lexicon(directory / LEXICON)
        try:
            return cls({unit: int(states) for unit, states in units.items()}, lexicon, **about)
        except (TypeError, ValueError) as error:
            raise InputError(f"{directory}: {error}; make it again with steps.hmm.make_lang") from error
