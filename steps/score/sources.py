"""Sources of samples: a generator, or given vectors, which are resampled."""

from typing import Protocol

import numpy as np

from steps.generators.contract import Generator
from steps.generators.validation import check_embeddings
from steps.score.data import GroupTexts
from utils.errors import InputError


class Source(Protocol):
    """Gives embeddings for groups."""

    def draw(self, rng: np.random.Generator, groups: np.ndarray) -> np.ndarray:
        """One embedding for each of `groups` (N,). Returns (N, D) float32."""


class GeneratorSource:
    """Samples of a generator, each given a random one of its group's texts."""

    def __init__(self, generator: Generator, texts: GroupTexts):
        self._dim = generator.dim
        mixtures = generator.mixtures(texts.vectors)
        self._by_group: dict[str, list] = {}
        for group, mixture in zip(texts.groups, mixtures, strict=True):
            self._by_group.setdefault(str(group), []).append(mixture)

    def draw(self, rng: np.random.Generator, groups: np.ndarray) -> np.ndarray:
        out = np.empty((len(groups), self._dim), dtype=np.float32)
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            mixtures = self._by_group[str(group)]
            chosen = rng.integers(len(mixtures), size=len(rows))
            for number, mixture in enumerate(mixtures):
                mine = rows[chosen == number]
                out[mine] = mixture.sample(rng, len(mine))[0]
        check_embeddings(out, lambda row: f"a sample for the group {groups[row]}")
        return out


class VectorSource:
    """Given vectors with their groups, drawn without replacement as long as they last.

    With `blind`, a vector of any group is taken, whatever is asked for.

    Attributes:
        speakers: (N,) numbers of the vectors' speakers; another one for each, where these are not known.
    """

    def __init__(self, x: np.ndarray, groups: np.ndarray, speakers: np.ndarray | None = None, blind: bool = False):
        self._x = np.asarray(x, dtype=np.float32)
        self.speakers = np.arange(len(x)) if speakers is None else speakers
        self._blind = blind
        keys = self._keys(groups)
        self._rows = {str(key): np.flatnonzero(keys == key) for key in np.unique(keys)}

    def require(self, groups: list[str], name: str) -> None:
        """Raise InputError where there is no vector for one of `groups`."""
        missing = [group for group in groups if group not in self._rows]
        if missing:
            raise InputError(
                f"{name}: no samples for the groups {', '.join(missing)}; sample all groups of the test set"
            )

    def repeats(self, groups: np.ndarray) -> int:
        """Number of vectors drawn for `groups` (N,) that are repetitions of others."""
        names, counts = np.unique(self._keys(groups), return_counts=True)
        return int(sum(max(0, count - len(self._rows[str(name)])) for name, count in zip(names, counts, strict=True)))

    def draw(self, rng: np.random.Generator, groups: np.ndarray) -> np.ndarray:
        return self._x[self.rows(rng, groups)]

    def rows(self, rng: np.random.Generator, groups: np.ndarray) -> np.ndarray:
        """The vectors (N,), by number, that are drawn for `groups` (N,)."""
        names = self._keys(groups)
        out = np.empty(len(groups), dtype=np.int64)
        for name in np.unique(names):
            wanted, have = np.flatnonzero(names == name), self._rows[str(name)]
            rounds = -(-len(wanted) // len(have))
            out[wanted] = np.concatenate([rng.permutation(have) for _ in range(rounds)])[: len(wanted)]
        return out

    def _keys(self, groups: np.ndarray) -> np.ndarray:
        """Keys (N,) of `_rows`: the groups, or one key for all if blind."""
        return np.full(len(groups), "any") if self._blind else groups
