"""Which frames of utterances are speech: a directory with vad.scp, as steps/vad/detect.sh and Kaldi write it."""

from functools import cached_property
from pathlib import Path

import numpy as np

from utils.archives import ArchiveReader
from utils.errors import InputError


class SpeechMasks:
    """The flags of any utterance of a directory."""

    def __init__(self, directory: Path):
        self.script = Path(directory) / "vad.scp"
        if not self.script.is_file():
            raise InputError(f"{directory}: no vad.scp here; steps/vad/detect.sh makes one")

    def __contains__(self, utterance: str) -> bool:
        return utterance in self._reader

    def of(self, utterance: str, n_frames: int | None = None) -> np.ndarray:
        """Which frames of an utterance are speech, (T,) bool. Raises InputError where they are not `n_frames`."""
        found = self._reader[utterance]
        speech = found == 1
        if found.ndim != 1 or not (speech | (found == 0)).all():
            raise InputError(f"{self.script}: {utterance}: expected a vector of 0 and 1; run steps/vad/detect.sh")
        if n_frames not in (None, len(found)):
            raise InputError(
                f"{self.script}: {utterance}: {len(found)} frames, its features have {n_frames}; run"
                " steps/vad/detect.sh for the recordings of the features, with --sample_rate as features.json says"
            )
        return speech

    def release(self) -> None:
        """Let go of what was read: the pages of archives that are mapped count as memory of this process."""
        self._reader.release()

    @cached_property
    def _reader(self) -> ArchiveReader:
        return ArchiveReader(self.script)
