"""Vectors of speakers as the voices of a vocoder: an xvector.scp, or a directory of the main recipe's samples.

    voices = VoiceVectors(Path("exp/demo/samples/groups"), key, 256, Path("models/with_embedder"))
    voices(wanted)                                 # (256,) float32

They sound like these speakers where the vocoder was trained on embeddings of the same extractor.
"""

from pathlib import Path

import numpy as np

from steps.data.speaker_vectors import SPEAKERS
from steps.data.vector_table import SCRIPT
from steps.vocoder.backends import SpokenUnits
from utils.archives import ArchiveReader
from utils.errors import InputError

SPEAKER_SCRIPT = f"{SPEAKERS}.scp"


def script_of(source: Path) -> Path:
    """The script file of vectors: itself, or that of a directory, of its speakers where it has both."""
    if not source.is_dir():
        return source
    found = next((source / name for name in (SPEAKER_SCRIPT, SCRIPT) if (source / name).is_file()), None)
    if found is None:
        raise InputError(f"{source}: no {SPEAKER_SCRIPT} and no {SCRIPT} here; expected sampled speakers")
    return found


class VoiceVectors:
    """The voice of each utterance.

    Args:
        source: an xvector.scp, or a directory of sampled speakers. key: of the voice that speaks all; None: the
            utterance's id, or its speaker. dim: values that the vocoder `model` takes. Raises InputError, before
            anything is spoken, for a key that is not there and for vectors of another size.
    """

    def __init__(self, source: Path, key: str | None, dim: int, model: Path):
        self.script, self.key, self.dim, self.model = script_of(source), key, dim, model
        self._vectors = ArchiveReader(self.script)
        first = next(iter(self._vectors), None) if key is None else key
        if first is None:
            raise InputError(f"{self.script}: empty; expected vectors of speakers")
        self._read([first])

    def __call__(self, wanted: SpokenUnits) -> np.ndarray:
        """The vector (dim,) float32."""
        return self._read([wanted.id, wanted.speaker] if self.key is None else [self.key])

    def _read(self, keys: list[str]) -> np.ndarray:
        """That of the first of the keys that is there."""
        key = next((key for key in keys if key in self._vectors), None)
        if key is None:
            known = f"it has {next(iter(self._vectors))}, ..." if len(self._vectors) else "it is empty"
            raise InputError(f"{self.script}: no line for {' or '.join(keys)}; name one by --set vector=KEY ({known})")
        vector = self._vectors.vectors([key])[0]
        if len(vector) != self.dim or not np.isfinite(vector).all():
            fault = f"{len(vector)} values" if len(vector) != self.dim else "not finite"
            raise InputError(f"{self.script}: {key}: {fault}, but {self.model} takes {self.dim} finite ones")
        return vector
