"""A generated data directory with vectors and labels, for the split and the index."""

from pathlib import Path

import numpy as np

from utils.archive_writer import write_vectors
from utils.data_dir import write_data_dir

PITCH = ("low", "medium", "high")


def make_all(folder: Path, n_speakers: int = 60, takes: int = 3, dim: int = 6, first: int = 0) -> Path:
    """Write `folder/all`: each speaker has one gender and as many takes, each of another pitch."""
    utt2spk, pitch = {}, {}
    for speaker in range(first, first + n_speakers):
        for take in range(takes):
            utterance = f"s{speaker}-u{take}"
            utt2spk[utterance], pitch[utterance] = f"s{speaker}", PITCH[take % 3]
    gender = {speaker: "fm"[int(speaker[1:]) % 2] for speaker in utt2spk.values()}
    keys = sorted(utt2spk)
    matrix = np.random.default_rng(0).standard_normal((len(keys), dim)).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    write_vectors(folder / "x.ark", folder / "x.scp", keys, matrix)
    scp = dict(line.split(" ", 1) for line in (folder / "x.scp").read_text().splitlines())
    write_data_dir(
        folder / "all",
        {
            "utt2spk": utt2spk,
            "spk2gender": gender,
            "utt2gender": {key: {"f": "female", "m": "male"}[gender[speaker]] for key, speaker in utt2spk.items()},
            "utt2pitch": pitch,
            "xvector.scp": scp,
        },
    )
    return folder / "all"
