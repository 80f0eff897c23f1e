"""The offline paraphraser: natural English sentences that describe a group, from the phrase inventory in
`phrases.yaml`.

Each sentence names every attribute of its group, in an order, wording and construction drawn by a seeded generator.
Phrases and templates are dealt from shuffled decks, so that a handful of sentences already shows the breadth of the
inventory. Attributes that the inventory does not have are named by generic phrases ("an accent that is scottish").

    sentences = Grammar().variants({"gender": "female", "pitch": "low", "speaking_rate": "slow"}, seed=0)
    ten = list(itertools.islice(sentences, 10))
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from steps.text.check import normalise
from utils.yaml_files import read_yaml

PHRASES = Path(__file__).with_name("phrases.yaml")
FORMS = ("has", "how", "is", "adjective")  # the slots of a template for traits, and the forms of a trait's phrases
PATIENCE = 300  # sentences drawn in a row without a new one, after which the inventory counts as exhausted


class Decks:
    """Named shuffled decks: no card comes again before all cards of its deck have come."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.decks: dict[str, list[str]] = {}

    def draw(self, name: str, cards: Sequence[str]) -> str:
        """The next card of the deck `name`, which holds `cards`."""
        if not self.decks.get(name):
            self.decks[name] = self.rng.sample(cards, len(cards))
        return self.decks[name].pop()


class Grammar:
    """The phrase inventory and the sentences that it makes."""

    def __init__(self, phrases: Path = PHRASES):
        self.inventory = read_yaml(phrases)

    def describe(self, values: Mapping[str, str]) -> str:
        """Name a group briefly, for a prompt: "woman, low pitch, slow speaking rate"."""
        person, traits = self._split(values)
        names = [self._trait(attribute, value)["name"] for attribute, value in traits.items()]
        return ", ".join([self._person(person)["nouns"][0], *names])

    def variants(self, values: Mapping[str, str], seed: int) -> Iterator[str]:
        """Yield distinct sentences about one group until the inventory is exhausted.

        Args:
            values: attribute -> value of the group, e.g. {"gender": "female", "pitch": "low"}.
            seed: with the values it decides the sentences and their order.
        """
        person, traits = self._split(values)
        decks = Decks(random.Random(f"{seed} {' '.join(f'{key}={value}' for key, value in sorted(values.items()))}"))
        phrases = {attribute: self._trait(attribute, value) for attribute, value in traits.items()}
        templates = [template for template in self.inventory["templates"] if _fits(template, phrases)]
        seen: set[str] = set()
        misses = 0
        while misses < PATIENCE:
            sentence = self._sentence(
                decks, decks.draw("template", templates), self._person(person), phrases, person.get("gender", "any")
            )
            misses = misses + 1 if normalise(sentence) in seen else 0
            if not misses:
                seen.add(normalise(sentence))
                yield sentence

    def _split(self, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Split values into those of the noun (gender and age, where the inventory has them) and the traits."""
        people = self.inventory["people"]
        known = {"age": people, "gender": people["any"]}
        person = {key: value for key, value in values.items() if value != "any" and value in known.get(key, ())}
        return person, {key: value for key, value in values.items() if key not in person}

    def _person(self, person: Mapping[str, str]) -> dict[str, list[str]]:
        return self.inventory["people"][person.get("age", "any")][person.get("gender", "any")]

    def _trait(self, attribute: str, value: str) -> dict:
        """The phrases of one trait, by form."""
        known = self.inventory["traits"].get(attribute, {}).get(value)
        if known:
            return known
        words = {"{attribute}": re.sub(r"[_-]", " ", attribute), "{value}": re.sub(r"[_-]", " ", value)}
        generic = self.inventory["generic"]
        return {
            form: _replace(phrases, words) if form == "name" else [_replace(phrase, words) for phrase in phrases]
            for form, phrases in generic.items()
        }

    def _sentence(
        self, decks: Decks, template: str, person: Mapping, phrases: Mapping[str, Mapping], gender: str
    ) -> str:
        """Fill one template: share the traits out among its slots, then fill in the person and the free words."""
        slots = _slots(template)
        order = decks.rng.sample(sorted(phrases), len(phrases))
        shares = _share(order, slots, phrases, decks.rng)
        words = {"{a}": "a", "{person}": decks.draw("person", person["nouns"])}
        words |= {"{voice}": decks.draw("voice", person["voices"])} if "{voice}" in template else {}
        words |= {
            f"{{{word}}}": decks.draw(word, cards)
            for word, cards in self.inventory["words"].items()
            if f"{{{word}}}" in template
        }
        for form, attributes in zip(slots, shares, strict=True):
            said = [decks.draw(f"{attribute} {form}", phrases[attribute][form]) for attribute in attributes]
            words[f"{{{form}}}"] = _join(said, form)
        words |= {f"{{{slot}}}": word for slot, word in self.inventory["pronouns"][gender].items()}
        return _polish(_replace(template, words))


def _slots(template: str) -> list[str]:
    """The forms that a template has a slot for, in the order of FORMS."""
    return [form for form in FORMS if f"{{{form}}}" in template]


def _fits(template: str, phrases: Mapping[str, Mapping]) -> bool:
    """Can the template name all these traits? Each slot needs a trait, and each trait the forms of the slots."""
    slots = _slots(template)
    enough = len(phrases) >= len(slots) if phrases else not slots
    return (
        enough and (bool(slots) or not phrases) and all(form in trait for form in slots for trait in phrases.values())
    )


def _share(
    order: Sequence[str], slots: Sequence[str], phrases: Mapping[str, Mapping], rng: random.Random
) -> list[list[str]]:
    """Cut a list of attributes into as many non-empty runs as there are slots."""
    if not slots:
        return []
    cuts = sorted(rng.sample(range(1, len(order)), len(slots) - 1))
    return [list(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def _join(said: Sequence[str], form: str) -> str:
    """Join phrases: "a, b and c"; adjectives by commas; adverbials short before long ("slowly and in a deep voice")."""
    if form == "adjective":
        return ", ".join(said)
    if form == "how":
        said = sorted(said, key=lambda phrase: len(phrase.split()))
    return " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))


def _replace(text: str, words: Mapping[str, str]) -> str:
    """Put words for {slots}, also for the slots that come in with the words themselves."""
    for slot, word in words.items():
        text = text.replace(slot, word)
    return text


def _polish(sentence: str) -> str:
    """A capital at the start, and "an" before vowels."""
    sentence = re.sub(r"\b([Aa]) (?=[aeio](?!ne\b)|u(?!ni[^nm]|se))", r"\1n ", sentence)
    return sentence[0].upper() + sentence[1:]
