"""What embeddings depend on and no description tells: a nuisance, such as the source of a recording with its channel.

A generator that does not know it takes a source for a voice: where slow speakers come from one source, "slow" has its
channel. One that knows it is conditioned on group *g* and source *s*, and a text is the mixture over the sources

    p(x | g) = sum_s P(s | g) p(x | g, s)        mix = group: as the training speakers of the group are
    p(x | g) = sum_s P(s) p(x | g, s)            mix = corpus: as all training speakers are, whatever the group

The second is the adjustment for a confounder (J. Pearl, Causality, 2nd ed. 2009, section 3.3.1): two groups differ in
what their speakers differ in inside a source. Shares count speakers, each as one, shared by utterances. A source has
columns of its own beside the features of a group, so it shifts all groups alike until a network learns more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from steps.generators.corpus_groups import CorpusGroups
from steps.generators.pairs import Pairs
from utils.errors import InputError, brief
from utils.vectors import check_shape

MIXES = GROUP, CORPUS = "group", "corpus"
SHARES = "nuisance_shares"
Cell = tuple[str, int]  # a group, and the position of a value


@dataclass(frozen=True, eq=False)
class Nuisance:
    """The values of a nuisance, and how the voices of a group are spread over them.

    Attributes:
        name: source. values: (V) that training speakers have, sorted. mix: one of MIXES.
        groups: (G) the groups that have training speakers.
        shares: (G + 1, V) float64, of the speakers of each group, and last of all speakers.
    """

    name: str
    values: tuple[str, ...]
    mix: str
    groups: tuple[str, ...]
    shares: np.ndarray

    def __post_init__(self) -> None:
        check_shape(SHARES, self.shares, (len(self.groups) + 1, len(self.values)))

    @classmethod
    def count(cls, name: str, mix: str, pairs: Pairs) -> Self:
        """Count speakers. Raises InputError where nothing is known, or all have one value."""
        if pairs.nuisance is None:
            raise InputError(
                f"--nuisance {name}: the index has no utt2{name}; give the corpus one, and run stages 2 and 3 again"
            )
        values, columns = np.unique(pairs.nuisance, return_inverse=True)
        if len(values) < 2:
            raise InputError(
                f"--nuisance {name}: all training speakers have {brief(str(values[0]))}; there is nothing to tell apart"
            )
        mass = np.zeros((len(pairs.group_names), len(values)))
        np.add.at(mass, (pairs.groups, columns), 1 / np.bincount(pairs.speakers)[pairs.speakers])
        present = np.unique(pairs.groups)
        counted = np.concatenate([mass[present], mass.sum(axis=0)[None]])
        groups = tuple(pairs.group_names[group] for group in present)
        return cls(name, tuple(map(str, values)), mix, groups, counted / counted.sum(axis=1, keepdims=True))

    def cells(self, group: str) -> list[tuple[Cell, float]]:
        """The values that voices of a group have, and their shares; those of the corpus where it has no speaker."""
        known = self.mix == GROUP and group in self.groups
        shares = self.shares[self.groups.index(group) if known else -1]
        return [((group, value), float(share)) for value, share in enumerate(shares) if share > 0]

    def features(self, groups: CorpusGroups, cells: Sequence[Cell]) -> np.ndarray:
        """What a generator is conditioned on (n, F + V): the features of the group, and the value, one-hot.

        A value of -1, which no training speaker has, stands for an average one.
        """
        rows = np.concatenate([np.eye(len(self.values)), self.shares[-1:]])
        of_value = rows[[value for _, value in cells]].reshape(-1, len(self.values))
        return np.concatenate([groups.features([group for group, _ in cells]), of_value], axis=1, dtype=np.float32)

    def conditioned(self, pairs: Pairs, groups: CorpusGroups) -> Pairs:
        """The same embeddings, with one text for each group and value; the values of a group share its weight."""
        column = {value: number for number, value in enumerate(self.values)}
        values = np.array([column.get(str(value), -1) for value in pairs.nuisance])
        cells, rows = np.unique(np.stack([pairs.groups, values]), axis=1, return_inverse=True)
        named = [(pairs.group_names[group], value) for group, value in cells.T.tolist()]
        features = self.features(groups, named)
        return replace(
            pairs,
            groups=rows.ravel(),
            group_names=[f"{group} of {self.values[value] if value >= 0 else 'another'}" for group, value in named],
            weighed_as=cells[0],
            variants=features,
            variant_groups=np.arange(len(features)),
            captions=np.empty((0, features.shape[1]), dtype=np.float32),
            caption_rows=np.empty(0, dtype=np.int64),
        )

    def as_dict(self) -> dict[str, Any]:
        """What a generator's description has of it."""
        return {"name": self.name, "values": list(self.values), "mix": self.mix}

    @classmethod
    def from_state(cls, about: Any, groups: tuple[str, ...], shares: np.ndarray) -> Self:
        """The nuisance whose `as_dict` and `shares` these are. Raises ValueError where they are none."""
        values = about.get("values") if isinstance(about, dict) else None
        good = isinstance(values, list) and len(values) > 1 and all(isinstance(value, str) for value in values)
        if not good or about.get("mix") not in MIXES or not isinstance(about.get("name"), str):
            raise ValueError(
                f"nuisance: expected a name, values, and a mix of {', '.join(MIXES)}, found {brief(about)}"
            )
        shares = shares.astype(np.float64)
        if (shares < 0).any() or not np.allclose(shares.sum(axis=-1), 1):
            raise ValueError(f"{SHARES}: expected shares that sum to 1")
        return cls(about["name"], tuple(values), about["mix"], groups, shares)
