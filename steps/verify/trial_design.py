"""Which utterances enrol a speaker, which are tests, and which pairs become trials.

A trial is of the kind

    own         the enrolled speaker's other utterances: targets
    stranger    utterances of other real speakers
    sampled     sampled speakers

and, where the genders of both sides are known, of `stranger-same` or `stranger-other` gender, and so on.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from steps.metrics.trials import Trials

OWN, STRANGER, SAMPLED = "own", "stranger", "sampled"
SAME, OTHER = "same", "other"  # gender
KINDS = (OWN, *(f"{kind}{end}" for kind in (STRANGER, SAMPLED) for end in ("", f"-{SAME}", f"-{OTHER}")))
Segment = tuple[str, float, float]  # recording, begin and end in s


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
    return one[0] == other[0] and min(one[2], other[2]) > max(one[1], other[1])


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
        speakers = np.array(side.speakers, dtype=object)
        for number, enrolment in enumerate(enrolments):
            own = speakers == enrolment
            others = np.flatnonzero(~own)
            if side.most and len(others) > side.most:
                others = np.sort(rng.choice(others, side.most, replace=False))
            chosen = np.concatenate([np.flatnonzero(own), others])
            kinds = [_kind(side.kind, enrolment, speakers[row], spk2gender) for row in chosen]
            parts.append((np.full(len(chosen), number), first + chosen, own[chosen], np.array(kinds, dtype=int)))
        first += len(side.tests)
    enrol, test, targets, kind = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Trials(enrolments, tests, enrol, test, targets, KINDS, kind)


def _kind(kind: str, enrolment: str, speaker: str, spk2gender: Mapping[str, str]) -> int:
    """The number in KINDS of a trial of two speakers."""
    if speaker == enrolment:
        return KINDS.index(OWN)
    genders = {spk2gender.get(one) for one in (enrolment, speaker)}
    ending = "" if None in genders else f"-{SAME}" if len(genders) == 1 else f"-{OTHER}"
    return KINDS.index(kind + ending)
