"""Texts that are no descriptions: refused or rejected with a reason, within a moment."""

import json

import pytest

from steps.data.groups import Grouping
from steps.text.augment import main
from steps.text.check import LONGEST, Checker, normalise, require_text, text_problem
from steps.text.grammar import Grammar
from steps.text.variants import Variants, read_variants_file
from tests.effort import at_most
from utils.errors import LONGEST as LONGEST_SHOWN
from utils.errors import InputError
from utils.tables import read_table, write_table

GROUP = {"gender": "female", "pitch": "low", "speaking_rate": "slow"}
LONG = {
    "minus signs": "-" * 60_000,
    "brackets": "[{[]}]" * 30_000,
    "cues": "slowly " * 30_000,
    "one word": "a" * 200_000,
    "nouns": "a deep voice " * 16_000,
    "negations": "not " * 50_000 + "deep voice",
    "degrees": "low " * 50_000 + "pitch",
}
NO_TEXTS = {
    "a half of a character": "A woman \ud800 speaks.",
    "an escape sequence": "A woman \x1b[2J speaks.",
    "a NUL": "A woman\0.",
    "a line separator": "A woman\u2028speaks.",
    "a next line": "A woman\x85speaks.",
}


@pytest.mark.hostile("Descriptions of 60,000 minus signs, 200 kB of words, or brackets in brackets")
@pytest.mark.parametrize("name", LONG)
def test_long_texts_cost_nothing(name):
    Checker()  # the first one reads the lexicon
    variants = Variants(Grouping(tuple(GROUP), {"u": "female_low_slow"}, 0))
    with at_most(1):
        assert not variants.offer("female_low_slow", LONG[name])
        assert f"characters, expected a sentence of at most {LONGEST}" in variants.rejected[0]["reason"]
        with pytest.raises(InputError, match="^--text: .* characters, expected a sentence") as caught:
            require_text(LONG[name], "--text")
    assert len(str(caught.value)) < LONGEST_SHOWN + 150


@pytest.mark.hostile("Descriptions of brackets and marks alone, and the longest that are checked")
@pytest.mark.parametrize("text", ["[{[]}]", "-", "'", "{a} {person}", "\\", "%s %(x)d", "$x^2$", *LONG.values()])
def test_any_text_of_a_length_is_checked_in_a_moment(text):
    checker, text = Checker(), text[:LONGEST]  # the first checker reads the lexicon
    with at_most(1):
        assert text_problem(text) is None
        checker.contradictions(text, GROUP)
        normalise(text)


@pytest.mark.hostile("Descriptions with control characters, line separators or halves of characters")
@pytest.mark.parametrize("name", NO_TEXTS)
def test_texts_that_are_none(tmp_path, name):
    variants = Variants(Grouping(tuple(GROUP), {"u": "female_low_slow"}, 0))
    assert not variants.offer("female_low_slow", NO_TEXTS[name])
    (tmp_path / "texts.json").write_text(json.dumps({"female_low_slow": [NO_TEXTS[name]]}))
    with pytest.raises(InputError, match=r"texts\.json: ") as caught:
        read_variants_file(tmp_path / "texts.json")
    assert str(caught.value).isprintable()


@pytest.mark.hostile("Captions of brackets, minus signs and 200 kB: used, or listed with the reason")
def test_captions(corpus, tmp_path):
    utterances = list(read_table(corpus / "utt2spk"))
    captions = dict.fromkeys(utterances, "Someone speaks.")
    captions |= dict(zip(utterances, [*LONG.values(), "[{[]}]", "- - -"], strict=False))
    write_table(corpus / "utt2caption", captions)
    options = {"data": corpus, "out": tmp_path / "texts", "vec_out": tmp_path / "vectors", "captions": "beside"}
    options |= {"variants_per_group": 2, "heldout_fraction": 0, "reader_texts": 0}
    with at_most(30):
        assert main([word for name, value in options.items() for word in (f"--{name}", str(value))]) == 0
    rows = [json.loads(line) for line in (tmp_path / "texts/rejected.jsonl").read_text().splitlines()]
    long = [row["utterance"] for row in rows if f"at most {LONGEST}" in row["reason"]]
    assert long == utterances[: len(LONG)]
    assert len(read_table(tmp_path / "texts/text2utt")) == len(utterances) - len(LONG)


@pytest.mark.hostile("Values of attributes that look like slots of the grammar, or are very long")
@pytest.mark.parametrize("value", ["{person}", "{a}", "{has}", "{", "$x$", "a" * 5000, "ä-ß", "\\1"])
def test_values_in_the_grammar(value):
    sentences = Grammar().variants(GROUP | {"accent": value}, seed=0)
    assert len({next(sentences) for _ in range(20)}) == 20
