"""The passes that make one mixture of a UBM: from one Gaussian by splits and EM, then perhaps with full covariances.

The state between two passes is the mixture, and a table of the passes so far. Between two passes without a split, a
pruning or a floor that acts, the likelihood of the frames cannot fall but by rounding (A. Dempster, N. Laird,
D. Rubin, 1977, Journal of the Royal Statistical Society B 39): where it does, training ends with an error.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from steps.features.speech_frames import SpeechFrames
from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.em import split, update, with_full_covariances
from steps.gmm.gmm_dir import gmm_arrays, gmm_of
from steps.gmm.passes_table import COLUMNS
from steps.gmm.statistics import FrameScorer, Gmm, GmmSums
from steps.gmm.ubm_job import Group, Options
from utils.command import logger
from utils.errors import InputError
from utils.passes import Arrays

log = logger(__name__)
DTYPES = {"float32": torch.float32, "float64": torch.float64}
FALL = {"float32": 1e-5, "float64": 1e-6}  # nats a frame that rounding may cost
HISTORY = "history"  # the array of a state that holds the table of passes


class Pass(NamedTuple):
    """What follows a pass: the number of Gaussians to split to, 0 for none; and whether covariances become full."""

    split_to: int = 0
    to_full: bool = False


def schedule(components: int, options: Options) -> list[Pass]:
    """All passes: some after each split, which doubles the Gaussians, and more after the last one."""
    sizes = [min(2**power, components) for power in range(1, max(2, components.bit_length() + 1))]
    sizes = list(dict.fromkeys(sizes))
    passes: list[Pass] = []
    for size in sizes[1:]:
        passes += [Pass()] * (options.passes_per_split - 1) + [Pass(split_to=size)]
    passes += [Pass()] * (options.passes - 1) + [Pass(to_full=options.full_passes > 0)]
    return passes + [Pass()] * options.full_passes


class UbmPasses:
    """What `utils.passes.Passes.run` asks for, for one group of utterances.

    Args:
        shards: the utterances of each of the group's shards.
    """

    def __init__(self, group: Group, options: Options, frames: SpeechFrames, shards: Sequence[list[str]], device: str):
        self.group, self.options, self.frames, self.shards, self.device = group, options, frames, shards, device
        self.schedule = schedule(group.components, options)
        self.begin = 0.0

    def start(self) -> Arrays:
        """One Gaussian of all frames, split in two."""
        mean, variance = np.array([self.group.mean]), np.array([self.group.variance])
        one = DiagGmm(np.ones(1), mean, variance)
        return self._state(self._split(one, min(2, self.group.components), 0), np.empty((0, len(COLUMNS))))

    def compute(self, number: int, state: Arrays) -> Callable[[int], Arrays]:
        """What gives the sums over the frames of a shard, under the mixture of the state."""
        self.begin = time.monotonic()
        scorer = FrameScorer(mixture_of(state), self.device, DTYPES[self.options.precision])

        def of_shard(shard: int) -> Arrays:
            sums = scorer.sums(self.frames.read(utterance) for utterance in self.shards[shard])
            self.frames.release()
            return {name: np.asarray(value) for name, value in vars(sums).items()}

        return of_shard

    def update(self, number: int, state: Arrays, arrays: Arrays) -> Arrays:
        """The state after a pass. Raises InputError where the likelihood has fallen, or the mixture degenerates."""
        gmm, history = mixture_of(state), state[HISTORY]
        sums = GmmSums(arrays["counts"], arrays["expanded"], float(arrays["log_likelihood"]), int(arrays["n_frames"]))
        likelihood = sums.log_likelihood / sums.n_frames
        self._check(number, history, likelihood)
        try:
            new, n_floored, n_pruned = update(gmm, sums, np.array(self.group.variance), self.options)
        except ValueError as error:
            raise InputError(
                f"{self._where(number)}: {error}; train with a larger --variance_floor or --least_frames"
            ) from error
        row = (gmm.n_components, likelihood, n_floored, n_pruned, time.monotonic() - self.begin)
        log.info("%s: %d Gaussians, %.6f a frame, %d floored, %d pruned, %.2f s", self._where(number), *row)
        after = self.schedule[number]
        new = self._split(new, after.split_to, number + 1) if after.split_to else new
        new = with_full_covariances(new) if after.to_full else new
        return self._state(new, np.concatenate([history, [row]]))

    def _check(self, number: int, history: np.ndarray, likelihood: float) -> None:
        """Raise InputError where the likelihood a frame is no number, or has fallen though it cannot have."""
        if not np.isfinite(likelihood):
            raise InputError(
                f"{self._where(number)}: a log-likelihood of {likelihood} a frame; look for features that"
                " are far from all others"
            )
        if not number or self.schedule[number - 1].split_to:
            return
        before, n_floored, n_pruned = history[-1, 1:4]
        fall = FALL[self.options.precision]
        if not n_floored and not n_pruned and likelihood < before - fall:
            raise InputError(
                f"{self._where(number)}: the log-likelihood has fallen from {before:.8f} to {likelihood:.8f} a frame,"
                f" by more than {fall:g}, without a split, a pruning or a floor; train with --precision float64"
            )

    def _where(self, number: int) -> str:
        group = "" if self.group.name == "all" else f"{self.group.name}, "
        return f"{self.options.out}: {group}pass {number + 1} of {len(self.schedule)}"

    def _split(self, gmm: DiagGmm, n_components: int, number: int) -> DiagGmm:
        rng = np.random.default_rng([self.options.seed, number])
        return split(gmm, n_components, rng, self.options)

    @staticmethod
    def _state(gmm: Gmm, history: np.ndarray) -> Arrays:
        return {**gmm_arrays(gmm), HISTORY: history}


def mixture_of(state: Arrays) -> Gmm:
    return gmm_of({name: array for name, array in state.items() if name != HISTORY})
