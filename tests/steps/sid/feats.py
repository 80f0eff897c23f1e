"""Directories of features for tests: speakers who are Gaussians, a few bands wide."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from utils.archive_writer import ArchiveWriter
from utils.data_dir import write_data_dir
from utils.json_files import json_text
from utils.tables import read_table

FEATURES = {"type": "logmel", "options": {"preset": "kaldi", "bins": 6}, "dim": 6, "frames_per_second": 100.0}


def write_feats(
    directory: Path, utt2spk: Mapping[str, str], frames: Sequence[np.ndarray], features: Mapping = FEATURES, **tables
) -> Path:
    """A directory of features, (T, F) an utterance; `tables` are further tables of it, such as utt2chapter."""
    directory.mkdir(parents=True)
    scp = directory / "feats.scp"
    with ArchiveWriter(directory / "feats.ark", scp) as writer:
        for utterance, x in zip(utt2spk, frames, strict=True):
            writer.add(utterance, np.asarray(x, np.float32))
    lengths = {utterance: str(len(x)) for utterance, x in zip(utt2spk, frames, strict=True)}
    write_data_dir(directory, {"utt2spk": utt2spk, scp.name: read_table(scp), "utt2num_frames": lengths, **tables})
    (directory / "features.json").write_text(json_text(features, directory / "features.json"))
    return directory


def voices(prefix: str, n_speakers: int, n_utterances: int, seed: int, spread: float = 1.0, of: int = 0) -> tuple:
    """utt2spk and frames of speakers whose bands have means and deviations of their own.

    Args:
        seed: of the utterances. spread: of the speakers' means, beside utterances whose means vary by .3.
        of: seed of the speakers.
    """
    people, rng = np.random.default_rng(of), np.random.default_rng(1000 + seed)
    centres = spread * people.normal(size=(n_speakers, 6))
    widths = np.exp(0.3 * people.normal(size=(n_speakers, 6)))
    utt2spk, frames = {}, []
    for number in range(n_speakers):
        for take in range(n_utterances):
            utt2spk[f"{prefix}{number:02d}-{seed}-{take}"] = f"{prefix}{number:02d}"
            shift = 0.3 * rng.normal(size=6)
            frames.append(centres[number] + shift + widths[number] * rng.normal(size=(rng.integers(30, 90), 6)))
    return utt2spk, frames
