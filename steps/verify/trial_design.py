"""Which utterances enrol a speaker, which are tests, and which pairs become trials.

A trial is of the kind

    own         the enrolled speaker's other utterances: targets
    stranger    utterances of other real speakers
    sampled     sampled speakers

and, where the genders of both sides are known, of `stranger-same` or `stranger-other` gender, and so on.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.metrics.trials import Trials
from utils.errors import InputError, brief
from utils.table_values import SEGMENT, Segment, parse_segment
from utils.tables import read_table

OWN, STRANGER, SAMPLED = "own", "stranger", "sampled"
SAME, OTHER = "same", "other"  # gender
KINDS = (OWN, *(f"{kind}{end}" for kind in (STRANGER, SAMPLED) for end in ("", f"-{SAME}", f"-{OTHER}")))


class Division(NamedTuple):
    """The utterances of real speakers.

    Attributes:
        enrolment: speaker -> its enrolment utterances. tests: utterances that are tests.
        overlapping: utterances that are neither, as they overlap with an enrolment utterance.
    """

    enrolment: dict[str, list[str]]
    tests: list[str]
    overlapping: list[str]


def divide_utterances(spk2utt: Mapping[str, Sequence[str]], n_enrol: int, segments: Mapping[str, Segment]) -> Division:
    """Let the first `n_enrol` utterances of each speaker enrol it, but leave at least one as a test.

    A speaker with one utterance is not enrolled; the utterance is a test. `segments`: of the utterances that are cut
    from recordings.
    """
    found = Division({}, [], [])
    for speaker, utterances in spk2utt.items():
        n = min(n_enrol, len(utterances) - 1)
        enrolment = list(utterances[:n])
        if enrolment:
            found.enrolment[speaker] = enrolment
        for utterance in utterances[n:]:
            clash = any(_overlap(segments.get(utterance), segments.get(one)) for one in enrolment)
            (found.overlapping if clash else found.tests).append(utterance)
    return found


def _overlap(one: Segment | None, other: Segment | None) -> bool:
    if one is None or other is None:
        return False
    if (one.recording, one.channel) != (other.recording, other.channel):
        return False
    return all(end is None or begin < end for begin, end in ((one.begin, other.end), (other.begin, one.end)))


class Side(NamedTuple):
    """Test utterances of one source.

    Attributes:
        tests: (T) utterances. speakers: (T) of each. kind: STRANGER or SAMPLED. most: trials an enrolment; 0 for all.
    """

    tests: Sequence[str]
    speakers: Sequence[str]
    kind: str
    most: int


def design_trials(
    enrolments: Sequence[str], sides: Sequence[Side], spk2gender: Mapping[str, str], rng: np.random.Generator
) -> Trials:
    """Pair each enrolled speaker with its own tests, and with others: all, or so many drawn at random.

    Args:
        enrolments: (E) speakers. spk2gender: of those whose gender is known.
    """
    tests = [test for side in sides for test in side.tests]
    parts, first = [], 0
    for side in sides:
        names, speakers = np.unique(np.array(side.speakers, dtype=object), return_inverse=True)
        number_of = {name: number for number, name in enumerate(names)}
        genders = np.array([spk2gender.get(name, "") for name in names], dtype=object)[speakers]
        for number, enrolment in enumerate(enrolments):
            own = speakers == number_of.get(enrolment, -1)
            others = np.flatnonzero(~own)
            if side.most and len(others) > side.most:
                others = np.sort(rng.choice(others, side.most, replace=False))
            chosen = np.concatenate([np.flatnonzero(own), others])
            kinds = _kinds(side.kind, spk2gender.get(enrolment, ""), genders[chosen])
            kinds[own[chosen]] = KINDS.index(OWN)
            parts.append((np.full(len(chosen), number), first + chosen, own[chosen], kinds))
        first += len(side.tests)
    enrol, test, targets, kind = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Trials(enrolments, tests, enrol, test, targets, KINDS, kind)


def _kinds(kind: str, gender: str, genders: np.ndarray) -> np.ndarray:
    """The numbers in KINDS (P,) of trials of an enrolment and others, by their genders (P,); "" is not known."""
    endings = np.where(genders == gender, KINDS.index(f"{kind}-{SAME}"), KINDS.index(f"{kind}-{OTHER}"))
    return np.where((genders == "") | (gender == ""), KINDS.index(kind), endings)


def read_segments(directory: Path) -> dict[str, Segment]:
    """The segment of each utterance that is cut from a recording."""
    path = directory / "segments"
    segments = {}
    for utterance, value in (read_table(path) if path.is_file() else {}).items():
        segments[utterance] = parse_segment(value)
        if segments[utterance] is None:
            raise InputError(f"{path}: {utterance}: expected {SEGMENT}, found {brief(value)}")
    return segments
