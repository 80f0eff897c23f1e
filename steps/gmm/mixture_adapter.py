"""The adaptation of a mixture to speech frames, for `map_task`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from steps.features.speech_frames import SpeechFrames
from steps.gmm.gmm_dir import gmm_arrays, read_gmm
from steps.gmm.map_adaptation import adapt_in_passes
from steps.gmm.map_options import MapOptions
from steps.gmm.map_task import EnrolledFrames
from steps.gmm.statistics import FrameScorer
from utils.errors import InputError


class MixtureAdapter:
    """Adapts a mixture.

    Args:
        ubm: its directory or file. feats: of the recordings.
    """

    def __init__(self, ubm: Path, feats: Path, options: MapOptions):
        self.ubm, self.frames, self.options = read_gmm(ubm), SpeechFrames(feats), options
        if self.frames.dim != self.ubm.dim:
            raise InputError(f"{ubm}: {self.ubm.dim} features, but {feats} has {self.frames.dim}; give those it is of")

    def read(self, utterance: str) -> EnrolledFrames:
        """A recording. Raises FramesProblem where it cannot be used."""
        return EnrolledFrames(self.frames.read(utterance))

    def adapt(self, recordings: Sequence[EnrolledFrames]) -> Mapping[str, np.ndarray]:
        """What has moved, by name."""
        frames = [one.frames for one in recordings]
        arrays = gmm_arrays(adapt_in_passes(self.ubm, lambda gmm: FrameScorer(gmm).sums(frames), self.options))
        return {name: arrays[name] for name in self.options.adapt}

    def release(self) -> None:
        """Let go of what was read."""
        self.frames.release()
