"""The phrases of the offline paraphraser: what is said of one attribute of a voice, in which manner and which form.

Reads `phrases.yaml`, `people.yaml`, `manners.yaml` and `mentions.yaml`. A phrase is drawn by a seeded generator, from
shuffled decks, so that a handful of texts already shows the breadth of the inventory. Attributes that the inventory
does not have are said by generic phrases ("an accent that is welsh").
"""

import random
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from utils.yaml_files import read_yaml

PHRASES = Path(__file__).with_name("phrases.yaml")
PERSONS = Path(__file__).with_name("people.yaml")
MANNERS = Path(__file__).with_name("manners.yaml")
MENTIONS = Path(__file__).with_name("mentions.yaml")
PEOPLE = ("gender", "age")  # attributes that a noun can say
FORMS = ("has", "bare", "how", "is", "adjective", "epithet", "does", "order", "slang", "tag", "word", "cell")
SPECIAL = ("idiom", "contrast")  # manners with phrases of their own
INTENSIFIED = 0.15  # of the phrases that take a degree
RAW_NAMES = 0.3  # of the keys and values of fields: as the tables of a corpus have them

_ALTERNATIVES = re.compile(r"\[([^\[\]|]*\|[^\[\]]*)\]")
_DENIAL = re.compile(r"\b(not|n't|neither|nothing)\b")
_SLOT = re.compile(r"\{(\w+)\}")


class Saying(NamedTuple):
    """What a text says of one attribute.

    Attributes:
        manner: `said`; `idiom`, said by a figure of speech; `contrast`, said and the opposite denied; `slight`, said
            slightly; `denied`; `either`, `value` or `other`.
    """

    attribute: str
    value: str
    manner: str = "said"
    other: str = ""


class Dealer:
    """Seeded choices. No card of a deck comes again before all of its cards have come."""

    def __init__(self, seed: str):
        self.rng = random.Random(seed)
        self._decks: dict[object, list] = {}

    def card(self, deck: object, cards: Sequence):
        """The next card of the deck of that name, which holds `cards`."""
        if not self._decks.get(deck):
            self._decks[deck] = self.rng.sample(cards, len(cards))
        return self._decks[deck].pop()

    def expand(self, text: str, slot: Callable[[str], str]) -> str:
        """Choose among [the|alternatives] of a text, and put what `slot` returns, as it is, for each {slot}."""
        while "|" in text and (chosen := _ALTERNATIVES.sub(self._alternative, text)) != text:
            text = chosen
        return _SLOT.sub(lambda match: slot(match[1]), text)

    def _alternative(self, match: re.Match[str]) -> str:
        return self.rng.choice(match[1].split("|"))


class Trait(NamedTuple):
    """The phrases for one value of an attribute.

    Attributes:
        phrases: form -> phrases; keys: names of the attribute in fields.
        special: manner (idiom, contrast) -> form -> phrases.
        names: what stands for {attribute} and {value} in generic phrases.
    """

    phrases: Mapping[str, list[str]]
    special: Mapping[str, Mapping[str, list[str]]]
    keys: list[str]
    names: Mapping[str, str]


class Phrasebook:
    """The inventory of phrases.

    Attributes:
        people: age -> gender -> nouns and voices.
    """

    def __init__(self):
        phrases, persons, manners = read_yaml(PHRASES), read_yaml(PERSONS), read_yaml(MANNERS)
        self.people, self.pronouns, self.scales = persons["people"], persons["pronouns"], manners["scales"]
        self._traits, self._generic, self._mentions = phrases["traits"], phrases["generic"], read_yaml(MENTIONS)
        self._degrees, self._compound = manners["degrees"], manners["compound"]
        self._known: dict[tuple[str, str], Trait] = {}

    def topics(self, attributes: Collection[str]) -> list[tuple[str, str]]:
        """(Topic, value) of all that may be mentioned of voices whose `attributes` are spoken of."""
        asked = set(attributes)
        known = [(topic, value) for topic, rows in self._traits.items() for value in rows if value != "keys"]
        beside = [
            (topic, value)
            for topic, rows in self._mentions.items()
            if not asked & {topic, *rows["names"]}
            for value in rows["values"]
        ]
        return [(topic, value) for topic, value in known if topic not in asked] + beside

    def trait(self, attribute: str, value: str) -> Trait:
        """The phrases for one value of an attribute, of any name."""
        if (attribute, value) not in self._known:
            self._known[attribute, value] = self._find(attribute, value)
        return self._known[attribute, value]

    def _find(self, attribute: str, value: str) -> Trait:
        rows = self._traits.get(attribute)
        if rows and value in rows and value != "keys":
            phrases, keys = rows[value], rows["keys"]
        else:
            topics = (rows for topic, rows in self._mentions.items() if attribute in {topic, *rows["names"]})
            known = ((rows["values"] | rows.get("own", {}), rows["keys"]) for rows in topics)
            of_values, keys = next((pair for pair in known if value in pair[0]), ({}, self._generic["keys"]))
            phrases = of_values.get(value, self._generic)
        names = {"attribute": re.sub(r"[_-]", " ", attribute), "value": re.sub(r"[_-]", " ", value)}
        forms = {form: phrases[form] for form in FORMS if form in phrases}
        special = {manner: phrases[manner] for manner in SPECIAL if manner in phrases}
        if "idiom" in special:
            special["idiom"] = special["idiom"] | {"tag": [*special["idiom"]["has"], *special["idiom"]["how"]]}
        return Trait({"word": forms["tag"]} | forms, special, keys, names)

    def name(self, attribute: str, value: str) -> str:
        """A value in a prompt: "low pitch"."""
        trait = self.trait(attribute, value)
        rows = self._traits.get(attribute, {}).get(value)
        return rows["name"] if rows else self._generic["name"].format(**trait.names)

    def forms(self, saying: Saying) -> set[str]:
        """The forms in which a saying can be phrased."""
        phrases = self.trait(saying.attribute, saying.value).phrases
        if saying.manner == "said":
            return set(phrases)
        if saying.manner in SPECIAL:
            return set(self.trait(saying.attribute, saying.value).special.get(saying.manner, ()))
        if saying.manner in ("slight", "denied"):
            slot = {"slight": "{very}", "denied": "{not}"}[saying.manner]
            fitting = {form for form, lines in phrases.items() if any(slot in line for line in lines)}
            patterns = self._compound["denied"] if saying.manner == "denied" else {}
            return fitting | {
                form for form, lines in patterns.items() if set(_SLOT.findall("".join(lines))) <= set(phrases)
            } - {"not"}
        other = self.trait(saying.attribute, saying.other).phrases
        return set(self._compound[saying.manner]) & set(phrases) & set(other)

    def allows(self, saying: Saying) -> bool:
        """Are there phrases of a saying? One of them is a key word then, so that lists can have it beside any other."""
        return "tag" in self.forms(saying)

    def phrase(self, saying: Saying, form: str, dealer: Dealer, gender: str = "any") -> str:
        """Draw a phrase of a saying; `gender` decides its pronouns."""
        attribute, value, manner, other = saying
        trait = self.trait(attribute, value)
        if manner == "said":
            return self._plain(saying, form, dealer, gender)
        if manner in SPECIAL:
            line = dealer.card((attribute, value, form, manner), trait.special[manner][form])
            return dealer.expand(line, lambda slot: self.word(slot, dealer, gender))
        if manner in ("slight", "denied"):
            slot = {"slight": "{very}", "denied": "{not}"}[manner]
            lines = [line for line in trait.phrases.get(form, ()) if slot in line]
            if lines:
                return self._fill(dealer.card((attribute, value, form, manner), lines), trait, dealer, gender, manner)
            pattern = dealer.card((manner, form), self._compound[manner][form])
            return dealer.expand(pattern, lambda inner: self._simple(saying, inner, dealer, gender))
        pattern = dealer.card((manner, form), self._compound[manner][form])
        pair = {"one": Saying(attribute, value), "two": Saying(attribute, other)}
        return dealer.expand(pattern, lambda slot: self._simple(pair[slot], form, dealer, gender))

    def key(self, saying: Saying, dealer: Dealer) -> str:
        """A name of the attribute, for fields."""
        trait = self.trait(saying.attribute, saying.value)
        if dealer.rng.random() < RAW_NAMES:
            return saying.attribute
        return self._fill(dealer.card((saying.attribute, "key"), trait.keys), trait, dealer, "any")

    def word(self, slot: str, dealer: Dealer, gender: str) -> str:
        """A pronoun of a person, or nothing for a slot that nothing fills."""
        pronouns = self.pronouns[gender]
        return dealer.expand(pronouns[slot], lambda _: "") if slot in pronouns else ""

    def _plain(self, saying: Saying, form: str, dealer: Dealer, gender: str) -> str:
        attribute, value = saying.attribute, saying.value
        trait = self.trait(attribute, value)
        if form == "cell" and attribute not in self._mentions and dealer.rng.random() < RAW_NAMES:
            return value
        return self._fill(dealer.card((attribute, value, form), trait.phrases[form]), trait, dealer, gender)

    def _simple(self, saying: Saying, form: str, dealer: Dealer, gender: str) -> str:
        """A phrase without a denial of its own, to be denied or joined to another."""
        trait = self.trait(saying.attribute, saying.value)
        lines = [line for line in trait.phrases[form] if not _DENIAL.search(line)]
        line = dealer.card((saying.attribute, saying.value, form, "simple"), lines)
        return self._fill(line, trait, dealer, gender, "simple")

    def _fill(self, line: str, trait: Trait, dealer: Dealer, gender: str, manner: str = "said") -> str:
        def slot(name: str) -> str:
            if name == "very":
                degree = {"slight": 1.0, "said": INTENSIFIED}.get(manner, 0.0)
                if dealer.rng.random() >= degree:
                    return ""
                return dealer.rng.choice(self._degrees["slight" if manner == "slight" else "strong"]) + " "
            if name == "not":
                return dealer.rng.choice(self._compound["denied"]["not"]) + " " if manner == "denied" else ""
            return trait.names.get(name) or self.word(name, dealer, gender)

        return dealer.expand(line, slot)


@cache
def phrasebook() -> Phrasebook:
    """The installed inventory, read once."""
    return Phrasebook()
