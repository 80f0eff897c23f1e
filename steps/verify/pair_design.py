"""Trials of single utterances: each utterance of a set against each other one, or a random part of these pairs.

All targets are trials, unless their sounds overlap or, on request, they are of one chapter; a chapter is a session of
recording, and two utterances of one session share its microphone and its room. Kinds are those of `trial_design`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from steps.metrics.trial_samples import SampleSize, sample_trials
from steps.metrics.trials import AllPairs, Trials
from steps.verify.trial_design import KINDS, OTHER, OWN, SAME, STRANGER
from utils.errors import InputError
from utils.table_values import Segment

SESSIONS = ("across chapters", "within a chapter", "of unknown chapters")


@dataclass(frozen=True, eq=False)
class Utterances:
    """What is known of N utterances; an entry of a table that is missing is not known.

    Attributes:
        utt2spk: utterance -> speaker. genders: of speakers. chapters: of utterances. uniq: copy -> its utterance.
        segments: of those that are cut from recordings.
    """

    utt2spk: Mapping[str, str]
    genders: Mapping[str, str]
    chapters: Mapping[str, str]
    uniq: Mapping[str, str]
    segments: Mapping[str, Segment]


@dataclass(frozen=True, eq=False)
class PairDesign:
    """Trials, and what is known of them.

    Attributes:
        trials: enrolments and tests are utterances. sessions: how many targets each of SESSIONS has.
        overlapping, same_chapter: how many targets were left out, as their sounds overlap, and for their chapter.
    """

    trials: Trials
    sessions: dict[str, int]
    overlapping: int
    same_chapter: int


def design_pairs(known: Utterances, nontargets: int, across_chapters: bool, seed: int) -> PairDesign:
    """Pair the utterances.

    Args:
        nontargets: how many pairs of different speakers to draw at most; 0 takes all.
        across_chapters: leave out targets of one chapter, and those whose chapters are not known.
    """
    ids, speakers = list(known.utt2spk), np.array([*known.utt2spk.values()], dtype=object)
    pairs = AllPairs(speakers)
    if not pairs.n_targets or not pairs.n_nontargets:
        raise InputError(
            f"{len(ids)} utterances of {pairs.n_speakers} speakers have {pairs.n_targets} pairs of one speaker and"
            f" {pairs.n_nontargets} of two; trials need both"
        )
    n = min(nontargets, pairs.n_nontargets) if nontargets else pairs.n_nontargets
    drawn = sample_trials(ids, speakers, SampleSize(pairs.n_targets, n), seed)
    targets = np.flatnonzero(drawn.targets)
    session = _sessions(drawn, targets, known.chapters)
    overlap = np.zeros(len(drawn), dtype=bool)
    overlap[targets] = _overlapping(drawn, targets, known)
    one_chapter = np.zeros(len(drawn), dtype=bool)
    one_chapter[targets] = across_chapters & (session != 0) & ~overlap[targets]
    kept = ~overlap & ~one_chapter
    if not kept[targets].any():
        why = "of one chapter, or their chapters are not known" if across_chapters else "of utterances that overlap"
        raise InputError(f"all {len(targets)} pairs of one speaker are {why}; no trial of a target is left")
    counts = np.bincount(session[kept[targets]], minlength=len(SESSIONS)).tolist()
    kinds = _kinds(drawn, speakers, known.genders)
    trials = _restricted(replace(drawn, kinds=KINDS, kind=kinds), kept)
    return PairDesign(trials, dict(zip(SESSIONS, counts, strict=True)), int(overlap.sum()), int(one_chapter.sum()))


def _sessions(trials: Trials, rows: np.ndarray, chapters: Mapping[str, str]) -> np.ndarray:
    """The number in SESSIONS (R,) of some trials."""
    of_utterance = np.array([chapters.get(one, "") for one in trials.tests], dtype=object)
    one, other = of_utterance[trials.enrol[rows]], of_utterance[trials.test[rows]]
    return np.where((one == "") | (other == ""), 2, np.where(one == other, 1, 0))


def _overlapping(trials: Trials, rows: np.ndarray, known: Utterances) -> np.ndarray:
    """Which (R,) of some trials are of two segments that share sound, or of copies of one utterance."""
    original = np.unique([known.uniq.get(one, one) for one in trials.tests], return_inverse=True)[1]
    one, other = trials.enrol[rows], trials.test[rows]
    found = original[one] == original[other]
    if known.segments:
        own = [known.segments.get(name, Segment(name, 0.0, None, None)) for name in trials.tests]
        source = np.unique([f"{cut.recording} {cut.channel}" for cut in own], return_inverse=True)[1]
        begin, end = np.array([(cut.begin, np.inf if cut.end is None else cut.end) for cut in own]).T
        found |= (source[one] == source[other]) & (begin[one] < end[other]) & (begin[other] < end[one])
    return found


def _kinds(trials: Trials, speakers: np.ndarray, genders: Mapping[str, str]) -> np.ndarray:
    """The numbers in KINDS (P,)."""
    of_utterance = np.array([genders.get(one, "") for one in speakers], dtype=object)
    one, other = of_utterance[trials.enrol], of_utterance[trials.test]
    endings = [KINDS.index(f"{STRANGER}-{end}") for end in (SAME, OTHER)]
    kinds = np.where(one == other, *endings)
    kinds = np.where((one == "") | (other == ""), KINDS.index(STRANGER), kinds)
    return np.where(trials.targets, KINDS.index(OWN), kinds)


def _restricted(trials: Trials, kept: np.ndarray) -> Trials:
    """Some of the trials, with the utterances that they name."""
    enrolments, enrol = np.unique(trials.enrol[kept], return_inverse=True)
    tests, test = np.unique(trials.test[kept], return_inverse=True)
    names = (
        [side[number] for number in used] for side, used in ((trials.enrolments, enrolments), (trials.tests, tests))
    )
    return Trials(*names, enrol, test, trials.targets[kept], trials.kinds, trials.kind[kept])
