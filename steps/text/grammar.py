"""The offline paraphraser: natural English texts that describe a voice, in many registers.

`registers.yaml` has the ways of writing, from sentences and orders to key words and tables; `phrases.yaml` and
`mentions.yaml` what is said. A text says all that it is asked to say, in an order, wording and construction drawn by a
seeded generator.

    texts = Grammar().variants({"gender": "female", "pitch": "low", "speaking_rate": "slow"}, seed=0)
    ten = list(itertools.islice(texts, 10))
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from steps.text.check import normalise
from steps.text.phrasebook import FORMS, PEOPLE, Dealer, Saying, phrasebook
from steps.text.typos import mistype
from utils.yaml_files import read_yaml

REGISTERS = Path(__file__).with_name("registers.yaml")
PATIENCE = 300  # texts drawn in a row without a new one, after which the inventory counts as exhausted
MOST = {"adjective": 3, "epithet": 2}  # phrases of a form side by side
_LAST = re.compile(r"^(but|not|anything but) |, not ")  # phrases that end an enumeration
TRIES = 12  # templates of a register, before another register is tried

# Shares of the texts of `variants`.
MENTIONS = (0.7, 0.25, 0.05)  # that mention 0, 1 and 2 things beside the attributes
MANNERS = {"said": 0.9, "idiom": 0.05, "contrast": 0.05}  # of saying a value
TYPOS = 0.04
CARELESS = 0.1  # of sentences without a capital or a stop, of lists in capitals
SAID_MANNERS = ("said", "contrast")  # of a gender, after which pronouns follow it
BY_NOUN = 0.9  # of the templates with a person whose noun says the gender


class Template(NamedTuple):
    """One construction.

    Attributes:
        text: with slots; of a list, what is around its {items}.
        forms: the places for what is said; of a list, the forms of each item.
        item, join: of a list, what stands for each saying, and between them; "" where it is no list.
        noun, pronoun: does it name the person by a noun, by a pronoun?
    """

    text: str
    forms: tuple[str, ...]
    item: str = ""
    join: str = ""
    noun: bool = False
    pronoun: bool = False


class Register(NamedTuple):
    """A way of writing: its shares of all texts and of full descriptions, its style, its templates."""

    name: str
    share: float
    share_full: float
    style: str
    templates: list[Template]


class Grammar:
    """The inventory of phrases and templates, and the texts that it makes."""

    def __init__(self):
        self.phrases = phrasebook()
        self.registers, self.words = _registers()

    def describe(self, values: Mapping[str, str]) -> str:
        """Name a group briefly, for a prompt: "woman, low pitch, slow speaking rate"."""
        person, _ = self._split([Saying(*item) for item in values.items()])
        known = {saying.attribute for saying in person}
        names = [self.phrases.name(*item) for item in values.items() if item[0] not in known]
        return ", ".join([self._person(person)["nouns"][0], *names])

    def variants(self, values: Mapping[str, str], seed: int) -> Iterator[str]:
        """Yield distinct texts that say all values of one group, until the inventory is exhausted.

        Args:
            values: attribute -> value of the group, e.g. {"gender": "female", "pitch": "low"}.
            seed: with the values it decides the texts and their order.
        """
        dealer = Dealer(f"{seed} {' '.join(f'{key}={value}' for key, value in sorted(values.items()))}")
        topics = [topic for topic in self.phrases.topics(values) if topic[0] not in PEOPLE]
        seen: set[str] = set()
        misses = 0
        while misses < PATIENCE:
            sayings = [self._full_saying(attribute, value, dealer) for attribute, value in values.items()]
            number = dealer.rng.choices(range(len(MENTIONS)), MENTIONS)[0]
            text = self.text([*sayings, *self.mentions(topics, number, dealer)], dealer, full=True)
            if dealer.rng.random() < TYPOS:
                text = mistype(text, dealer.rng)
            misses = misses + 1 if normalise(text) in seen else 0
            if not misses:
                seen.add(normalise(text))
                yield text

    def mentions(self, topics: Sequence[tuple[str, str]], number: int, dealer: Dealer) -> list[Saying]:
        """Sayings of up to `number` different topics."""
        chosen = dict(dealer.rng.sample(topics, min(number, len(topics))))
        return [Saying(*topic) for topic in chosen.items()]

    def text(self, sayings: Sequence[Saying], dealer: Dealer, full: bool = False) -> str:
        """A text that says all of `sayings` and nothing else.

        Args:
            full: choose registers as for full descriptions of groups.
        """
        while True:
            register = self._register(bool(sayings), dealer, full)
            for _ in range(TRIES):
                template = dealer.card(register.name, register.templates)
                text = self._fill(template, sayings, dealer)
                if text is not None:
                    return _styled(text, register.style, dealer)

    def _register(self, anything: bool, dealer: Dealer, full: bool) -> Register:
        """A register for texts that say something, or nothing."""
        if not anything:
            return next(register for register in self.registers if register.name == "nothing")
        some = [register for register in self.registers if register.name != "nothing"]
        return dealer.rng.choices(some, [register.share_full if full else register.share for register in some])[0]

    def _full_saying(self, attribute: str, value: str, dealer: Dealer) -> Saying:
        """Say a value beyond doubt, in one of the MANNERS that its phrases allow."""
        saying = Saying(attribute, value, dealer.rng.choices(list(MANNERS), list(MANNERS.values()))[0])
        return saying if self.phrases.allows(saying) else Saying(attribute, value)

    def _split(self, sayings: Sequence[Saying]) -> tuple[list[Saying], list[Saying]]:
        """Split sayings into those that a noun can say (gender and age) and the others."""
        people = self.phrases.people
        known = {"age": people, "gender": people["any"]}
        nouns = [
            saying
            for saying in sayings
            if saying.manner == "said" and saying.value != "any" and saying.value in known.get(saying.attribute, ())
        ]
        return nouns, [saying for saying in sayings if saying not in nouns]

    def _person(self, nouns: Sequence[Saying]) -> dict[str, list[str]]:
        said = {saying.attribute: saying.value for saying in nouns}
        return self.phrases.people[said.get("age", "any")][said.get("gender", "any")]

    def _gender(self, sayings: Sequence[Saying]) -> str:
        """The gender that decides the pronouns: the one that is said."""
        said = {saying.value for saying in sayings if saying.attribute == "gender" and saying.manner in SAID_MANNERS}
        return next(iter(said & set(self.phrases.pronouns)), "any")

    def _fill(self, template: Template, sayings: Sequence[Saying], dealer: Dealer) -> str | None:
        """Fill a template; None where what is to be said does not fit into it."""
        if template.item:
            return self._list(template, sayings, dealer)
        nouns, others = self._split(sayings)
        only_gender = [saying.attribute for saying in nouns] == ["gender"]
        by_noun = template.noun and dealer.rng.random() < BY_NOUN
        if not (by_noun or template.pronoun and only_gender and not template.noun):
            nouns, others = [], list(sayings)
        shares = self._share(others, template.forms, dealer)
        if shares is None:
            return None
        gender = self._gender(sayings)
        said = {
            form: _join([self.phrases.phrase(saying, form, dealer, gender) for saying in share], form, dealer)
            for form, share in shares.items()
        }
        person = self._person(nouns)

        def slot(name: str) -> str:
            if name in said:
                return said[name]
            if name == "a":
                return "a"
            if name in ("person", "voice"):
                cards = person["nouns" if name == "person" else "voices"]
                return dealer.expand(dealer.card((name, *cards[:1]), cards), lambda _: "")
            if name in self.words:
                return dealer.expand(dealer.card(name, self.words[name]), slot)
            return self.phrases.word(name, dealer, gender)

        return dealer.expand(template.text, slot)

    def _list(self, template: Template, sayings: Sequence[Saying], dealer: Dealer) -> str | None:
        """Fill a list: key words, a row of a table, fields."""
        if not sayings or any(not set(template.forms) <= self.phrases.forms(saying) for saying in sayings):
            return None
        order = dealer.rng.sample(sayings, len(sayings)) if dealer.rng.random() < 0.5 else sayings
        items = []
        for saying in order:
            words = {form: self.phrases.phrase(saying, form, dealer, self._gender(sayings)) for form in template.forms}
            words["key"] = self.phrases.key(saying, dealer) if "{key}" in template.item else ""
            items.append(dealer.expand(template.item, words.__getitem__))
        return dealer.expand(template.text, lambda _: template.join.join(items))

    def _share(self, sayings: Sequence[Saying], forms: Sequence[str], dealer: Dealer) -> dict[str, list[Saying]] | None:
        """Share sayings out among the places of a template, one at least for each; None where that cannot be."""
        if len(sayings) < len(forms) or (sayings and not forms):
            return None
        shares: dict[str, list[Saying]] = {form: [] for form in forms}
        possible = {saying: self.phrases.forms(saying) for saying in sayings}
        left = dealer.rng.sample(sayings, len(sayings))
        for form in forms:  # one for each place first
            first = next((saying for saying in left if form in possible[saying]), None)
            if first is None:
                return None
            shares[form].append(first)
            left.remove(first)
        for saying in left:
            open_forms = [f for f in forms if f in possible[saying] and len(shares[f]) < MOST.get(f, len(sayings))]
            if not open_forms:
                return None
            shares[dealer.rng.choice(open_forms)].append(saying)
        return shares


@cache
def _registers() -> tuple[list[Register], dict[str, list[str]]]:
    """The registers and the free words of `registers.yaml`, read once."""
    content = read_yaml(REGISTERS)
    registers = [
        Register(
            row["name"],
            row["share"],
            row.get("share_full", 0),
            row["style"],
            [_template(template) for template in row["templates"]],
        )
        for row in content["registers"]
    ]
    return registers, content["words"]


def _template(source: str | Mapping[str, str]) -> Template:
    """A template of `registers.yaml`."""
    if not isinstance(source, str):
        forms = tuple(form for form in FORMS if f"{{{form}}}" in source["item"])
        return Template(source.get("whole", "{items}"), forms, source["item"], source["join"])
    forms = tuple(form for form in FORMS if f"{{{form}}}" in source)
    noun, pronoun = "{person}" in source or "{voice}" in source, "{the" in source or "{this_person}" in source
    return Template(source, forms, noun=noun, pronoun=pronoun)


def _join(said: Sequence[str], form: str, dealer: Dealer) -> str:
    """Join phrases: "a, b and c"; adjectives by commas; adverbials short before long ("slowly and in a deep voice")."""
    if form in ("adjective", "epithet"):
        return ", ".join(said)
    ordered = sorted(said, key=lambda phrase: (bool(_LAST.search(phrase)), form == "how" and len(phrase.split())))
    *most, last = ordered
    if not most:
        return last
    if last.startswith("but "):
        link = last if not most[-1].startswith("but ") else f"and {last.removeprefix('but ')}"
    else:
        link = f"{dealer.rng.choice(('and', 'and', 'and', 'and', 'but'))} {last}"
    comma = "," if len(most) > 1 and dealer.rng.random() < 0.5 else ""
    return f"{', '.join(most)}{comma} {link}"


def _styled(text: str, style: str, dealer: Dealer) -> str:
    """Give a text the articles, capitals and stops of its register; now and then somebody is careless."""
    text = re.sub(r"\b([Aa]) (?=[aeioAEIO](?!ne\b)|[uU](?!ni[^nm]|se|su))", r"\1n ", text)
    text = re.sub(r" +(?=[,.;?!]( |$))", "", re.sub("  +", " ", text)).strip()
    careless = dealer.rng.random() < CARELESS
    if style == "lower":
        return text.lower()
    if style == "raw":
        return dealer.rng.choice((text.upper(), text.title())) if careless else text
    text = re.sub(r"(^|[.?!] +)([a-z])", lambda match: match[1] + match[2].upper(), text)
    if careless:
        return dealer.rng.choice((text.rstrip("."), text.lower(), text.lower().rstrip(".")))
    return text
