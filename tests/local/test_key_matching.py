"""Key matching: spellings of one path meet, and a rule that would make two of them one is not used."""

import pytest

from local.key_matching import KeyMatcher


@pytest.mark.parametrize(
    ("path", "key", "rule"),
    [
        ("a/b/c.wav", "a/b/c.wav", "exact"),
        ("a/b/c.wav", "a/b/c", "without extension"),
        ("a/b/c", "a/b/c.flac", "without extension"),
        ("a/b/c.wav", "/other/c.wav", "file name"),
        ("a/b/c.wav", "z/c", "stem"),
        ("a/c_voicefixer.wav", "c", "restored stem"),
        ("a/b/c.wav", "a-b-c", "slashes as dashes"),
        ("a/b/c.wav", "a_b_c", "slashes as underscores"),
        ("x/y/b/c.wav", "b-c", "last two parts by dashes"),
        ("x/y/a/b/c.wav", "a-b-c", "last three parts by dashes"),
    ],
)
def test_spellings(path, key, rule):
    match = KeyMatcher([key, "unused"]).match([path])
    assert (match.rule, match.keys, match.n_found) == (rule, [key], 1)


def test_the_rule_with_most_rows_wins_and_all_are_reported():
    match = KeyMatcher(["a/1.wav", "a/2", "b/3"]).match(["a/1.wav", "a/2.wav", "a/3.wav", "a/4.wav"])
    assert match.rule == "file name" or match.hits["stem"] == 3
    assert match.keys == ["a/1.wav", "a/2", "b/3", None]
    assert match.hits["exact"] == 1 and match.hits["without extension"] == 2


def test_rules_that_are_not_injective_are_not_used():
    paths = ["id1/x/00001.wav", "id2/x/00001.wav"]
    match = KeyMatcher(["00001", "id1-x-00001"]).match(paths)
    assert match.hits["stem"] is None
    assert match.keys == ["id1-x-00001", None]
    match = KeyMatcher(["p/00001", "q/00001"]).match(paths[:1])
    assert match.hits["stem"] is None and match.n_found == 0


def test_nothing_found():
    match = KeyMatcher(["a"]).match(["b", "c"])
    assert match.keys == [None, None] and set(match.hits.values()) == {0}
