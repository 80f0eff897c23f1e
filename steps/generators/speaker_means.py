"""The mean embedding of each training speaker, stored beside a generator, to measure the distance of samples from it.

`--store_speaker_means false` leaves it out where a model must not hold data of real people. Sampling then cannot name
the nearest training speaker, nor keep a distance from training speakers.
"""

from pathlib import Path

import numpy as np

from steps.data.index import Index
from steps.generators.pairs import sum_by
from steps.generators.validation import check_embeddings
from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.errors import InputError

NAME = "spk_mean"


def write_speaker_means(index_dir: Path, directory: Path) -> None:
    """Average the embeddings of each speaker of an index into `spk_mean.{ark,scp}`."""
    index = Index.open(index_dir)
    speakers, number, counts = np.unique(index.speakers, return_inverse=True, return_counts=True)
    means = sum_by(number, index.matrix().astype(np.float64), len(speakers)) / counts[:, None]
    ark = directory / f"{NAME}.ark"
    # a relative name: the model directory may be moved
    write_vectors(ark, directory / f"{NAME}.scp", speakers.tolist(), means, ark_name=Path(ark.name))


def read_speaker_means(directory: Path, dim: int) -> tuple[list[str], np.ndarray] | None:
    """Speakers (S) and their mean embeddings (S, D), or None where the model was trained without keeping them.

    Raises InputError for means that are not of `dim` dimensions, or not finite.
    """
    scp = directory / f"{NAME}.scp"
    if not scp.is_file():
        return None
    speakers, means = read_vectors(scp)
    if not speakers:
        raise InputError(f"{scp}: empty; train the model again, or remove {NAME}.scp and {NAME}.ark")
    if means.shape[1] != dim:
        raise InputError(
            f"{scp}: means of {means.shape[1]} dimensions, the generator beside it gives {dim}; the files do not belong"
            " together"
        )
    check_embeddings(means, lambda row: f"{scp}: {speakers[row]}")
    return speakers, means
