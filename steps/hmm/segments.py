"""Stretches of time with a label, such as phones or words: of the paths of alignments, and in CTM files.

A line of a CTM file is `utterance channel begin duration label`, with seconds, sorted by utterance and time.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.hmm.transcript_states import SILENCE_WORD, TranscriptStates
from utils.errors import InputError, brief
from utils.tables import iterate_lines

CHANNEL = "1"
DIGITS = 3  # of seconds


class LabelledStretch(NamedTuple):
    """A stretch: begin and end in seconds, and what is said."""

    begin: float
    end: float
    label: str


def units_of_path(states: TranscriptStates, path: np.ndarray) -> np.ndarray:
    """Where units begin on a path (T,): the first frame of each."""
    entered = np.append(True, path[1:] != path[:-1]) & (states.positions[path] == 0)
    return np.flatnonzero(entered)


def words_of_path(states: TranscriptStates, path: np.ndarray) -> list[tuple[int, int, int]]:
    """First frame, last frame and number of each word on a path (T,), without silence.

    A path that goes back, which only a loop of words lets it do, begins another word.
    """
    numbers = states.words[path]
    borders = np.flatnonzero((np.diff(numbers) != 0) | (np.diff(path) < 0)) + 1
    runs = zip([0, *borders], [*borders, len(numbers)], strict=True)
    return [(int(a), int(b) - 1, int(numbers[a])) for a, b in runs if numbers[a] != SILENCE_WORD]


def ctm_lines(utterance: str, stretches: Iterable[LabelledStretch]) -> list[str]:
    """Lines of a CTM file."""
    return [
        f"{utterance} {CHANNEL} {one.begin:.{DIGITS}f} {one.end - one.begin:.{DIGITS}f} {one.label}"
        for one in stretches
    ]


def read_ctm(path: Path) -> dict[str, list[LabelledStretch]]:
    """Utterance -> its stretches in time. Raises InputError with the line that is none, or that begins too early."""
    found: dict[str, list[LabelledStretch]] = {}
    for number, line in enumerate(iterate_lines(path), 1):
        if line.startswith(";;"):  # a comment
            continue
        cells = line.split()
        try:
            utterance, _, begin, seconds, label = cells[:5]
            stretch = LabelledStretch(float(begin), float(begin) + float(seconds), label)
        except ValueError as error:
            raise InputError(
                f"{path}:{number}: expected 'utterance channel begin duration label', found {brief(line)}"
            ) from error
        if len(cells) > 6 or not 0 <= stretch.begin <= stretch.end < float("inf"):
            raise InputError(f"{path}:{number}: expected seconds from 0 on, and perhaps a score, found {brief(line)}")
        own = found.setdefault(utterance, [])
        if own and stretch.begin < own[-1].end - 10.0**-DIGITS:
            raise InputError(f"{path}:{number}: begins before the line above ends; expected lines sorted by time")
        own.append(stretch)
    if not found:
        raise InputError(f"{path}: no lines; expected 'utterance channel begin duration label'")
    return found


def labelled(
    begins: Sequence[int], times: np.ndarray, frames_per_second: float, labels: Sequence[str]
) -> list[LabelledStretch]:
    """Stretches that fill frames from the first to the last.

    Args:
        begins: the first frame of each. times: (T,) the place of each frame in the recording.
    """
    ends = [*begins[1:], len(times)]
    return [
        LabelledStretch(times[begin] / frames_per_second, (times[end - 1] + 1) / frames_per_second, label)
        for begin, end, label in zip(begins, ends, labels, strict=True)
    ]
