"""Trials: pairs of an enrolment and a test segment, each a target (both of one speaker) or a non-target.

`Trials` is a list of them, read from a file (`trial_files`) or drawn at random (`trial_samples`). The pairs of a whole
set of N segments are never listed: `AllPairs` gives them in blocks of bounded memory, scored by matrix products.
Metrics take an iterable of `ScoredTrials`, which they may iterate over more than once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from utils.errors import InputError

BLOCK = 1 << 20  # pairs held at a time
ONE_KIND = "all"  # the kind of all trials where no kinds are given


@dataclass(frozen=True, eq=False)
class ScoredTrials:
    """Trials with their scores, the input of all metrics.

    Attributes:
        scores: (P,) higher for pairs that are more alike. targets: (P,) bool.
        enrol_speakers, test_speakers: (P,) number of the speaker on each side, 0 to n_speakers - 1; only the bootstrap
            needs them.
        n_speakers: number of speakers in all trials, not only these.
    """

    scores: np.ndarray
    targets: np.ndarray
    enrol_speakers: np.ndarray | None = None
    test_speakers: np.ndarray | None = None
    n_speakers: int = 0

    def of(self, rows: np.ndarray) -> "ScoredTrials":
        """Some of the trials, with their speakers as they are numbered here."""
        sides = [None if side is None else side[rows] for side in (self.enrol_speakers, self.test_speakers)]
        return ScoredTrials(self.scores[rows], self.targets[rows], *sides, self.n_speakers)


@dataclass(frozen=True, eq=False)
class TrialPairs:
    """A list of pairs of which nobody says whether they are targets.

    Attributes:
        enrolments: (E) ids. tests: (T) ids.
        enrol, test: (P,) numbers of each pair's enrolment and test segment in these.
    """

    enrolments: Sequence[str]
    tests: Sequence[str]
    enrol: np.ndarray
    test: np.ndarray

    def __len__(self) -> int:
        return len(self.enrol)

    def name(self, number: int) -> str:
        """One pair as it stands in a file of trials."""
        return f"{self.enrolments[self.enrol[number]]} {self.tests[self.test[number]]}"

    def names(self) -> list[str]:
        """All pairs as they stand in a file of trials."""
        numbers = zip(self.enrol.tolist(), self.test.tolist(), strict=True)
        return [f"{self.enrolments[enrol]} {self.tests[test]}" for enrol, test in numbers]

    def products(self, enrol: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Scores (P,): scalar products of vectors `enrol` (E, D) of the enrolments and `test` (T, D) of the tests.

        They are the cosines of unit vectors, and the scores of the two sides that `plda` gives.
        """
        scores = np.empty(len(self), dtype=np.result_type(enrol, test))
        step = max(1, BLOCK // enrol.shape[1])
        for start in range(0, len(self), step):
            part = slice(start, start + step)
            scores[part] = np.einsum("pd,pd->p", enrol[self.enrol[part]], test[self.test[part]])
        return scores


@dataclass(frozen=True, eq=False)
class Trials(TrialPairs):
    """A list of trials: pairs with their answers.

    Attributes:
        targets: (P,) bool.
        kinds: (K) names, such as target-correct or impostor-wrong.
        kind: (P,) number of each trial's kind in these.
    """

    targets: np.ndarray
    kinds: Sequence[str]
    kind: np.ndarray

    @property
    def same_gender(self) -> np.ndarray:
        """(P,) whether both sides have one gender: targets, and those of a kind that ends with `-same`."""
        return self.targets | np.array([name.endswith("-same") for name in self.kinds])[self.kind]

    def scored(self, scores: np.ndarray, enrol2spk: Mapping[str, str], utt2spk: Mapping[str, str]) -> ScoredTrials:
        """The trials with scores (P,), and the speakers of enrolments and tests from two tables."""
        sides = [_speakers(self.enrolments, enrol2spk, "enrolment"), _speakers(self.tests, utt2spk, "test segment")]
        names, codes = np.unique(np.concatenate(sides), return_inverse=True)
        enrol, test = codes[: len(self.enrolments)][self.enrol], codes[len(self.enrolments) :][self.test]
        wrong = np.flatnonzero(self.targets & (enrol != test))
        if len(wrong):
            raise InputError(
                f"trial '{self.name(wrong[0])}' is a target of two speakers, {names[enrol[wrong[0]]]} and"
                f" {names[test[wrong[0]]]}; correct the trials or the speakers of the two"
            )
        return ScoredTrials(scores, self.targets, enrol, test, len(names))

    def table(self):
        """A pandas DataFrame with the columns enrol, test, target and kind."""
        import pandas as pd

        return pd.DataFrame(
            {
                "enrol": pd.Categorical.from_codes(self.enrol, self.enrolments),
                "test": pd.Categorical.from_codes(self.test, self.tests),
                "target": self.targets,
                "kind": pd.Categorical.from_codes(self.kind, self.kinds),
            }
        )


def _speakers(ids: Sequence[str], table: Mapping[str, str], what: str) -> list[str]:
    missing = next((one for one in ids if one not in table), None)
    if missing is not None:
        raise InputError(f"{what} {missing!r} has no speaker; add it to the table of speakers")
    return [table[one] for one in ids]


@dataclass(frozen=True, eq=False)
class PairBlock:
    """Some segments against all later ones.

    Attributes:
        rows: (R,) numbers of segments. columns: (C,) likewise.
        kept: (R, C) bool, which of these pairs are trials.
    """

    rows: np.ndarray
    columns: np.ndarray
    kept: np.ndarray

    def sides(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The entries of `values` (N,) for the first and the second segment of each trial: (P,), (P,)."""
        first = np.broadcast_to(values[self.rows, None], self.kept.shape)[self.kept]
        return first, np.broadcast_to(values[self.columns], self.kept.shape)[self.kept]


class AllPairs:
    """The trials of each segment with each other one, as blocks of bounded memory.

    Args:
        speakers: (N,) speaker of each segment, of any type.
        folds: (N,) numbers; where given, only pairs of one fold are trials.
        block: pairs in a block; a block of one row may have more.
    """

    def __init__(self, speakers: np.ndarray, folds: np.ndarray | None = None, block: int = BLOCK):
        names, self.speakers = np.unique(speakers, return_inverse=True)  # (N,)
        self.n_speakers, self.block = len(names), block
        folds = np.zeros(len(speakers), dtype=int) if folds is None else np.asarray(folds)
        self._order = np.lexsort((self.speakers, folds))  # speakers side by side: few pairs of speakers in a block
        self._ends = np.append(np.flatnonzero(np.diff(folds[self._order])) + 1, len(folds))
        self.n_targets = _pairs_within(np.stack([folds, self.speakers]))
        self.n_nontargets = _pairs_within(folds) - self.n_targets

    def __iter__(self) -> Iterator[PairBlock]:
        begin = 0
        for end in self._ends:
            while begin < end:
                stop = min(begin + max(1, self.block // (end - begin)), end)
                kept = np.arange(begin, end) > np.arange(begin, stop)[:, None]
                yield PairBlock(self._order[begin:stop], self._order[begin:end], kept)
                begin = stop

    def scored(self, score: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> "ScoredPairs":
        """The pairs with their scores. `score`: segments (R,) and (C,) -> scores (R, C)."""
        return ScoredPairs(self, score)

    def cosines(self, unit: np.ndarray) -> "ScoredPairs":
        """The pairs, scored by the cosines of the segments' unit vectors (N, D)."""
        return self.scored(lambda rows, columns: unit[rows] @ unit[columns].T)


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """All pairs with their scores, computed block by block whenever they are asked for."""

    pairs: AllPairs
    score: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def __iter__(self) -> Iterator[ScoredTrials]:
        for block in self.pairs:
            scores = self.score(block.rows, block.columns)[block.kept]
            first, second = block.sides(self.pairs.speakers)
            yield ScoredTrials(scores, first == second, first, second, self.pairs.n_speakers)


def _pairs_within(labels: np.ndarray) -> int:
    """How many pairs of columns of `labels` (..., N) are equal."""
    counts = np.unique(labels, axis=-1, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())
