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


@pytest.mark.field_case("Paths of a Mac or of Windows in a table")
@pytest.mark.parametrize(
    ("path", "key", "rule"),
    [
        ("Mu\u0308ller/e\u0301t\u00e9.wav", "M\u00fcller/\u00e9t\u00e9.wav", "slashes and letters"),
        ("M\u00fcller/1.wav", "Mu\u0308ller/1.flac", "without extension"),
        ("a\\b\\c.wav", "a/b/c.wav", "slashes and letters"),
        ("D:\\corpus\\b\\c.wav", "b/c.wav", "file name"),
        (".\\a\\c.wav", "a/c.wav", "slashes and letters"),
        ("./a//c.wav", "a/c.wav", "slashes and letters"),
        ("C:\\x\\a\\e\u0301.WAV", "a-\u00e9", "last two parts by dashes"),
        ("Anna\\One.WAV", "anna/one.wav", "without case"),
    ],
)
def test_spellings_of_other_systems(path, key, rule):
    match = KeyMatcher([key, "unused"]).match([path])
    assert (match.rule, match.keys) == (rule, [key])


def test_letters_that_differ_do_not_match():
    assert KeyMatcher(["M\u00fcller.wav", "Muller.wav"]).match(["Mu\u0308ller.wav"]).keys == ["M\u00fcller.wav"]
    match = KeyMatcher(["Anna/1.wav", "anna/1.wav"]).match(["ANNA/1.wav"])
    assert match.keys == [None] and match.hits["without case"] is None


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
