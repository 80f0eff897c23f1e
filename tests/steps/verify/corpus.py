"""Real and sampled speakers of a two-covariance model, as data directories."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.archive_writer import write_vectors
from utils.data_dir import write_data_dir
from utils.tables import read_table

DIM, ZEROS = 6, 2
NOISE = np.array([0.4, 0.4, 0.4, 0.4, 1.5, 1.5])  # deviations within speakers: the last two dimensions tell little


class Corpus(NamedTuple):
    """Where the data directories are."""

    train: Path
    test: Path
    samples: Path


def write_corpus(root: Path, spread: float = 1.5) -> Corpus:
    """80 training speakers, 20 test speakers with five utterances each, and 60 sampled speakers with one.

    Sampled speakers are drawn as real ones are. Two of the dimensions are zero throughout, as Resemblyzer's are.
    """
    rng = np.random.default_rng(0)
    sizes = {"train": ("a", 80, 5), "test": ("b", 20, 5), "samples": ("sampled-groups", 60, 1)}
    for name, (prefix, n_speakers, n_utterances) in sizes.items():
        speakers = [f"{prefix}-{number:03d}" for number in range(n_speakers)]
        utt2spk = {
            f"{one}-{take}" if n_utterances > 1 else one: one for one in speakers for take in range(n_utterances)
        }
        voices = spread * rng.normal(size=(n_speakers, DIM))
        x = np.repeat(voices, n_utterances, axis=0) + NOISE * rng.normal(size=(len(utt2spk), DIM))
        write_set(root / name, utt2spk, np.hstack([x, np.zeros((len(x), ZEROS))]))
    return Corpus(*(root / name for name in sizes))


def write_set(directory: Path, utt2spk: dict[str, str], x: np.ndarray, genders: bool = True) -> None:
    """A data directory with embeddings x (N, D); every second speaker is a woman."""
    directory.mkdir(parents=True)
    ark = directory / "xvector.ark"
    write_vectors(ark, directory / "written.scp", list(utt2spk), x.astype(np.float32))
    tables = {"utt2spk": utt2spk, "xvector.scp": read_table(directory / "written.scp")}
    if genders:
        names = sorted(set(utt2spk.values()))
        tables["spk2gender"] = {name: "fm"[number % 2] for number, name in enumerate(names)}
    (directory / "written.scp").unlink()
    write_data_dir(directory, tables)
