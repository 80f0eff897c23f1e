"""The speech frames of any utterances of a directory that `steps.features.normalise` has written.

Input: that directory, and a data directory that says which utterances. Output: matrices of features, an utterance at a
time and at random.

    frames = SpeechFrames(Path("exp/feats/all"), Path("data/enrol_01"))
    x = frames.read(frames.utterances[0])                    # (T, D) float32
    for utterance, x in frames.usable(frames.utterances):    # what has no frames is in frames.skipped
        ...

An utterance that has no speech frames, values that are no numbers, or no features at all raises FramesProblem, which
`usable` lists. A file that is not whole raises InputError.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from steps.features.feats_dir import FeatsDir
from steps.features.speech_masks import SpeechMasks
from utils.data_dir import DataDir
from utils.errors import InputError

NO_SPEECH, NOT_FINITE, MISSING = REASONS = ("no_speech", "not_finite", "missing")


class FramesProblem(InputError):
    """An utterance cannot be used.

    Attributes:
        utterance: its id. reason: one of REASONS. detail: the message.
    """

    def __init__(self, utterance: str, reason: str, detail: str):
        super().__init__(detail)
        self.utterance, self.reason, self.detail = utterance, reason, detail


class SpeechFrames:
    """Frames of utterances.

    Args:
        feats: the directory of features. data: that of the utterances; by default `feats`.

    Attributes:
        utt2spk: utterance -> speaker, of `data`. skipped: (utterance, reason, detail) that `usable` has left out.
    """

    def __init__(self, feats: Path, data: Path | None = None):
        self.feats = FeatsDir(feats)
        if not self.feats.data.has("vad.scp"):
            raise InputError(f"{feats}: no vad.scp here; python3 -m steps.features.normalise writes it")
        self._masks = SpeechMasks(feats)
        self.utt2spk = DataDir(data or feats).require_utterances().utt2spk
        self.skipped: list[tuple[str, str, str]] = []

    @property
    def utterances(self) -> list[str]:
        """The ids of all utterances of the data directory, in its order."""
        return list(self.utt2spk)

    @property
    def dim(self) -> int:
        """D of all features."""
        return self.feats.bins

    def read(self, utterance: str) -> np.ndarray:
        """Features (T, D) float32 of the T > 0 speech frames of an utterance. Raises FramesProblem."""
        features = self.all_frames(utterance)
        mask = self._masks.of(utterance, len(features))
        if not mask.any():
            raise FramesProblem(
                utterance, NO_SPEECH, f"{self._masks.script}: {utterance}: none of its frames is speech"
            )
        return features[mask]

    def all_frames(self, utterance: str) -> np.ndarray:
        """Features (T, D) float32 of all frames of an utterance. Raises FramesProblem."""
        self._require(utterance)
        features = self.feats.read(utterance)
        if not np.isfinite(features).all():
            detail = f"{self.feats.path / 'feats.scp'}: {utterance}: values that are no numbers"
            raise FramesProblem(utterance, NOT_FINITE, detail)
        return features

    def mask(self, utterance: str) -> np.ndarray:
        """Which frames are speech, (T,) bool. Raises FramesProblem."""
        self._require(utterance)
        return self._masks.of(utterance)

    def usable(self, utterances: Iterable[str]) -> Iterator[tuple[str, np.ndarray]]:
        """Each of the utterances with its speech frames (T, D) float32; the others are noted in `skipped`."""
        for utterance in utterances:
            try:
                frames = self.read(utterance)
            except FramesProblem as problem:
                self.skipped.append((problem.utterance, problem.reason, problem.detail))
                continue
            yield utterance, frames

    def release(self) -> None:
        """Let go of what was read: the pages of archives that are mapped count as memory of this process."""
        self.feats.release()
        self._masks.release()

    def _require(self, utterance: str) -> None:
        if utterance not in self._masks:
            detail = f"{self._masks.script}: no line for {utterance}; is it in failures.tsv of the features?"
            raise FramesProblem(utterance, MISSING, detail)
