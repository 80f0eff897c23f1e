"""The data of a score: real embeddings in three sets, and the texts of their groups, seen in training or held out.

Inputs: `exp/<corpus>/index/{train,dev,test}`, `data/<corpus>/descriptions` (text2group, text2set) and
`exp/<corpus>/text` (text_vec.scp).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steps.data.groups import ATTRIBUTES, group_values
from steps.data.spellings import refuse_shared
from steps.generators.validation import check_embeddings
from steps.text.descriptions import Descriptions
from utils.archives import read_vectors
from utils.errors import InputError
from utils.tables import read_table

if TYPE_CHECKING:
    from steps.data.index import Index

TEXT_SETS = ("seen", "heldout")
CAPTIONS_PER_GROUP = 20


@dataclass(frozen=True)
class VectorSet:
    """Embeddings with their speakers and groups.

    Attributes:
        x: (N, D) float32. speakers: (N,) names. groups: (N,) group ids.
        sources, keys: (N,) names, and ids of utterances, where they are known.
    """

    x: np.ndarray
    speakers: np.ndarray
    groups: np.ndarray
    sources: np.ndarray | None = None
    keys: np.ndarray | None = None

    @cached_property
    def speaker_codes(self) -> np.ndarray:
        """(N,) numbers of the speakers, in the order of their names."""
        return np.unique(self.speakers, return_inverse=True)[1]

    @property
    def n_speakers(self) -> int:
        """How many speakers there are."""
        return int(self.speaker_codes.max()) + 1

    def where(self, keep: np.ndarray) -> "VectorSet":
        """The rows that `keep` selects, a mask (N,) bool or row numbers."""
        sources, keys = (None if one is None else one[keep] for one in (self.sources, self.keys))
        return VectorSet(self.x[keep], self.speakers[keep], self.groups[keep], sources, keys)

    def followed_by(self, other: "VectorSet") -> "VectorSet":
        """The rows of both."""
        known = self.sources is not None and other.sources is not None
        return VectorSet(
            np.concatenate([self.x, other.x]),
            np.concatenate([self.speakers, other.speakers]),
            np.concatenate([self.groups, other.groups]),
            np.concatenate([self.sources, other.sources]) if known else None,
        )


@dataclass(frozen=True)
class GroupTexts:
    """Sentence vectors (T, E) and the group (T,) that each describes."""

    vectors: np.ndarray
    groups: np.ndarray

    def of_group(self, group: str) -> np.ndarray:
        """The text vectors (V, E) of one group."""
        return self.vectors[self.groups == group]


@dataclass(frozen=True)
class ScoreData:
    """One split of a corpus, ready to score generators of it.

    Attributes:
        train, dev, test: real embeddings; no speaker is in two of them.
        texts: the texts of the groups, by set, "seen" in training or "heldout".
        attributes: names of the attributes, in the order in which group ids hold their values.
        left_out: groups of the test set that have no training speaker or lack texts of either set; no row of `test`
            is of these.
    """

    train: VectorSet
    dev: VectorSet
    test: VectorSet
    texts: dict[str, GroupTexts]
    attributes: tuple[str, ...] = ATTRIBUTES
    left_out: tuple[str, ...] = ()

    @classmethod
    def build(
        cls,
        train: VectorSet,
        dev: VectorSet,
        test: VectorSet,
        texts: dict[str, GroupTexts],
        attributes: Sequence[str] = ATTRIBUTES,
    ) -> "ScoreData":
        """Keep of the test set the groups that have training speakers and both sets of texts."""
        usable = set(train.groups).intersection(*(set(texts[name].groups) for name in TEXT_SETS))
        left_out = sorted(set(test.groups) - usable)
        kept = test.where(~np.isin(test.groups, left_out))
        if not len(kept.x):
            raise InputError(
                "no group of the test set has both training speakers and texts, seen and held out; check stages 1 and 2"
            )
        for group in np.unique(np.concatenate([train.groups, dev.groups, kept.groups])):
            group_values(str(group), attributes)
        return cls(train, dev, kept, texts, tuple(attributes), tuple(map(str, left_out)))

    def values(self, groups: np.ndarray) -> np.ndarray:
        """Attribute values (N, A) of group ids (N,)."""
        names, codes = np.unique(groups, return_inverse=True)
        return np.array([name.split("_") for name in names])[codes]

    @cached_property
    def groups(self) -> list[str]:
        """The groups of the test set, sorted."""
        return sorted(set(map(str, self.test.groups)))


def load_score_data(index: Path, descriptions: Path, text_vectors: Path, attributes: Sequence[str]) -> ScoreData:
    """Read the three sets of an index and the texts of the groups.

    Captions of single utterances are not texts of a group, unless training has seen nothing else.
    """
    from steps.data.index import Index

    opened = [Index.open(index / name) for name in ("train", "dev", "test")]
    refuse_shared({str(one.path): one.speakers for one in opened})
    sets = [
        VectorSet(
            _vectors_of(one),
            np.array(one.speakers),
            np.array(one.groups),
            None if one.sources is None else np.array(one.sources),
            np.array(one.keys),
        )
        for one in opened
    ]
    text2group, text2set, captions = Descriptions.read(descriptions)
    texts = {}
    for name in TEXT_SETS:
        ids = [text for text in text2group if text2set[text] == name and text not in captions]
        if not ids and name == "seen":
            ids = _captions_of(opened[0].keys, captions, text2group)
        if not ids:
            raise InputError(f"{descriptions / 'text2set'}: no text is marked {name!r}; run stage 1 again")
        texts[name] = GroupTexts(
            _read_checked(text_vectors / "text_vec.scp", ids), np.array([text2group[text] for text in ids])
        )
    return ScoreData.build(*sets, texts, attributes)


def _read_checked(script: Path, keys: Iterable[str]) -> np.ndarray:
    """The vectors (N, D) of these keys. Raises InputError for one that is none."""
    names, x = read_vectors(script, keys)
    check_embeddings(x, lambda row: f"{script}: {names[row]}")
    return x


def _vectors_of(index: "Index") -> np.ndarray:
    """The embeddings (N, D) of an index. Raises InputError for one that is none."""
    x = index.matrix()
    check_embeddings(x, lambda row: f"{index.path}: {index.keys[row]}")
    return x


def _captions_of(
    utterances: Sequence[str], captions: Mapping[str, Sequence[str]], text2group: Mapping[str, str]
) -> list[str]:
    """Captions of any of these utterances, a few for each group."""
    mine, count = set(utterances), Counter()
    chosen = []
    for text in sorted(text for text, described in captions.items() if not mine.isdisjoint(described)):
        count[text2group[text]] += 1
        if count[text2group[text]] <= CAPTIONS_PER_GROUP:
            chosen.append(text)
    return chosen


def read_samples(directory: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings (N, D), groups (N,) and numbers of the speakers (N,) of a directory of samples.

    Samples without a group are left out; one without a speaker in utt2spk, or all without that file, is a speaker.
    """
    for name in ("xvector.scp", "utt2group"):
        if not (directory / name).is_file():
            raise InputError(f"{directory}: no {name}; expected samples of group descriptions (stage 5), or a model")
    groups = read_table(directory / "utt2group")
    utt2spk = read_table(directory / "utt2spk") if (directory / "utt2spk").is_file() else {}
    speakers = np.unique([utt2spk.get(name, name) for name in groups], return_inverse=True)[1]
    return _read_checked(directory / "xvector.scp", groups), np.array(list(groups.values())), speakers
