"""Embeddings of anyone's directory, with what is known of their speakers: for scores without descriptions.

    train = read_real(Path("data/train"))         # a Kaldi data directory, or a set of an index
    samples = read_sampled(Path("their/samples")) # xvector.scp, and what there is of utt2spk and utt2group

Without utt2spk, each sampled vector is a speaker. Groups are known where utt2group has all of the utterances.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.data.index import BLOCKS, Index
from steps.data.spellings import refuse_shared
from steps.data.spoken_vectors import read_spoken, spoken_files
from steps.data.vector_table import SCRIPT, VectorTable
from steps.generators.validation import check_embeddings
from steps.metrics.speaker_vectors import SpeakerVectors
from utils.archives import read_vectors
from utils.command import logger
from utils.data_dir import check_genders
from utils.errors import InputError
from utils.tables import read_table

GROUPS, GENDERS, SPEAKERS = "utt2group", "spk2gender", "utt2spk"
LEAST_SPEAKERS = 8  # of a real set
log = logger(__name__)


class NamedVectors(NamedTuple):
    """Embeddings of a directory.

    Attributes:
        vectors: the embeddings, their speakers by number, and their groups where all are known.
        speakers: (S) names. genders: (N,) "female" or "male" of each embedding, or None where some are not known.
        ids: (N) utterances.
    """

    vectors: SpeakerVectors
    speakers: list[str]
    genders: np.ndarray | None
    ids: list[str]

    def in_genders(self) -> SpeakerVectors:
        """The embeddings with genders as their groups."""
        return SpeakerVectors(self.vectors.x, self.vectors.speakers, self.genders)


def read_real(directory: Path) -> NamedVectors:
    """Embeddings of real speakers. Raises InputError where these are too few to compare with."""
    found = _of_index(directory) if (directory / BLOCKS).is_file() else _of_kaldi(directory)
    if len(found.speakers) < LEAST_SPEAKERS:
        raise InputError(
            f"{directory / SPEAKERS}: {len(found.speakers)} speakers; a real set needs {LEAST_SPEAKERS} to compare with"
        )
    if (found.vectors.x == found.vectors.x[0]).all():
        raise InputError(f"{directory / SCRIPT}: all embeddings are the same vector; expected those of real speakers")
    return found


def read_sampled(directory: Path) -> NamedVectors:
    """Embeddings of samples, of at least two speakers."""
    if (directory / BLOCKS).is_file() or (directory / SPEAKERS).is_file():
        found = _of_index(directory) if (directory / BLOCKS).is_file() else _of_kaldi(directory)
    else:
        ids, x = read_vectors(directory / SCRIPT)
        found = _checked(directory, ids, np.array(ids, dtype=object), x)
    if len(found.speakers) < 2:
        raise InputError(f"{directory}: {len(found.speakers)} sampled speakers; expected two or more")
    return found


def files_of(directory: Path) -> list[Path]:
    """The files of a directory that decide its scores. Raises InputError where it has no vectors."""
    if (directory / SPEAKERS).is_file():
        found = spoken_files(directory)
    elif not (directory / SCRIPT).is_file() and not (directory / BLOCKS).is_file():
        raise InputError(f"{directory / SCRIPT}: no such file; vectors are read from it, lines 'id archive:offset'")
    else:
        found = [directory / SCRIPT, *VectorTable.find(directory).archives]
    return [*found, *(path for path in (directory / GROUPS, directory / GENDERS) if path.is_file())]


def require_comparable(real: Mapping[str, NamedVectors], sampled: Mapping[str, NamedVectors]) -> None:
    """Raise InputError where sets, by their directories, differ in dimension, or real ones share speakers."""
    refuse_shared({name: one.speakers for name, one in real.items()})
    (first, wanted), *others = [(name, one.vectors.x.shape[1]) for name, one in (*real.items(), *sampled.items())]
    for name, dim in others:
        if dim != wanted:
            raise InputError(
                f"{name}: embeddings of {dim} dimensions, but {first} has {wanted}; expected those of one network"
            )


def _of_index(directory: Path) -> NamedVectors:
    index = Index.open(directory)
    return _checked(directory, index.keys, np.array(index.speakers, dtype=object), index.matrix())


def _of_kaldi(directory: Path) -> NamedVectors:
    ids, speakers, x = read_spoken(directory)
    return _checked(directory, ids, speakers, x)


def _checked(directory: Path, ids: list[str], speakers: np.ndarray, x: np.ndarray) -> NamedVectors:
    if not ids:
        raise InputError(f"{directory / SCRIPT}: empty; expected lines 'id archive:offset'")
    check_embeddings(x, lambda row: f"{directory / SCRIPT}: {ids[row]}")
    if empty := np.count_nonzero(~x.any(axis=1)):
        log.warning("%s: %d of %d vectors are all zeros, which have no direction", directory / SCRIPT, empty, len(x))
    names, numbers = np.unique(speakers, return_inverse=True)
    genders = _genders(directory, names)
    vectors = SpeakerVectors(x, numbers, _groups(directory, ids))
    return NamedVectors(vectors, names.tolist(), None if genders is None else genders[numbers], ids)


def _groups(directory: Path, ids: list[str]) -> np.ndarray | None:
    """The group (N,) of each utterance; None where these are not all known."""
    table = _complete_table(directory / GROUPS, ids, "utterances", "groups")
    return None if table is None else np.array([table[name] for name in ids], dtype=object)


def _genders(directory: Path, speakers: np.ndarray) -> np.ndarray | None:
    """The gender (S,) of each speaker; None where these are not all known."""
    table = _complete_table(directory / GENDERS, speakers, "speakers", "genders", check_genders)
    words = {"f": "female", "m": "male"}
    return None if table is None else np.array([words[table[name]] for name in speakers], dtype=object)


def _complete_table(
    path: Path,
    names: Sequence[str] | np.ndarray,
    of: str,
    what: str,
    check: Callable[[dict[str, str], Path], None] | None = None,
) -> dict[str, str] | None:
    """A table that has a line for each of `names`; None where there is none, or, with a warning, where it has not."""
    if not path.is_file():
        return None
    table = read_table(path)
    if check:
        check(table, path)
    missing = [name for name in names if name not in table]
    if missing:
        log.warning(
            "%s: no line for %d of %d %s, such as %s; scored as if nobody knew the %s",
            path, len(missing), len(names), of, missing[0], what,
        )  # fmt: skip
        return None
    return table
