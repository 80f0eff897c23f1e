"""The words of --set: what is split comes out as it went in, and what cannot be split is told."""

import pytest

from utils.errors import InputError
from utils.key_values import join, main, split

VALUES = (
    *("", " ", "7", "a b  c", "a=b", "a,b", ",", '"', "'", '"a"', "it's", "'a", "\\", '\\"', "a\\,", "$HOME", "`x`"),
    *("$(touch x)", "JOB", "é 🎤", "two\nlines", '{"a": [1, 2]}', "--set", "#", 'a"b', "\\'"),
)


@pytest.mark.parametrize("value", VALUES)
def test_every_value_comes_back(value):
    pairs = [("first", value), ("second.third", value), ("last", "3")]
    assert split(join(pairs)) == pairs


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        ("", []),
        ("a=1,b=2", [("a", "1"), ("b", "2")]),
        ("a=1, b=2 ,", [("a", "1"), ("b", "2 ")]),
        ("a=,b=", [("a", ""), ("b", "")]),
        ("n-samples=3", [("n_samples", "3")]),
        ("map=old=new", [("map", "old=new")]),
        ("a='x,y',b=\"p,q\" ,c=3", [("a", "x,y"), ("b", "p,q"), ("c", "3")]),
        ("a='say \"x\"'", [("a", 'say "x"')]),
        (r'a="say \"x\\y\" \n"', [("a", r"say " + '"x\\y"' + r" \n")]),
        ("a=it's,b=2", [("a", "it's"), ("b", "2")]),
        ("a=1,a=2", [("a", "1"), ("a", "2")]),
    ],
)
def test_the_rules(words, pairs):
    assert split(words) == pairs


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ('a="x', '--set a="x: the quote before the value of a is not closed after it'),
        ("a='x\"", "is not closed"),
        ('a="x\\"', "is not closed"),
        ('a="x"y,b=1', "is not closed after it"),
        ("hidden", "--set hidden: expected key=value, found 'hidden'"),
        ("=3", "expected key=value, found '=3'"),
        ("a b=3", "expected key=value, found 'a b=3'"),
        ("attributes=gender,pitch", "a value with a comma is quoted: --set 'attributes=\"gender,pitch\"'"),
    ],
)
def test_what_cannot_be_split_is_told(words, message):
    with pytest.raises(InputError) as error:
        split(words)
    assert message in str(error.value)


def test_one_text_is_put_over_another(capsys):
    assert main(["a=1,b=2", "", 'b="x,y",c=4']) == 0
    assert capsys.readouterr().out == 'a=1,b="x,y",c=4\n'
    assert main(["a"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
