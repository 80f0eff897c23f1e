"""The groups of a training set: how a text's posterior over attribute values becomes shares of groups, and features.

A reader gives a text *t* a posterior *q_a* over the values of each attribute *a*, `unsaid` among them. What is said is
a set S of attributes; given its values, the rest follows the corpus:

    p(g | t) = sum_S  prod_{a in S} q_a(g_a)  prod_{a not in S} q_a(unsaid)  P(g_rest | g_S)

P counts speakers, each as one, shared over groups by utterances. Combinations that no training speaker has get a small
share of it (`UNSEEN`), as if attributes were independent, so that a text may name them. A value that no training
speaker has counts as unsaid.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from steps.data.groups import group_id, group_values
from steps.text.layout import TextLayout
from utils.errors import InputError
from utils.vectors import check_shape

UNSEEN = 1e-3  # of the corpus distribution: the share of independent attributes, so that no combination has none
LEFT_OUT = 0.01  # of a text: the least likely groups that together have no more are left out
MOST_CELLS = 10**6  # combinations of values, unsaid among them
# a ridge regression of this penalty gives a group of so many speakers half of its own deviation from the sum of the
# effects of its values, and smaller groups less; in 5 splits of some 160 training speakers, unseen ones have the same
# density as with 30 (+.02 +- .06 nats), but pitch inside gender is followed better (.974 of real speakers', not .930)
PENALTY, SPEAKERS = 0.1, 12


@dataclass(frozen=True, eq=False)
class CorpusGroups:
    """The groups of a training set.

    Attributes:
        layout: of the text vectors.
        names: the groups that have speakers (G), sorted.
        prior: (G,) float64, the share of the speakers in each.
        scales: (G,) float64, what stands in the own column of each group, where its attribute values have ones.
    """

    layout: TextLayout
    names: tuple[str, ...]
    prior: np.ndarray
    scales: np.ndarray

    def __post_init__(self) -> None:
        check_shape("group_prior", self.prior, (len(self.names),))
        check_shape("group_scales", self.scales, (len(self.names),))
        cells = math.prod(len(values) + 1 for values in self.values.values())
        if cells > MOST_CELLS:
            raise InputError(
                f"the attributes {', '.join(self.layout.attributes)} make {cells:,} combinations of values, and a text"
                f" is read as one of at most {MOST_CELLS:,}; name fewer attributes, or set reader=sentence in stage 1"
            )

    @classmethod
    def count(cls, layout: TextLayout, speakers: np.ndarray, groups: np.ndarray, names: Sequence[str]) -> Self:
        """Count the groups (N,), positions in `names`, of embeddings with speakers (N,).

        A speaker counts one, shared over groups by utterances.
        """
        mass = np.bincount(groups, 1 / np.bincount(speakers)[speakers], len(names))
        present = np.flatnonzero(mass)
        mass = mass[present]
        each = len(groups) / len(present)  # observations of a group, as groups weigh the same
        scales = np.sqrt(PENALTY * mass / (SPEAKERS * each))
        return cls(layout, tuple(names[group] for group in present), mass / mass.sum(), scales)

    @cached_property
    def values(self) -> dict[str, tuple[str, ...]]:
        """Attribute -> the values that training speakers have, sorted."""
        rows = [group_values(name, tuple(self.layout.attributes)) for name in self.names]
        return {attribute: tuple(sorted({row[attribute] for row in rows})) for attribute in self.layout.attributes}

    @cached_property
    def cells(self) -> list[str]:
        """All combinations of these values as names of groups, in the order of the flattened arrays below."""
        attributes = list(self.values)
        rows = itertools.product(*self.values.values())
        return [group_id(dict(zip(attributes, row, strict=True)), attributes) for row in rows]

    @cached_property
    def corpus(self) -> np.ndarray:
        """P (values of the first attribute, of the second, ...), smoothed by `UNSEEN`."""
        shape = tuple(len(values) for values in self.values.values())
        counted = np.zeros(shape)
        position = {name: number for number, name in enumerate(self.cells)}
        counted.flat[[position[name] for name in self.names]] = self.prior
        axes = range(len(shape))
        alone = [counted.sum(axis=tuple(other for other in axes if other != axis), keepdims=True) for axis in axes]
        return (1 - UNSEEN) * counted + UNSEEN * math.prod(alone)

    @cached_property
    def _said_shares(self) -> list[tuple[tuple[int, ...], np.ndarray]]:
        """Each set S of attributes, and P(g_S) with an axis of length 1 for the others."""
        axes = range(self.corpus.ndim)
        subsets = itertools.chain.from_iterable(itertools.combinations(axes, size) for size in range(len(axes) + 1))
        return [(said, self.corpus.sum(axis=tuple(set(axes) - set(said)), keepdims=True)) for said in subsets]

    def shares(self, vector: np.ndarray) -> dict[str, float]:
        """p(g | t) for a text vector (E,): groups and their shares, the likeliest first, without a rest `LEFT_OUT`."""
        said, unsaid = self.read(vector)
        factor = np.zeros_like(self.corpus)
        for axes, share in self._said_shares:
            rest = math.prod(unsaid[axis] for axis in range(self.corpus.ndim) if axis not in axes)
            if rest > 0:
                factor += rest * math.prod((said[axis] for axis in axes), start=1 / share)
        posterior = (self.corpus * factor).ravel()
        order = np.argsort(-posterior, kind="stable")
        tail = np.cumsum(posterior[order][::-1])[::-1]  # of this group and all that are less likely
        kept = order[tail > LEFT_OUT * tail[0]]
        total = posterior[kept].sum()
        return {self.cells[cell]: float(posterior[cell] / total) for cell in kept}

    def read(self, vector: np.ndarray) -> tuple[list[np.ndarray], list[float]]:
        """How a text vector (E,) was read.

        Returns:
            the posterior of the known values of each attribute, along its own axis, and that of `unsaid`.
        """
        said, unsaid = [], []
        for axis, (attribute, values) in enumerate(self.values.items()):
            posterior = np.maximum(vector[self.layout.columns(attribute)].astype(np.float64), 0)
            posterior /= max(posterior.sum(), 1e-300)
            of_value = dict(zip(self.layout.attributes[attribute], posterior, strict=False))
            known = np.array([of_value.get(value, 0.0) for value in values])
            shape = [1] * len(self.values)
            shape[axis] = len(values)
            said.append(known.reshape(shape))
            unsaid.append(max(0.0, 1 - float(known.sum())))
        return said, unsaid

    @property
    def n_features(self) -> int:
        """F, the number of features of a group."""
        return sum(len(values) for values in self.values.values()) + len(self.names)

    def features(self, groups: Sequence[str]) -> np.ndarray:
        """What a generator is conditioned on, for each group (n, F): its attribute values, one-hot, and itself.

        A value that no training speaker has stands for an average speaker, a group that none has for its values alone.
        """
        rows = np.array([list(self._features_of(group)) for group in groups], dtype=np.float32)
        return rows.reshape(-1, self.n_features)

    def _features_of(self, group: str) -> Iterator[float]:
        own: Mapping[str, str] = group_values(group, tuple(self.layout.attributes))
        for axis, (attribute, values) in enumerate(self.values.items()):
            if own[attribute] in values:
                yield from (float(value == own[attribute]) for value in values)
            else:
                yield from self.corpus.sum(axis=tuple(other for other in range(self.corpus.ndim) if other != axis))
        yield from (scale * (name == group) for name, scale in zip(self.names, self.scales, strict=True))
