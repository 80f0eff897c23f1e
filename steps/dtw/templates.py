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


class Frames:
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

    def problem(self, recording: str) -> FramesProblem | None:
        """Why the recording has no frames; None where it has."""
        try:
            self.speech.read(recording)
        except FramesProblem as problem:
            return problem
        return None


class TemplateScorer:
    """Scores trials by their numbers.

    Args:
        models: model -> its templates. band: as `warp` takes it. nearest: the nearest template counts, or the mean.
    """

    def __init__(
        self, pairs: TrialPairs, models: Mapping[str, Sequence[str]], frames: Frames, band: float, nearest: bool
    ):
        self.pairs, self.models, self.frames, self.band = pairs, models, frames, band
        self.summary = np.minimum if nearest else np.add
        self.nearest = nearest
        self.lengths: dict[str, int] = {}  # of recordings that can be used
        self.problems: dict[str, FramesProblem] = {}

    def score(self, rows: np.ndarray) -> Scored:
        """Minus the costs (P,) of trials."""
        place_of, warped, failed = [], [], {}
        for place, row in enumerate(rows.tolist()):
            templates = self.models[self.pairs.enrolments[self.pairs.enrol[row]]]
            found = [(one, self.pairs.tests[self.pairs.test[row]]) for one in templates if self.usable(one)]
            problem = self.problem(found[0][1]) if found else self.problem(templates[0])
            if problem is not None:
                failed[place] = Unscored(problem.reason, problem.detail)
                continue
            place_of += [place] * len(found)
            warped += found
        costs, places = self.costs(warped), np.array(place_of, int)
        totals = np.full(len(rows), np.inf if self.nearest else 0.0)
        self.summary.at(totals, places, costs)
        if not self.nearest:
            totals /= np.maximum(np.bincount(places, minlength=len(rows)), 1)
        for place in np.flatnonzero(~np.isfinite(totals)).tolist():
            detail = f"{self.pairs.name(rows[place])}: no path within --band {self.band:g} of so few frames"
            failed.setdefault(place, Unscored("no_path", detail))
        totals[list(failed)] = np.nan
        return -totals, failed

    def costs(self, warped: Sequence[tuple[str, str]]) -> np.ndarray:
        """Costs (W,) float64 of pairs of a template and a test."""
        costs = np.empty(len(warped))
        lengths = np.array([[self.lengths[one], self.lengths[two]] for one, two in warped]).reshape(-1, 2)
        for block in _blocks(lengths):
            ones, twos = ([self.frames.of(warped[number][side]) for number in block] for side in (0, 1))
            costs[block] = warp(self.frames.distances(pad(ones), pad(twos)), lengths[block], self.band)
        self.frames.speech.release()
        return costs

    def usable(self, recording: str) -> bool:
        """Whether a template has frames; one that has none is logged once."""
        known = recording in self.lengths or recording in self.problems
        if self.problem(recording) is not None and not known:
            log.info("a template is left out: %s", self.problems[recording].detail)
        return recording in self.lengths

    def problem(self, recording: str) -> FramesProblem | None:
        """Why a recording cannot be used."""
        if recording not in self.lengths and recording not in self.problems:
            found = self.frames.problem(recording)
            if found is None:
                self.lengths[recording] = len(self.frames.speech.read(recording))
            else:
                self.problems[recording] = found
        return self.problems.get(recording)


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
