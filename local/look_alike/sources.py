"""Where the digits of a look-alike come from: speakers, each with takes of ten digits, and the words they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

ENGLISH = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ARABIC = ["sifr", "wahid", "ithnan", "thalatha", "arbaa", "khamsa", "sitta", "saba", "thamaniya", "tisa"]
CMUDICT = {
    **{"zero": "Z IH1 R OW0", "one": "W AH1 N", "two": "T UW1", "three": "TH R IY1", "four": "F AO1 R"},
    **{"five": "F AY1 V", "six": "S IH1 K S", "seven": "S EH1 V AH0 N", "eight": "EY1 T", "nine": "N AY1 N"},
}


FOLD, SEX, EVERYBODY = "fold", "sex", "everybody"  # among whom impostors are


class SourceSpeaker(NamedTuple):
    """A speaker: the id in the look-alike, the name in the source, f or m, and the fold."""

    id: str
    name: str
    sex: str
    fold: str


@dataclass(frozen=True)
class Takes:
    """The takes that enrol and those that test. The phrase `number` of a side has at its place `j` the take
    `side[(stride * number + j) % len(side)]`.

    Attributes:
        n_enrol, n_test: phrases that enrol a model, and that test it.
    """

    enrol: Sequence[int]
    test: Sequence[int]
    stride: int
    n_enrol: int
    n_test: int

    def of(self, side: str, number: int, length: int) -> tuple[int, ...]:
        """The takes of the digits of one phrase; side: enrol or test."""
        takes = self.enrol if side == "enrol" else self.test
        return tuple(takes[(self.stride * number + place) % len(takes)] for place in range(length))


class DigitSource(Protocol):
    """Speakers and their takes.

    Attributes:
        words: the text of each digit. takes: which enrol, which test.
        impostors: FOLD, all trials of whose speakers are made, SEX or EVERYBODY, some of whose trials are.
        estimated: the sexes are; the source does not tell them. inputs: files and directories that are read.
    """

    speakers: tuple[SourceSpeaker, ...]
    words: Sequence[str]
    takes: Takes
    impostors: str
    estimated: bool
    inputs: tuple[Path, ...]

    def name(self, speaker: SourceSpeaker, digit: int, take: int) -> str:
        """The file of a take, or what it is called."""

    def read(self, speaker: SourceSpeaker, digit: int, take: int) -> np.ndarray:
        """The samples (samples,) float32 of a take at 16 kHz, in -1..1."""

    def join(self, takes: Sequence[np.ndarray]) -> np.ndarray:
        """A phrase (samples,) of takes."""
