"""N-grams of units with interpolated Kneser-Ney smoothing.

S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language modeling", Harvard TR-10-98, 1998:

    p(w | h) = max(c(hw) - D(c(hw)), 0) / c(h.) + g(h) p(w | h'),      g(h) = sum over w of min(D(c(hw)), c(hw)) / c(h.)

h' is the history h without its first symbol. c is a count in the highest order; in lower ones it is the number of
different symbols that stand before hw, and the count where h begins with BOS, before which nothing stands (as in KenLM:
K. Heafield and others, "Scalable modified Kneser-Ney language model estimation", 2013). Below the unigrams all outcomes
are equally likely, so that each has a probability above 0. A history that was never seen leaves the word to h'.

Discounts, from the numbers n1 to n4 of n-grams with c = 1 to 4: with `one`, D = n1 / (n1 + 2 n2) (H. Ney, U. Essen and
R. Kneser, "On structuring probabilistic dependences in stochastic language modelling", 1994); with `three`, the
modified smoothing of Chen and Goodman, D1 = 1 - 2 Y n2 / n1, D2 = 2 - 3 Y n3 / n2 and D3+ = 3 - 4 Y n4 / n3 with
Y = n1 / (n1 + 2 n2). Where some of these numbers are zero, so that no formula holds, there is one discount, and at last
0.5.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from steps.unit_lm.vocabulary import Vocabulary
from utils.errors import InputError

ONE, THREE = DISCOUNTS = ("one", "three")
LARGEST_KEY = 2**62
LEAST_DISCOUNT = 0.5  # where counts of counts say nothing


@dataclass(frozen=True)
class OrderCounts:
    """The n-grams of one order, coded as numbers to the base of the symbols.

    Attributes:
        keys: (G,) int64, sorted. counts: (G,) c of each. discounts: D of c = 1, 2, and 3 or more.
    """

    keys: np.ndarray
    counts: np.ndarray
    discounts: np.ndarray


class Ngrams:
    """A model of n-grams.

    Args:
        vocabulary: of the symbols. orders: the n-grams of order 1, 2, ...
    """

    def __init__(self, vocabulary: Vocabulary, orders: Sequence[OrderCounts]):
        self.vocabulary, self.orders = vocabulary, list(orders)
        self._histories = [_histories(order, vocabulary.n_symbols) for order in orders]

    @classmethod
    def fit(cls, sequences: Iterable[np.ndarray], vocabulary: Vocabulary, order: int, discounts: str) -> "Ngrams":
        """Count the n-grams of sequences of units (N,). Raises InputError where their codes exceed 62 bits."""
        base = vocabulary.n_symbols
        if base**order >= LARGEST_KEY:
            most = next(n for n in range(order, 0, -1) if base**n < LARGEST_KEY)
            raise InputError(f"order: {order} is too much for {vocabulary.n_units} units; expected {most} at most")
        rows = [_coded(units, vocabulary, order) for units in sequences]
        found: list[OrderCounts] = []
        for n in range(order, 0, -1):
            begun = [row[n - 2] for row in rows if len(row) >= n - 1] if n > 1 else []  # with BOS: counted as they are
            if n == order:
                inner = np.unique(np.concatenate([row[n - 1 :] for row in rows]), return_counts=True)
            else:  # by the symbols before: each n-gram of the order above has one
                inner = np.unique(found[-1].keys % base**n, return_counts=True)
            found.append(_order_counts(*inner, np.array(begun, np.int64), discounts))
        return cls(vocabulary, found[::-1])

    @property
    def order(self) -> int:
        """Symbols of the longest n-grams."""
        return len(self.orders)

    def probabilities(self, units: np.ndarray) -> np.ndarray:
        """p (N + 1,) of each unit (N,) after those before it, and of the end."""
        keys = _coded(units, self.vocabulary, self.order)
        base, p = self.vocabulary.n_symbols, np.full(len(keys), 1.0 / self.vocabulary.n_outcomes)
        filled = np.minimum(np.arange(len(keys)) + 2, self.order)  # symbols that there are, BOS among them
        for n in range(1, self.order + 1):
            own = np.flatnonzero(filled >= n)
            p[own] = self._interpolated(n, keys[own] % base**n, p[own])
        return p

    def distribution(self, history: Sequence[int]) -> np.ndarray:
        """p (outcomes,) after a history that begins with BOS."""
        vocabulary, base = self.vocabulary, self.vocabulary.n_symbols
        symbols = np.append(np.arange(vocabulary.n_units), vocabulary.eos)
        p = np.full(vocabulary.n_outcomes, 1.0 / vocabulary.n_outcomes)
        for n in range(1, min(self.order, len(history) + 1) + 1):
            code = 0
            for symbol in history[len(history) - n + 1 :]:
                code = code * base + int(symbol)
            p = self._interpolated(n, code * base + symbols, p)
        return p

    def _interpolated(self, n: int, keys: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """p of the n-grams `keys` (M,), given those (M,) of the next lower order."""
        order, (histories, totals, left) = self.orders[n - 1], self._histories[n - 1]
        counts = _looked_up(order.keys, order.counts, keys)
        at = keys // self.vocabulary.n_symbols
        total, rest = _looked_up(histories, totals, at), _looked_up(histories, left, at)
        seen = total > 0
        discounted = np.maximum(counts - _discount_of(counts, order.discounts), 0)
        return np.where(seen, (discounted + rest * lower) / np.where(seen, total, 1), lower)


def _coded(units: np.ndarray, vocabulary: Vocabulary, order: int) -> np.ndarray:
    """Codes (N + 1,) of the n-grams that end at each unit (N,), and at the end; the first have fewer symbols."""
    symbols = np.concatenate([[vocabulary.bos], units, [vocabulary.eos]]).astype(np.int64)
    keys, power = symbols[1:].copy(), 1
    for back in range(1, min(order, len(symbols))):
        power *= vocabulary.n_symbols
        keys[back - 1 :] += power * symbols[: len(symbols) - back]
    return keys


def _order_counts(keys: np.ndarray, counts: np.ndarray, begun: np.ndarray, discounts: str) -> OrderCounts:
    """The n-grams `keys` (G,) with their `counts`, and those that begin with BOS (M,), each as often as it comes."""
    extra, times = np.unique(begun, return_counts=True)
    keys, counts = np.concatenate([keys, extra]), np.concatenate([counts, times]).astype(np.int64)
    order = np.argsort(keys)
    return OrderCounts(keys[order], counts[order], _discounts(counts, discounts))


def _discounts(counts: np.ndarray, kind: str) -> np.ndarray:
    """D (3,) of c = 1, 2, and 3 or more."""
    n1, n2, n3, n4 = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if not n1 or not n2:
        return np.full(3, LEAST_DISCOUNT)
    y = n1 / (n1 + 2 * n2)
    three = np.array([1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3 if n3 else -1])
    return three if kind == THREE and three.min() > 0 else np.full(3, y)


def _discount_of(counts: np.ndarray, discounts: np.ndarray) -> np.ndarray:
    """D of counts (M,); 0 of those that are 0."""
    return np.append(0.0, discounts)[np.minimum(counts, 3)]


def _histories(order: OrderCounts, base: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The histories of the n-grams of an order: keys (H,) sorted, c(h.) (H,), and what discounts leave over (H,)."""
    keys, place = np.unique(order.keys // base, return_inverse=True)
    taken = np.minimum(_discount_of(order.counts, order.discounts), order.counts)
    return keys, np.bincount(place, order.counts, len(keys)), np.bincount(place, taken, len(keys))


def _looked_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The values (M,) of the `wanted` (M,) among sorted keys; 0 of those that are not there."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)
