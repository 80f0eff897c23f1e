"""Passes of EM over the utterances of a background, as `utils.passes` makes them; statistics stay in memory.

The number of factors, unless it is given: one for each ten recordings of the background, but from 100 to 600, and at
most one for two recordings.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from steps.features.speech_frames import REASONS, FramesProblem
from steps.ivector.extractor import Extractor, expect, maximise, start
from steps.ivector.utterances import SKIPPED, UtteranceStatistics
from utils.errors import InputError
from utils.passes import Arrays

RECORDINGS_A_FACTOR, FEWEST, MOST, LEAST_RECORDINGS = 10, 100, 600, 2
SKIPS = (*REASONS, *SKIPPED)  # a skipped utterance has the number of one of them, from 1
LARGEST_LOSS = 1e-6  # nats a frame that a pass may lose by rounding
MEMORY = 1 << 29  # bytes of statistics that are kept from pass to pass


def number_of_factors(wanted: int, n_utterances: int, n_values: int) -> int:
    """R. Raises InputError where there are more than utterances, or than values of a supervector.

    Args:
        wanted: 0: by rule. n_utterances: of the background. n_values: of a supervector, C times D.
    """
    by_rule = min(MOST, max(FEWEST, n_utterances // RECORDINGS_A_FACTOR), n_utterances // LEAST_RECORDINGS, n_values)
    factors = wanted or max(1, by_rule)
    for n, what in ((n_utterances, "recordings to learn them from"), (n_values, "means of the mixture")):
        if factors > n:
            raise InputError(f"{factors} dimensions, but {n} {what}; ask for a smaller --dim, or add recordings")
    return factors


class ExtractorPasses:
    """What `Passes.run` needs.

    Args:
        shards: utterances of each. n_factors: R. seed: of the first loadings.
    """

    def __init__(self, statistics: UtteranceStatistics, shards: Sequence[Sequence[str]], n_factors: int, seed: int):
        self.statistics, self.shards, self.n_factors, self.seed = statistics, shards, n_factors, seed
        self.firsts = np.cumsum([0, *map(len, shards)])  # number of each shard's first utterance
        self._kept: dict[int, tuple[torch.Tensor, torch.Tensor, np.ndarray]] = {}

    def start(self) -> Arrays:
        """Random loadings; gains: (0,) of no pass."""
        loadings = start(*self.statistics.sorter.gmm.means.shape, self.n_factors, self.seed).loadings
        return {"loadings": loadings.numpy(), "gains": np.empty(0), "skipped": np.zeros(self.firsts[-1], np.int64)}

    def compute(self, number: int, state: Arrays) -> Callable[[int], Arrays]:
        """What gives the sums of a shard under the loadings of a state."""
        extractor = Extractor(torch.from_numpy(state["loadings"]))

        def of_shard(shard: int) -> Arrays:
            counts, sums, skipped = self._read(shard)
            every = np.zeros(self.firsts[-1], np.int64)
            every[self.firsts[shard] : self.firsts[shard + 1]] = skipped
            found = expect(extractor, counts.double(), sums.double())
            return found | {"skipped": every, "n_frames": counts.sum(dtype=torch.float64).numpy()}

        return of_shard

    def update(self, number: int, state: Arrays, sums: Arrays) -> Arrays:
        """The state after a pass. Raises InputError where it cannot learn, or has lost likelihood."""
        n_utterances = int(sums["n_utterances"])
        if n_utterances < self.n_factors:
            raise InputError(
                f"{n_utterances} recordings with frames, fewer than the {self.n_factors} dimensions that are to be"
                " learned; ask for a smaller --dim, or add recordings"
            )
        gains = np.append(state["gains"], sums["gain"] / sums["n_frames"])
        if number and gains[-1] < gains[-2] - LARGEST_LOSS:
            raise InputError(
                f"pass {number} has lowered the log likelihood by {gains[-2] - gains[-1]:.2g} nats a frame; EM never"
                " does, so numbers of the features or of the mixture are too large or too small"
            )
        return {"loadings": maximise(sums).loadings.numpy(), "gains": gains, "skipped": sums["skipped"]}

    def _read(self, shard: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
        """Counts (N, C) and sums (N, C, D) float32 of a shard's utterances that have any; why others have none."""
        if shard in self._kept:
            return self._kept[shard]
        found, skipped = [], np.zeros(len(self.shards[shard]), np.int64)
        for place, utterance in enumerate(self.shards[shard]):
            try:
                found.append(self.statistics.of(utterance))
            except FramesProblem as problem:
                skipped[place] = 1 + SKIPS.index(problem.reason)
        n_components, dim = self.statistics.sorter.gmm.means.shape
        counts = np.array([one.counts for one in found], np.float32).reshape(-1, n_components)
        sums = np.array([one.sums for one in found], np.float32).reshape(-1, n_components, dim)
        read = torch.from_numpy(counts), torch.from_numpy(sums), skipped
        if sum(own[1].nbytes for own in self._kept.values()) + sums.nbytes <= MEMORY:
            self._kept[shard] = read
        return read
