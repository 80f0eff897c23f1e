"""Trials in groups: test recordings that the same models claim are scored together, against all of these at once."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from steps.features.speech_frames import FramesProblem, SpeechFrames
from steps.metrics.trial_shards import Scored, Unscored
from steps.metrics.trials import TrialPairs

FRAMES_AT_ONCE = 1 << 13
NUMBERS_KEPT = 1 << 27  # of models, in memory
Test = tuple[int, np.ndarray]  # number of a test recording, and places (M,) of its trials in the scores; -1: none


class BatchScorer(Protocol):
    """What scores some recordings against some models.

    Attributes:
        model_size: numbers that a loaded model takes. same_claims: tests are to be grouped by the models that claim
            them; else each model need not be asked for each test.
    """

    model_size: int
    same_claims: bool

    def load(self, model: str) -> Any:
        """A model by name, ready for `means`."""

    def means(self, utterances: Sequence[np.ndarray], models: Sequence[Any], wanted: np.ndarray) -> np.ndarray:
        """Scores (U, M) of utterances, each (T, D), where they are `wanted` (U, M); NaN where there is none."""

    def why_not(self, frames: np.ndarray, model: Any) -> Unscored:
        """Why frames (T, D) have no score."""


class GroupScorer:
    """Scores trials of a list.

    Args:
        pairs: the list. failures: models that there are not -> reason and detail. frames: of its test recordings.
        scorer: of frames.
    """

    def __init__(
        self,
        pairs: TrialPairs,
        failures: Mapping[str, tuple[str, str]],
        frames: SpeechFrames,
        scorer: BatchScorer,
    ):
        self.pairs, self.failures, self.frames, self.scorer = pairs, failures, frames, scorer
        self.at_once = max(1, NUMBERS_KEPT // scorer.model_size)
        self._load = lru_cache(self.at_once)(scorer.load)

    def score(self, rows: np.ndarray) -> Scored:
        """Scores of the pairs with these numbers (P,), which are sorted by test, and why some have none."""
        scores, failed = np.full(len(rows), np.nan), {}
        groups = self._groups(rows, failed)
        for models, tests in (groups if self.scorer.same_claims else joined(groups)).items():
            for utterances, places in self._batches(tests, failed):
                for first in range(0, len(models), self.at_once):
                    own = places[:, first : first + self.at_once]
                    loaded = [self._load(model) for model in models[first : first + self.at_once]]
                    wanted = own >= 0
                    found = self.scorer.means(utterances, loaded, wanted)
                    scores[own[wanted]] = found[wanted]
                    for row, column in np.argwhere(np.isnan(found) & wanted):
                        failed[int(own[row, column])] = self.scorer.why_not(utterances[row], loaded[column])
        self.frames.release()
        return scores, failed

    def _groups(self, rows: np.ndarray, failed: dict[int, Unscored]) -> dict[tuple[str, ...], list[Test]]:
        """Tests by the models that claim them. Notes in `failed` the trials of models that there are not."""
        found: dict[tuple[str, ...], list[Test]] = {}
        tests, enrol = self.pairs.test[rows], self.pairs.enrol[rows]
        for places in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(tests)) + 1):
            names = {int(place): self.pairs.enrolments[enrol[place]] for place in places}
            gone = {place: self.failures[name] for place, name in names.items() if name in self.failures}
            failed |= {place: Unscored(*why) for place, why in gone.items()}
            kept = sorted(names.keys() - gone.keys(), key=names.__getitem__)
            if kept:
                models = tuple(names[place] for place in kept)
                found.setdefault(models, []).append((int(tests[kept[0]]), np.array(kept)))
        return found

    def _batches(
        self, tests: Sequence[Test], failed: dict[int, Unscored]
    ) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
        """Speech frames of some tests, and places (U, M) of their trials. Notes in `failed` those without frames."""
        utterances: list[np.ndarray] = []
        places: list[np.ndarray] = []
        for test, own in tests:
            try:
                utterances.append(self.frames.read(self.pairs.tests[test]))
            except FramesProblem as problem:
                failed |= {int(place): Unscored(problem.reason, problem.detail) for place in own if place >= 0}
                continue
            places.append(own)
            if sum(map(len, utterances)) >= FRAMES_AT_ONCE:
                yield utterances, np.stack(places)
                utterances, places = [], []
        if utterances:
            yield utterances, np.stack(places)


def joined(groups: Mapping[tuple[str, ...], Sequence[Test]]) -> dict[tuple[str, ...], list[Test]]:
    """All tests as one group, of all of their models."""
    models = tuple(sorted({model for group in groups for model in group}))
    numbers = {model: number for number, model in enumerate(models)}
    found = []
    for group, tests in groups.items():
        columns = [numbers[model] for model in group]
        for test, own in tests:
            places = np.full(len(models), -1)
            places[columns] = own
            found.append((test, places))
    return {models: sorted(found, key=lambda one: one[0])} if found else {}
