"""How messages show what they found."""

import pytest

from utils.errors import LONGEST, brief, cut


@pytest.mark.parametrize("value", ["7", 7, 0.5, None, True, ["a", 1], {"a": [1, 2]}, "it's", "two\nlines", ("x",)])
def test_what_is_short_is_shown_as_it_is(value):
    assert brief(value) == repr(value)


@pytest.mark.hostile("A value of a million characters, items or digits in a message")
@pytest.mark.parametrize("kind", ["word", "list", "digits", "bits", "mapping"])
def test_what_is_long_is_cut(kind):
    values = {"word": "x" * 10**6, "list": [["y"] * 10**6] * 10**3, "digits": 10**4000, "bits": 1 << 10**6}
    values["mapping"] = {n: n for n in range(10**5)}
    shown = brief(values[kind])
    assert len(shown) <= LONGEST and "\n" not in shown


def test_a_text_stays_on_one_line():
    assert cut("it's é") == "it's é"
    assert cut("a\nb\x7f\udcff\u2028") == r"a\nb\x7f\udcff\u2028"
    assert len(cut("\n" * 10**6)) == LONGEST
