"""N-grams against the formulas, counted by hand in dictionaries."""

import itertools
from collections import Counter

import numpy as np
import pytest

from steps.unit_lm.ngram import DISCOUNTS, ONE, THREE, Ngrams
from steps.unit_lm.vocabulary import Vocabulary
from tests.steps.unit_lm.unit_dirs import N_UNITS, chain

VOCABULARY = Vocabulary(N_UNITS)


def sequences(n: int = 60) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [chain(rng, int(rng.integers(1, 12))) for _ in range(n)]


def counted(order: int) -> dict[int, Counter]:
    """c of all n-grams of each order, by the definition of Kneser and Ney."""
    rows = [(VOCABULARY.bos, *units.tolist(), VOCABULARY.eos) for units in sequences()]
    found: dict[int, Counter] = {}
    for n in range(1, order + 1):
        grams = [row[end - n : end] for row in rows for end in range(max(n, 2), len(row) + 1)]
        found[n] = Counter(grams)
        if n < order:
            longer = {row[end - n - 1 : end] for row in rows for end in range(n + 1, len(row) + 1)}
            before = Counter(gram[1:] for gram in longer)
            found[n] = Counter({g: c if g[0] == VOCABULARY.bos else before[g] for g, c in found[n].items()})
    return found


def discount(counts: Counter, c: int, kind: str) -> float:
    n1, n2, n3, n4 = (sum(value == k for value in counts.values()) for k in (1, 2, 3, 4))
    if not n1 or not n2:
        return 0.5 if c else 0
    y = n1 / (n1 + 2 * n2)
    three = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3 if n3 else -1]
    chosen = three if kind == THREE and min(three) > 0 else [y] * 3
    return ([0.0] + chosen)[min(c, 3)]


def by_hand(found: dict[int, Counter], history: tuple, symbol: int, kind: str) -> float:
    """p of a symbol after a history of fewer symbols than the order, by recursion."""
    n = len(history) + 1
    lower = by_hand(found, history[1:], symbol, kind) if history else 1 / VOCABULARY.n_outcomes
    own = {gram: c for gram, c in found[n].items() if gram[:-1] == history}
    if not own:
        return lower
    total = sum(own.values())
    left = sum(min(discount(found[n], c, kind), c) for c in own.values())
    c = own.get((*history, symbol), 0)
    return max(c - discount(found[n], c, kind), 0) / total + left / total * lower


@pytest.mark.parametrize("kind", DISCOUNTS)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_probabilities_are_those_of_the_formula(order, kind):
    model, found = Ngrams.fit(sequences(), VOCABULARY, order, kind), counted(order)
    for units in (np.array([0, 1, 2, 4, 5]), np.array([5, 5, 1]), np.array([], np.int32)):
        row = (VOCABULARY.bos, *units.tolist(), VOCABULARY.eos)
        wanted = [by_hand(found, row[max(0, at - order + 1) : at], row[at], kind) for at in range(1, len(row))]
        np.testing.assert_allclose(model.probabilities(units), wanted, rtol=1e-12)


def test_probabilities_sum_to_one_after_any_history():
    model = Ngrams.fit(sequences(), VOCABULARY, 4, THREE)
    for history in itertools.product(range(N_UNITS), repeat=2):
        p = model.distribution([VOCABULARY.bos, *history])
        assert p.sum() == pytest.approx(1, abs=1e-12)
        assert p.min() > 0
        ends = [model.probabilities(np.array([*history, unit]))[2] for unit in range(N_UNITS)]
        np.testing.assert_allclose(ends, p[:N_UNITS], rtol=1e-12)


def test_all_sequences_of_a_length_and_shorter_have_the_rest():
    """p of all sequences up to a length, and of the beginnings of all longer ones, is 1."""
    model = Ngrams.fit(sequences(), VOCABULARY, 3, ONE)
    total = 0.0
    for length in range(4):
        for units in itertools.product(range(N_UNITS), repeat=length):
            p = model.probabilities(np.array(units, np.int32))
            total += float(np.prod(p) if length < 3 else np.prod(p[:-1]))
    assert total == pytest.approx(1, abs=1e-12)
