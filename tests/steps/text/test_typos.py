"""Errors of typing."""

import difflib
import random

import pytest

from steps.text.typos import REAL, mistype

TEXT = "A woman with a deep voice speaks at a slow and leisurely pace."


def test_an_error_is_small():
    for seed in range(200):
        wrong = mistype(TEXT, random.Random(seed))
        assert abs(len(wrong) - len(TEXT)) <= 2
        assert difflib.SequenceMatcher(None, TEXT, wrong).ratio() > 0.93
        assert [word[0] for word in wrong.split()] == [word[0] for word in TEXT.split()]
        assert not set(wrong.split()) - set(TEXT.split()) & REAL


def test_the_seed_decides():
    assert mistype(TEXT, random.Random(3)) == mistype(TEXT, random.Random(3))
    assert len({mistype(TEXT, random.Random(seed)) for seed in range(50)}) > 30


@pytest.mark.parametrize("text", ["", "a b c", "low / f", "声が高い", "24 44", "{has}"])
def test_short_words_stay(text):
    assert mistype(text, random.Random(0)) == text
