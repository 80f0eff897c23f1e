"""Small directories of features: a speaker is a spectrum, an utterance is noise around it."""

from pathlib import Path

import numpy as np

from utils.archive_writer import ArchiveWriter
from utils.data_dir import write_data_dir
from utils.json_files import json_text

BINS, RATE = 8, 100.0
FEATURES = {"type": "logmel", "options": {"bins": BINS, "sample_rate": 16000}, "dim": BINS, "frames_per_second": RATE}


def spectrum(speaker: int) -> np.ndarray:
    """Log power (BINS,) of a speaker."""
    return 2 * np.random.default_rng([1, speaker]).standard_normal(BINS)


def make_set(
    path: Path,
    speakers: range,
    n_utterances: int = 6,
    seed: int = 0,
    copies: int = 0,
    frames: tuple[int, int] = (30, 60),
    spoil: tuple[str, int, float] | None = None,
) -> Path:
    """Write a directory of features of some speakers, with perturbed copies of each utterance.

    `spoil` puts a value into a frame of one utterance.
    """
    rng = np.random.default_rng([seed, *path.name.encode()])
    matrices, utt2spk, uniq = {}, {}, {}
    for speaker in speakers:
        for number in range(n_utterances):
            utterance = f"s{speaker:02}-{path.name}{number}"
            for copy in [utterance, *(f"{utterance}-p{k}" for k in range(1, copies + 1))]:
                n = int(rng.integers(*frames))
                matrices[copy] = (spectrum(speaker) + rng.standard_normal((n, BINS))).astype(np.float32)
                utt2spk[copy], uniq[copy] = f"s{speaker:02}", utterance
    if spoil:
        matrices[spoil[0]][spoil[1], 0] = spoil[2]
    path.mkdir(parents=True)
    with ArchiveWriter(path / "feats.ark", path / "feats.scp") as writer:
        for utterance in sorted(matrices):
            writer.add(utterance, matrices[utterance])
    (path / "features.json").write_text(json_text(FEATURES, path))
    tables = {"utt2spk": utt2spk, "utt2num_frames": {key: str(len(value)) for key, value in matrices.items()}}
    write_data_dir(path, tables | ({"utt2uniq": uniq} if copies else {}))
    return path
