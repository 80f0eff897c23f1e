"""The passes of k-means (S. Lloyd, 1982, IEEE Transactions on Information Theory 28) over frames in shards.

A pass assigns each frame to its nearest centroid, and moves each centroid to the mean of its frames. Sums are float64.
A centroid without frames goes beside the one that has the most. When a pass improves the mean squared distance by less
than a share of it, the rest of the passes are empty.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from steps.features.feats_dir import FeatsDir
from steps.units.centroids import Centroids
from steps.units.seeding import draw_frames, first_centroids
from utils.command import logger
from utils.errors import InputError
from utils.passes import Arrays

log = logger(__name__)
LEAST_DEVIATION = 1e-6  # of a feature, which otherwise has one value
BESIDE = 0.01  # deviations from the centroid with the most frames


class LloydOptions(Protocol):
    """Options that the passes follow: those of `steps.units.train`."""

    units: int
    standardise: bool
    passes: int
    tolerance: float
    start_frames: int
    seed: int


class Lloyd:
    """What `utils.passes.Passes.run` asks for.

    The state: values, mean, deviation of the centroids; history (P, 3): mean squared distance, units without frames,
    and whether the passes are at their end.

    Args:
        shards: the utterances of each shard.
    """

    def __init__(self, options: LloydOptions, feats: FeatsDir, shards: Sequence[list[str]]):
        self.options, self.feats, self.shards = options, feats, shards
        self.n_frames = {utterance: feats.num_frames[utterance] for shard in shards for utterance in shard}
        self.begin = 0.0

    def start(self) -> Arrays:
        """Centroids far from each other, of a sample of frames."""
        rng = np.random.default_rng(self.options.seed)
        frames = draw_frames(self.n_frames, self.options.start_frames, rng, self.read)
        self.feats.release()
        mean, deviation = np.zeros(frames.shape[1]), np.ones(frames.shape[1])
        if self.options.standardise:
            mean, deviation = frames.mean(axis=0, dtype=np.float64), frames.std(axis=0, dtype=np.float64)
        deviation = np.maximum(deviation, LEAST_DEVIATION)
        scale = Centroids(frames[:1], mean.astype(np.float32), deviation.astype(np.float32))
        values = first_centroids(scale.prepared(frames), self.options.units, rng)
        return {"values": values, "mean": scale.mean, "deviation": scale.deviation, "history": np.zeros((0, 3))}

    def read(self, utterance: str) -> np.ndarray:
        """The frames (T, D) of an utterance. Raises InputError where they are no numbers."""
        frames = self.feats.read(utterance)
        if not np.isfinite(frames).all():
            raise InputError(f"{self.feats.path / 'feats.scp'}: {utterance}: values that are no numbers; leave it out")
        return frames

    def compute(self, number: int, state: Arrays) -> Callable[[int], Arrays]:
        """What gives the sums over the frames of a shard, for the centroids of the state."""
        from scipy.sparse import csr_matrix

        self.begin = time.monotonic()
        centroids = centroids_of_state(state)
        k, dim = centroids.values.shape

        def of_shard(shard: int) -> Arrays:
            counts, sums, distance = np.zeros(k), np.zeros((k, dim)), np.zeros(())
            for utterance in () if is_settled(state) else self.shards[shard]:
                frames = centroids.prepared(self.read(utterance))
                units = centroids.of_prepared(frames)
                exact, n = frames.astype(np.float64), len(frames)
                chosen = csr_matrix((np.ones(n), units, np.arange(n + 1)), (n, k))
                counts += np.bincount(units, minlength=k)
                sums += chosen.T @ exact
                distance += ((exact - centroids.values[units]) ** 2).sum()
            self.feats.release()
            return {"counts": counts, "sums": sums, "distance": distance}

        return of_shard

    def update(self, number: int, state: Arrays, arrays: Arrays) -> Arrays:
        """The state after a pass."""
        if is_settled(state):
            return state
        counts, history = arrays["counts"], state["history"]
        values = arrays["sums"] / np.maximum(counts, 1)[:, None]
        empty = np.flatnonzero(counts == 0)
        heaviest = np.argsort(-counts, kind="stable")[: len(empty)]
        rng = np.random.default_rng([self.options.seed, number])
        values[empty] = values[heaviest] + BESIDE * rng.normal(size=(len(empty), values.shape[1]))
        distance = float(arrays["distance"]) / counts.sum()
        before = history[-1, 0] if len(history) else np.inf
        settled = not len(empty) and before - distance <= self.options.tolerance * distance
        row = (distance, len(empty), settled)
        log.info(
            "pass %d of %d: mean squared distance %.6f, %d units without frames, %.2f s",
            *(number + 1, self.options.passes, distance, len(empty), time.monotonic() - self.begin),
        )
        return {**state, "values": values.astype(np.float32), "history": np.concatenate([history, [row]])}


def is_settled(state: Arrays) -> bool:
    """Did the last pass change too little for another one?"""
    return bool(len(state["history"])) and bool(state["history"][-1, 2])


def centroids_of_state(state: Arrays) -> Centroids:
    """The centroids of a state."""
    return Centroids(state["values"], state["mean"], state["deviation"])
