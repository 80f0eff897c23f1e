"""Embeddings of a data directory with their speakers: `utt2spk` says which, `xvector.scp` where.

Where a trained model has made the embeddings, the file `trained_on` names its training speakers, one a line.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.data.vector_table import SCRIPT, VectorTable
from utils.archives import read_vectors
from utils.command import logger
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import read_lines, read_table

TRAINED_ON = "trained_on"
log = logger(__name__)


class SpokenVectors(NamedTuple):
    """The embeddings of a data directory.

    Attributes:
        utterances: (N) ids, in the order of utt2spk. speakers: (N,) of each. x: (N, D) float32, finite.
    """

    utterances: list[str]
    speakers: np.ndarray
    x: np.ndarray

    def rows(self) -> dict[str, int]:
        """Utterance -> number of its row."""
        return {utterance: row for row, utterance in enumerate(self.utterances)}

    def speaker_means(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """The speakers (S), sorted, the means (S, D) float64 of their embeddings, and how many these are (S,)."""
        names, numbers, counts = np.unique(self.speakers, return_inverse=True, return_counts=True)
        sums = np.zeros((len(names), self.x.shape[1]))
        np.add.at(sums, numbers, self.x)
        return names.tolist(), sums / counts[:, None], counts


def read_spoken(directory: Path, vectors: Path | None = None, may_miss: bool = False) -> SpokenVectors:
    """The embeddings of all utterances of `utt2spk`. One without a vector is an InputError; other vectors are left.

    Args:
        vectors: the directory that has xvector.scp, if it is another one.
        may_miss: utterances without a vector are left, too, if there are others.
    """
    data, script = DataDir(directory).require_utterances(), Path(vectors or directory) / SCRIPT
    if not script.is_file():
        raise InputError(f"{script}: no such file; embeddings of {directory} are read from it")
    known = read_table(script)
    missing = [utterance for utterance in data.utt2spk if utterance not in known]
    if missing and not (may_miss and len(missing) < len(data.utt2spk)):
        raise InputError(
            f"{script}: {len(missing)} of {len(data.utt2spk)} utterances of utt2spk have no embedding, the first is"
            f" {missing[0]}; extract them, or take them out with utils/fix_data_dir.sh"
        )
    if vectors is None and len(known) > len(data.utt2spk):
        log.info(
            "%s: %d embeddings are of no utterance in utt2spk and are left", script, len(known) - len(data.utt2spk)
        )
    kept = {utterance: speaker for utterance, speaker in data.utt2spk.items() if utterance in known}
    utterances, x = read_vectors(script, kept)
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
    if len(bad):
        raise InputError(
            f"{script}: {utterances[bad[0]]}: the embedding has values that are not finite ({len(bad)} such embeddings)"
        )
    return SpokenVectors(utterances, np.array([*kept.values()], dtype=object), x)


def spoken_files(directory: Path) -> list[Path]:
    """The files that the embeddings of a directory follow from, the archives too: an embedding that is made anew has
    the same line in xvector.scp.
    """
    found = [Path(directory) / name for name in ("utt2spk", SCRIPT)]
    known = Path(directory) / TRAINED_ON
    return [*found, *([known] if known.is_file() else []), *VectorTable.find(Path(directory)).archives]


def training_speakers(directory: Path) -> list[str]:
    """The training speakers of the model of the embeddings in a directory; none where it is not known."""
    path = Path(directory) / TRAINED_ON
    return read_lines(path) if path.is_file() else []


def require_unknown(directory: Path, speakers: Collection[str]) -> None:
    """Raise InputError where the model of the embeddings in a directory was trained on some of these speakers."""
    path = Path(directory) / TRAINED_ON
    known = sorted(set(training_speakers(directory)) & set(speakers))
    if known:
        raise InputError(
            f"{path}: {len(known)} speakers of the trials are training speakers of the model: {' '.join(known[:5])};"
            " leave them out of the trials, or out of training"
        )
