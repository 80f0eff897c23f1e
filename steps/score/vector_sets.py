"""Embeddings of anyone's directory, with what is known of their speakers: for scores without descriptions.

    train = read_real(Path("data/train"), ATTRIBUTES)         # a Kaldi data directory, or a set of an index
    samples = read_sampled(Path("their/samples"), ATTRIBUTES) # vectors, and what there is of tables

Vectors are read from xvector.scp, or what `steps.data.vector_files` finds in its place. Without utt2spk, each sampled
vector is a speaker. Groups are known where utt2group has all of the utterances; `vector_labels` has the other tables.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.data.index import BLOCKS, Index
from steps.data.spellings import refuse_shared
from steps.data.spoken_vectors import read_spoken, spoken_files
from steps.data.vector_files import MEANS, files_behind, find_vectors, read_vector_files
from steps.data.vector_table import SCRIPT
from steps.generators.validation import check_embeddings
from steps.metrics.speaker_vectors import SpeakerVectors
from steps.score.vector_labels import label_files, read_labels
from utils.command import logger
from utils.data_dir import DataDir
from utils.errors import InputError

SPEAKERS = "utt2spk"
LEAST_SPEAKERS = 8  # of a real set
log = logger(__name__)


class NamedVectors(NamedTuple):
    """Embeddings of a directory.

    Attributes:
        vectors: the embeddings, their speakers by number, and their groups where all are known.
        speakers: (S) names. ids: (N,) utterances.
        labels: attribute -> its value (N,) for each embedding; without attributes that are not known of all.
    """

    vectors: SpeakerVectors
    speakers: list[str]
    ids: list[str]
    labels: Mapping[str, np.ndarray]

    def grouped_by(self, attributes: Sequence[str]) -> SpeakerVectors:
        """The embeddings with the values of these attributes, joined by "_", as their groups; without, if not known."""
        if any(name not in self.labels for name in attributes):
            return SpeakerVectors(self.vectors.x, self.vectors.speakers)
        groups = ["_".join(values) for values in zip(*(self.labels[name] for name in attributes), strict=True)]
        return SpeakerVectors(self.vectors.x, self.vectors.speakers, np.array(groups, dtype=object))


def read_real(directory: Path, attributes: Sequence[str]) -> NamedVectors:
    """Embeddings of real speakers. Raises InputError where these are too few to compare with, or nobody tells who
    speaks: of vectors of one speaker that were taken for several, each would have the others next to it.
    """
    if not (directory / BLOCKS).is_file() and find_vectors(directory) != [directory / MEANS]:
        DataDir(directory)
    found = _read(directory, attributes)
    if len(found.speakers) < LEAST_SPEAKERS:
        raise InputError(
            f"{directory / SPEAKERS}: {len(found.speakers)} speakers; a real set needs {LEAST_SPEAKERS} to compare with"
        )
    if (found.vectors.x == found.vectors.x[0]).all():
        raise InputError(f"{directory / SCRIPT}: all embeddings are the same vector; expected those of real speakers")
    return found


def read_sampled(directory: Path, attributes: Sequence[str]) -> NamedVectors:
    """Embeddings of samples, of at least two speakers."""
    found = _read(directory, attributes)
    if len(found.speakers) < 2:
        raise InputError(f"{directory}: {len(found.speakers)} sampled speakers; expected two or more, told by utt2spk")
    return found


def files_of(directory: Path, attributes: Sequence[str]) -> list[Path]:
    """The files of a directory that decide its scores. Raises InputError where it has no vectors."""
    if (directory / BLOCKS).is_file():
        found = [directory / BLOCKS, *([directory / SCRIPT] if (directory / SCRIPT).is_file() else [])]
    else:
        files = find_vectors(directory)
        spoken = (directory / SPEAKERS).is_file()
        found = spoken_files(directory) if spoken and files == [directory / SCRIPT] else files_behind(files)
        found += [directory / SPEAKERS] if spoken and directory / SPEAKERS not in found else []
    return [*found, *label_files(directory, attributes)]


def require_comparable(real: Mapping[str, NamedVectors], sampled: Mapping[str, NamedVectors]) -> None:
    """Raise InputError where sets, by their directories, differ in dimension, or real ones share speakers."""
    refuse_shared({name: one.speakers for name, one in real.items()})
    (first, wanted), *others = [(name, one.vectors.x.shape[1]) for name, one in (*real.items(), *sampled.items())]
    for name, dim in others:
        if dim != wanted:
            raise InputError(
                f"{name}: embeddings of {dim} dimensions, but {first} has {wanted}; expected those of one network"
            )


def _read(directory: Path, attributes: Sequence[str]) -> NamedVectors:
    if (directory / BLOCKS).is_file():
        index = Index.open(directory)
        return _checked(directory, attributes, index.keys, np.array(index.speakers, dtype=object), index.matrix())
    files, spoken = find_vectors(directory), (directory / SPEAKERS).is_file()
    if spoken and files == [directory / SCRIPT]:
        return _checked(directory, attributes, *read_spoken(directory))
    ids, x = read_vector_files(files)
    if not spoken:
        return _checked(directory, attributes, ids, np.array(ids, dtype=object), x)
    utt2spk = DataDir(directory).require_utterances().utt2spk
    rows = {name: row for row, name in enumerate(ids)}
    if missing := [name for name in utt2spk if name not in rows]:
        raise InputError(
            f"{directory / SPEAKERS}: {len(missing)} of {len(utt2spk)} utterances, such as {missing[0]}, have no"
            f" vector in {files[0].name}, whose first id is {ids[0] if ids else 'none'}; use one id for both"
        )
    kept = x[[rows[name] for name in utt2spk]]
    return _checked(directory, attributes, [*utt2spk], np.array([*utt2spk.values()], dtype=object), kept)


def _checked(
    directory: Path, attributes: Sequence[str], ids: list[str], speakers: np.ndarray, x: np.ndarray
) -> NamedVectors:
    if not ids:
        raise InputError(f"{directory / SCRIPT}: empty; expected lines 'id archive:offset'")
    check_embeddings(x, lambda row: f"{directory / SCRIPT}: {ids[row]}")
    if empty := np.count_nonzero(~x.any(axis=1)):
        log.warning("%s: %d of %d vectors are all zeros, which have no direction", directory / SCRIPT, empty, len(x))
    labels = read_labels(directory, attributes, ids, speakers)
    if not labels.told.all():
        rows = np.flatnonzero(labels.told)
        ids, speakers, x, labels = [ids[row] for row in rows], speakers[rows], x[rows], labels.rows(rows)
    names, numbers = np.unique(speakers, return_inverse=True)
    return NamedVectors(SpeakerVectors(x, numbers, labels.groups), names.tolist(), ids, labels.values)
