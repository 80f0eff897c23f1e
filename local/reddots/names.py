"""Names in RedDots: recordings `<17-digit stamp>_<speaker>_<sentence>`, and models `<speaker>_<sentence>`.

Speakers and sentences are words of letters and digits of any length, and no numbers. A speaker whose name is m or f and
digits has that sex. Utterances of data directories are `<speaker>-<recording>`, since Kaldi's tables, which are sorted
by utterance, must be sorted by speaker too.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from utils.errors import InputError, brief

WORD = "[A-Za-z0-9]+"
RECORDING = re.compile(rf"([0-9]{{17}})_({WORD})_({WORD})")
CELL = re.compile(rf"(?:(?P<folder>{WORD})/)?(?P<recording>[0-9]{{17}}_(?P<speaker>{WORD})_{WORD})(?:\.pcm)?")
MODEL = re.compile(rf"({WORD})_({WORD})")
SEXED = re.compile(r"([mf])[0-9]+")


class RecordingName(NamedTuple):
    """The parts of a recording's name."""

    stamp: str
    speaker: str
    sentence: str

    def __str__(self) -> str:
        return "_".join(self)


class ModelName(NamedTuple):
    """The parts of a model's name."""

    speaker: str
    sentence: str

    def __str__(self) -> str:
        return "_".join(self)


def read_recording(cell: str, where: str) -> str:
    """The name of a recording in a list: `<recording>`, or `<speaker>/<recording>`, with or without `.pcm`."""
    found = CELL.fullmatch(cell.strip())
    if not found or found["folder"] not in (None, found["speaker"]):
        raise InputError(
            f"{where}: expected a recording [<speaker>/]<17-digit stamp>_<speaker>_<sentence>, found {brief(cell)}"
        )
    return found["recording"]


def read_model(word: str, where: str) -> ModelName:
    """The name of a model in a list."""
    found = MODEL.fullmatch(word.strip())
    if not found:
        raise InputError(f"{where}: expected a model <speaker>_<sentence>, found {brief(word)}")
    return ModelName(*found.groups())


@lru_cache(1 << 18)
def parts_of(recording: str) -> RecordingName:
    """The parts of the name of a recording that `read_recording` has taken."""
    return RecordingName(*recording.split("_"))


def utterance_of(recording: str) -> str:
    """The utterance of a recording."""
    return f"{parts_of(recording).speaker}-{recording}"


def sex_in_name(speaker: str) -> str | None:
    """The sex that the name of a speaker tells, if it does."""
    found = SEXED.fullmatch(speaker)
    return found[1] if found else None
