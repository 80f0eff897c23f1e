"""The inventory of the offline paraphraser."""

import re

import pytest

from steps.text.grammar import REGISTERS, Grammar
from steps.text.phrasebook import FORMS, MANNERS, MENTIONS, PERSONS, PHRASES, Dealer, Saying, phrasebook
from tests.steps.conftest import VALUES
from utils.yaml_files import read_yaml

SLOT = re.compile(r"\{(\w+)\}")
BOOK = phrasebook()
TOPICS = [*[(name, value) for name, values in VALUES.items() for value in values], *BOOK.topics(VALUES)]


def lines(content, path=""):
    """(Where, line) of all texts in a tree."""
    if isinstance(content, str):
        yield path, content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from lines(value, f"{path}/{key}")
    elif isinstance(content, list):
        for value in content:
            yield from lines(value, path)


@pytest.mark.parametrize("path", [PHRASES, PERSONS, MANNERS, MENTIONS, REGISTERS], ids=lambda path: path.name)
def test_lines_are_well_formed(path):
    pronouns = set(BOOK.pronouns["any"])
    known = {*FORMS, *pronouns, *Grammar().words, "very", "not", "attribute", "value", "one", "two"}
    known |= {"a", "person", "voice", "items", "key", "tag", "cell"}
    for where, line in lines(read_yaml(path)):
        assert line == line.strip() or where.startswith("/words") or where.endswith("/join"), (where, line)
        assert line.count("[") == line.count("]") and line.count("{") == line.count("}"), (where, line)
        assert set(SLOT.findall(line)) <= known, (where, line)


def test_pronouns_are_the_same_for_all():
    assert len({frozenset(words) for words in BOOK.pronouns.values()}) == 1


@pytest.mark.parametrize("topic", TOPICS, ids="-".join)
def test_each_value_has_phrases_enough(topic):
    trait = BOOK.trait(*topic)
    asked = topic[0] in VALUES
    assert set(trait.phrases) >= ({*FORMS} - {"epithet"} if asked else {"tag", "word"})
    assert not asked or sum(map(len, trait.phrases.values())) >= 50
    assert trait.keys and len(set(trait.keys)) == len(trait.keys)
    for form, phrases in trait.phrases.items():
        assert len(set(phrases)) == len(phrases), form


def test_no_phrase_of_one_value_says_another():
    owner = {}
    for attribute, value in TOPICS:
        for form in ("tag", "has", "how", "does", "order"):
            for line in BOOK.trait(attribute, value).phrases.get(form, ()):
                assert owner.setdefault((form, line), (attribute, value)) == (attribute, value), line


@pytest.mark.parametrize("manner", ["said", "idiom", "contrast", "slight", "denied", "either"])
@pytest.mark.parametrize("value", ["low", "medium", "high"])
def test_phrases_of_each_manner(manner, value):
    saying = Saying("pitch", value, manner, "low" if value == "high" else "high")
    if (manner, value) in {("slight", "medium"), ("contrast", "medium")}:  # there is no "slightly medium"
        assert not BOOK.allows(saying)
        return
    assert BOOK.allows(saying)
    dealer = Dealer("0")
    for form in BOOK.forms(saying):
        for _ in range(20):
            phrase = BOOK.phrase(saying, form, dealer, "female")
            assert phrase and not re.search(r"[{}\[\]|]", phrase), (form, phrase)


def test_no_card_comes_again_before_the_deck_is_through():
    dealer = Dealer("0")
    assert sorted(dealer.card("deck", "abc") for _ in range(3)) == ["a", "b", "c"]


def test_what_fills_a_slot_stays_as_it_is():
    assert Dealer("0").expand("x {a} [y|y]", lambda _: "{b} [c|d]") == "x {b} [c|d] y"


def test_values_of_users_that_look_like_slots():
    for value in ("{has}", "[a|b]", "\\1", "|"):
        saying = Saying("accent", value)
        phrases = [BOOK.phrase(saying, form, Dealer("0")) for form in BOOK.forms(saying)]
        assert all(value in phrase for phrase in phrases)
