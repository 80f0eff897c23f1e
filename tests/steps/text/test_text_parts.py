"""Parts of texts with unknown words."""

import pytest

from steps.text.text_parts import parts_of, unknown_parts, words_within


def test_parts():
    assert parts_of("A man with a voice like distant thunder, speaking fast.") == [
        *("A man", "a voice like distant thunder", "speaking fast")
    ]
    assert parts_of("female | high | fast") == ["female", "high", "fast"]
    assert parts_of("?!") == []


@pytest.mark.parametrize(
    ("unknown", "parts"),
    [
        ([], []),
        (["thunder"], ["a voice like Thunder"]),
        (["thunder", "lad"], ["A lad", "a voice like Thunder"]),
        (["elsewhere"], ["A lad with a voice like Thunder"]),
    ],
)
def test_parts_with_unknown_words(unknown, parts):
    assert unknown_parts("A lad with a voice like Thunder", unknown) == parts


def test_words_within_parts():
    assert words_within(["thunder", "lad"], "A lad like thunder", ["a lad"]) == ["lad"]
    assert words_within(["thundr"], "A lad like thunder", ["A lad like thunder"]) == ["thundr"]
    assert words_within(["thunder"], "A lad like thunder", []) == []
