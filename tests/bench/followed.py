"""How far samples follow their texts: shares that judges hear, made into figures with intervals.

Every figure is formed inside a split and averaged over the splits. Its interval is a bootstrap over texts and over
splits, whose test speakers and models differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from steps.metrics.bootstrap import interval
from tests.bench.heard import INSIDE, Heard
from tests.bench.worded_texts import Wording

DRAWS = 1000
REAL, BLIND = "real", "blind"  # training segments that fit the text, and any: ceiling and floor


class Estimate(NamedTuple):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, eq=False)
class Measured:
    """What was heard for all texts.

    Attributes:
        wordings: (T). classes: attribute -> its values.
        heard: system -> attribute, pooled or inside gender -> (S, T, values) shares in S splits.
    """

    wordings: list[Wording]
    classes: dict[str, tuple[str, ...]]
    heard: dict[str, Heard]

    def rows(self, wanted: Callable[[Wording], object]) -> np.ndarray:
        """The numbers of the texts that are wanted."""
        return np.flatnonzero([bool(wanted(one)) for one in self.wordings])

    def right(self, system: str, attribute: str, rows: np.ndarray, inside: bool) -> np.ndarray:
        """The share (S, R) of samples that have the value which each text of `rows` says of the attribute."""
        values = [self.classes[attribute].index(str(self.wordings[row].value(attribute))) for row in rows]
        return self._shares(system, attribute, inside)[:, rows, values]

    def denied(self, system: str, attribute: str, rows: np.ndarray, inside: bool) -> np.ndarray:
        """The share (S, R) of samples that have a value which the text denies, the mean over all that it denies."""
        shares, found = self._shares(system, attribute, inside), []
        for row in rows:
            values = [self.classes[attribute].index(value) for value in self.wordings[row].denied[attribute]]
            found.append(shares[:, row, values].mean(axis=1))
        return np.stack(found, axis=1) if found else np.empty((len(shares), 0))

    def shares(self, system: str, attribute: str, rows: np.ndarray) -> np.ndarray:
        """The share (R, values) of samples with each value by the stricter judge, the mean over splits."""
        return self._shares(system, attribute, True)[:, rows].mean(axis=0)

    def followed(self, system: str, attribute: str, rows: np.ndarray, inside: bool = True) -> Estimate | None:
        """Balanced accuracy on texts that say the attribute, as a ratio to real segments; None without such texts."""
        rows = np.array([row for row in rows if self.wordings[row].value(attribute)], dtype=int)
        if not len(rows):
            return None
        values = np.array([self.wordings[row].value(attribute) for row in rows])
        return ratio(*(self.right(one, attribute, rows, inside) for one in (system, REAL)), values)

    def _shares(self, system: str, attribute: str, inside: bool) -> np.ndarray:
        heard = self.heard[system]
        return heard[attribute + INSIDE] if inside and attribute + INSIDE in heard else heard[attribute]


def ratio(ours: np.ndarray, theirs: np.ndarray, values: np.ndarray) -> Estimate:
    """The ratio of the means of `ours` and `theirs` (S, T), each balanced over the values (T,) of the texts."""
    texts, splits = _counts(ours.shape[1]), _counts(ours.shape[0])
    return _estimate(balanced(ours, values, texts) / balanced(theirs, values, texts), splits)


def mean(shares: np.ndarray) -> Estimate:
    """The mean of shares (S, T)."""
    texts, splits = _counts(shares.shape[1]), _counts(shares.shape[0])
    return _estimate(balanced(shares, np.zeros(shares.shape[1]), texts), splits)


def difference(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """The mean difference of pairs of shares (S, T)."""
    return mean(ours - theirs)


def balanced(shares: np.ndarray, values: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """The mean over values of the mean share of their texts, in each draw and split.

    Args:
        shares: (S, T). values: (T,). texts: (draws, T) how often each text was drawn.
    Returns:
        (draws, S). A value none of whose texts was drawn does not count.
    """
    means, present = np.zeros((len(texts), len(shares))), np.zeros((len(texts), 1))
    for value in np.unique(values):
        drawn = texts[:, values == value]
        total = drawn.sum(axis=1, keepdims=True)
        means += (drawn @ shares[:, values == value].T) / np.maximum(total, 1)
        present += total > 0
    return means / present


def divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence (R,) in bits of distributions (R, values); 0 where they agree, at most 1."""
    middle = (p + q) / 2
    terms = [
        np.where(one > 0, one * np.log2(np.where(one > 0, one, 1) / np.where(middle > 0, middle, 1)), 0)
        for one in (p, q)
    ]
    return (terms[0] + terms[1]).sum(axis=1) / 2


def stacked(splits: Sequence[Heard]) -> Heard:
    """What was heard in S splits, as (S, T, values)."""
    return {key: np.stack([heard[key] for heard in splits]) for key in splits[0]}


def _counts(n: int) -> np.ndarray:
    """How often each of n is drawn (DRAWS + 1, n): once each, then by chance, the same at every call."""
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=DRAWS)
    return np.concatenate([np.ones((1, n), dtype=int), drawn])


def _estimate(figures: np.ndarray, splits: np.ndarray) -> Estimate:
    """The mean over splits of figures (draws, S), the first draw being the data themselves."""
    means = (figures * splits).sum(axis=1) / splits.sum(axis=1)
    return Estimate(float(means[0]), *interval(means[1:]))
