"""Labelled texts for readers."""

import itertools

from steps.text.paraphrase import paraphrases
from tests.steps.conftest import VALUES


def take(number, attributes=VALUES, seed=0):
    return list(itertools.islice(paraphrases(attributes, seed), number))


def test_labels_are_distributions_over_values():
    for text, said in take(200):
        assert text and set(said) <= set(VALUES)
        for attribute, weights in said.items():
            assert set(weights) <= set(VALUES[attribute])
            assert abs(sum(weights.values()) - 1) < 1e-9 and min(weights.values()) >= 0


def test_the_seed_decides():
    assert take(20, seed=1) == take(20, seed=1) != take(20, seed=2)
