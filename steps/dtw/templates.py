"""Costs of trials: the test of each is warped to the templates of its model, many pairs at a time.

Pairs are sorted by length, so that those of a block are filled up with little; memory holds the recordings and the
distances of a block, and recordings that were used last.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from steps.dtw.warping import cosine_distances, pad, posterior_distances, warp
from steps.features.speech_frames import FramesProblem, SpeechFrames
from steps.metrics.trial_shards import Scored, Unscored
from steps.metrics.trials import TrialPairs
from utils.command import logger
from utils.vectors import unit_rows

log = logger(__name__)
CELLS = 1 << 20  # pairs of frames in a block: they stay in the processor's caches
SIMILAR = 8  # frames: templates whose lengths differ by less are sorted by the lengths of the tests
KEPT = 1 << 26  # numbers of recordings that are kept
USUAL = 200  # frames


class ComparedFrames:
    """Frames of recordings as distances take them: of unit length, or posteriors of the components of a mixture.

    Args:
        feats: directory of features. ubm: directory of the mixture; without it, frames of unit length.
    """

    def __init__(self, feats: Path, ubm: Path | None = None):
        self.speech, self.scorer = SpeechFrames(feats), None
        if ubm is not None:
            from steps.gmm.gmm_dir import read_gmm
            from steps.gmm.statistics import FrameScorer

            self.scorer = FrameScorer(read_gmm(ubm))
        self.distances = cosine_distances if ubm is None else posterior_distances
        width = self.speech.dim if self.scorer is None else self.scorer.gmm.n_components
        self.of = lru_cache(max(64, KEPT // (width * USUAL)))(self._of)

    def _of(self, recording: str) -> np.ndarray:
        """Frames (T, D) float32. Raises FramesProblem where there are none."""
        x = self.speech.read(recording)
        if self.scorer is None:
            return unit_rows(x)
        return np.concatenate([joint.softmax(dim=1).numpy() for _, joint in self.scorer.blocks(x)])


class TemplateScorer:
    """Scores trials by their numbers.

    Args:
        models: model -> its templates. band: as `warp` takes it. nearest: the nearest template counts, or the mean.
    """

    def __init__(
        self, pairs: TrialPairs, models: Mapping[str, Sequence[str]], frames: ComparedFrames, band: float, nearest: bool
    ):
        self.pairs, self.models, self.frames, self.band = pairs, models, frames, band
        self.nearest = nearest
        self.lengths: dict[str, int] = {}  # of recordings that can be used
        self.problems: dict[str, FramesProblem] = {}  # of others

    def score(self, rows: np.ndarray) -> Scored:
        """Minus the costs (P,) of trials."""
        place_of, warped, failed = [], [], {}
        for place, row in enumerate(rows.tolist()):
            templates = self.models[self.pairs.enrolments[self.pairs.enrol[row]]]
            test = self.pairs.tests[self.pairs.test[row]]
            usable = [one for one in templates if self.can_be_used(one)]
            if not usable or not self.can_be_used(test):
                problem = self.problems[test if usable else templates[0]]
                failed[place] = Unscored(problem.reason, problem.detail)
            else:
                place_of += [place] * len(usable)
                warped += [(one, test) for one in usable]
        totals = self.summary(np.array(place_of, int), self.costs(warped), len(rows))
        for place in np.flatnonzero(np.isinf(totals)).tolist():
            detail = f"{self.pairs.name(rows[place])}: no path within --band {self.band:g} of so few frames"
            failed[place] = Unscored("no_path", detail)
        totals[list(failed)] = np.nan
        return -totals, failed

    def summary(self, places: np.ndarray, costs: np.ndarray, n_trials: int) -> np.ndarray:
        """The least or the mean cost (P,) of trials, of costs (W,) that are of the trials `places` (W,)."""
        if self.nearest:
            found = np.full(n_trials, np.inf)
            np.minimum.at(found, places, costs)
            found[np.bincount(places, minlength=n_trials) == 0] = np.nan
            return found
        sums, counts = (np.bincount(places, one, minlength=n_trials) for one in (costs, np.ones(len(costs))))
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def costs(self, warped: Sequence[tuple[str, str]]) -> np.ndarray:
        """Costs (W,) float64 of pairs of a template and a test."""
        costs = np.empty(len(warped))
        lengths = np.array([[self.lengths[one], self.lengths[two]] for one, two in warped]).reshape(-1, 2)
        for block in _blocks(lengths):
            ones, twos = ([self.frames.of(warped[number][side]) for number in block] for side in (0, 1))
            costs[block] = warp(self.frames.distances(pad(ones), pad(twos)), lengths[block], self.band)
        self.frames.speech.release()
        return costs

    def can_be_used(self, recording: str) -> bool:
        """Whether a recording has frames; of one that has none the log tells once."""
        if recording not in self.lengths and recording not in self.problems:
            try:
                self.lengths[recording] = len(self.frames.speech.read(recording))
            except FramesProblem as problem:
                self.problems[recording] = problem
                log.info("%s: %s", problem.reason, problem.detail)
        return recording in self.lengths


def _blocks(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Numbers of pairs with lengths (W, 2), in blocks of at most CELLS cells when filled up, or of one pair."""
    order = np.lexsort((lengths[:, 1], lengths[:, 0] // SIMILAR))
    block: list[int] = []
    longest = np.zeros(2, int)
    for number in order:
        grown = np.maximum(longest, lengths[number])
        if block and (len(block) + 1) * grown.prod() > CELLS:
            yield np.array(block)
            block, grown = [], lengths[number]
        block.append(number)
        longest = grown
    if block:
        yield np.array(block)
