"""Features whose mean and deviation over speech are taken off: the rule, and an extractor that follows it.

Input: features (T, D) and the flags (T,) of the frames that are speech. Output: normalised features of all frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.errors import InputError, brief

NORMALISED = "normalised"  # the key of features.json
UTTERANCE, SPEAKER = PER = ("utterance", "speaker")


@dataclass(frozen=True)
class FrameSums:
    """Sums over frames: their number, and (D,) float64 of the frames and of their squares."""

    n_frames: int
    sums: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, frames: np.ndarray) -> "FrameSums":
        """Those of frames (T, D)."""
        wide = frames.astype(np.float64)
        return cls(len(frames), wide.sum(axis=0), np.square(wide).sum(axis=0))

    def __add__(self, other: "FrameSums") -> "FrameSums":
        return FrameSums(self.n_frames + other.n_frames, self.sums + other.sums, self.squares + other.squares)

    @property
    def mean(self) -> np.ndarray:
        """(D,)."""
        return self.sums / self.n_frames

    @property
    def variance(self) -> np.ndarray:
        """(D,), of the frames as they are, not of a population."""
        return self.squares / self.n_frames - np.square(self.mean)

    def constant(self) -> np.ndarray:
        """The columns whose frames have one value, but for rounding."""
        return np.flatnonzero(self.variance <= 1e-10 * self.squares / self.n_frames)

    def apply(self, features: np.ndarray, variance: bool) -> np.ndarray:
        """Features (T, D) float32 less the mean, and with `variance` over the deviation."""
        deviation = np.sqrt(self.variance) if variance else 1.0
        return ((features - self.mean) / deviation).astype(np.float32)


class NormalisedFeatures:
    """An extractor of normalised features: (waveform, Hz, speech) -> (T, D) float32.

    Args:
        extractor: of the features before. rule: `normalised` of features.json. where: begins messages.
    """

    def __init__(self, extractor: Any, rule: Mapping[str, Any], where: str):
        if rule.get("per") != UTTERANCE:
            raise InputError(
                f"{where}: normalised per {brief(rule.get('per'))}, which one recording does not tell; use features of"
                " --per utterance"
            )
        self.extractor, self.rule, self.where = extractor, rule, where
        self.options, self.sample_rate, self.dim = extractor.options, extractor.sample_rate, extractor.dim

    def __call__(self, waveform: np.ndarray, sample_rate: int, speech: np.ndarray | None = None) -> np.ndarray:
        """Features (T, D) of one waveform.

        Args:
            speech: (T,) bool, the frames that are speech, as the detector `rule["vad"]` of steps/vad finds them.
        """
        features = self.extractor(waveform, sample_rate)
        if speech is None:
            raise InputError(
                f"{self.where}: normalised over speech frames, which a detector must find first, as steps/vad/detect.sh"
                f" --backend {self.rule.get('vad', {}).get('backend', 'webrtc')} does"
            )
        if len(speech) != len(features) or not np.any(speech):
            raise InputError(f"{len(speech)} flags, {np.sum(speech)} of them speech, for {len(features)} frames")
        return FrameSums.of(features[speech]).apply(features, bool(self.rule.get("variance")))

    def shift_seconds(self, sample_rate: int) -> float:
        """Seconds between the beginnings of two frames."""
        return self.extractor.shift_seconds(sample_rate)
