"""Directories of features with speech and silence, as steps.features.normalise writes them, for tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.steps.sid.feats import FEATURES, write_feats
from utils.archive_writer import ArchiveWriter


def write_speech(
    directory: Path,
    utt2spk: Mapping[str, str],
    frames: Sequence[np.ndarray],
    masks: Sequence[np.ndarray] | None = None,
    **tables,
) -> Path:
    """Features (T, D) of each utterance, and which of the T frames are speech, by default all of them."""
    dim = np.shape(frames[0])[1]
    features = FEATURES | {"options": FEATURES["options"] | {"bins": dim}, "dim": dim}
    write_feats(directory, utt2spk, frames, features, **tables)
    chosen = [np.ones(len(x)) for x in frames] if masks is None else masks
    with ArchiveWriter(directory / "vad.ark", directory / "vad.scp") as writer:
        for utterance, mask in zip(utt2spk, chosen, strict=True):
            writer.add(utterance, np.asarray(mask, np.float32))
    return directory
