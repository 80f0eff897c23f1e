"""Labelled texts without end: descriptions of voices in many wordings, with what each of them says.

They teach a reader of texts, and need no voices. A text says any subset of the attributes, also none: plainly, by a
figure of speech, slightly, or by denial. What it mentions beside them (loudness, mood, accent, ...) means nothing.

    texts = paraphrases({"gender": ("female", "male"), "pitch": ("high", "low", "medium")}, seed=0)
    next(texts)  # LabelledText("A woman with a deep voice.", {"gender": {"female": 1.0}, "pitch": {"low": 1.0}})
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from steps.text.grammar import Grammar
from steps.text.phrasebook import SPECIAL, Dealer, Phrasebook, Saying
from steps.text.typos import mistype

SAID = 0.65  # of the attributes, in a text that says any
NOTHING = 0.06  # of the texts say nothing of the attributes
MENTIONS = (0.5, 0.3, 0.15, 0.05)  # shares of the texts that mention 0, 1, 2 and 3 things beside the attributes
MANNERS = {
    "said": 0.74,
    "idiom": 0.09,
    "denied": 0.08,
    "slight": 0.04,
    "contrast": 0.03,
    "either": 0.02,
}  # of saying a value
SLIGHT = 0.75  # weight of a value that is said slightly; the middle of the scale has the rest
TYPOS = 0.1  # of the texts


class LabelledText(NamedTuple):
    """A text and what it says.

    Attributes:
        text: one line.
        said: attribute -> value -> weight; the weights of an attribute sum to 1, and a value that is denied has
            weight 0. An attribute that is not here is unsaid.
        sayings: how the text says it, and what it mentions beside.
        mistyped: there may be an error of typing in it.
    """

    text: str
    said: dict[str, dict[str, float]]
    sayings: tuple[Saying, ...] = ()
    mistyped: bool = False


def paraphrases(attributes: Mapping[str, Sequence[str]], seed: int) -> Iterator[LabelledText]:
    """Yield labelled texts without end, balanced over values, subsets of attributes and registers; a short one may come
    again.

    Args:
        attributes: attribute -> its values, of any names.
        seed: with the attributes it decides the texts and their order.
    """
    grammar, dealer = Grammar(), Dealer(f"{seed} {[(name, *values) for name, values in attributes.items()]}")
    topics = grammar.phrases.topics(attributes)
    while True:
        sayings = _sayings(attributes, grammar.phrases, dealer)
        number = dealer.rng.choices(range(len(MENTIONS)), MENTIONS)[0]
        spoken = (*sayings, *grammar.mentions(topics, number, dealer))
        text = grammar.text(spoken, dealer)
        mistyped = dealer.rng.random() < TYPOS
        said = {saying.attribute: weights(saying, attributes[saying.attribute]) for saying in sayings}
        yield LabelledText(mistype(text, dealer.rng) if mistyped else text, said, spoken, mistyped)


def weights(saying: Saying, values: Sequence[str]) -> dict[str, float]:
    """Value -> weight of what a saying says, of the `values` of its attribute."""
    _, value, manner, other = saying
    if manner == "denied":
        others = [name for name in values if name != value]
        return {value: 0.0} | dict.fromkeys(others, 1 / len(others))
    if manner == "slight":
        return {value: SLIGHT, other: 1 - SLIGHT}
    if manner == "either":
        return {value: 0.5, other: 0.5}
    return {value: 1.0}


def _sayings(attributes: Mapping[str, Sequence[str]], phrases: Phrasebook, dealer: Dealer) -> list[Saying]:
    """What the next text says: a subset of the attributes, a value and a manner of each."""
    if dealer.rng.random() < NOTHING:
        return []
    names = [name for name in attributes if dealer.rng.random() < SAID] or [dealer.rng.choice(list(attributes))]
    return [_saying(name, attributes[name], phrases, dealer) for name in names]


def _saying(attribute: str, values: Sequence[str], phrases: Phrasebook, dealer: Dealer) -> Saying:
    """A value, and a manner that its phrases allow."""
    value = dealer.card((attribute, "values"), values)
    manner = dealer.rng.choices(list(MANNERS), list(MANNERS.values()))[0]
    others = [name for name in values if name != value]
    other = ""
    if manner == "slight":
        scale = phrases.scales.get(attribute, [])
        middle = scale[len(scale) // 2] if value in scale else value
        other = middle if middle in others else ""
    elif others and not (manner == "either" and len(others) == 1):  # either of all values says nothing
        other = dealer.rng.choice(others)
    saying = Saying(attribute, value, manner, "" if manner in ("said", *SPECIAL) else other)
    possible = bool(other) or manner in SPECIAL
    return saying if possible and phrases.allows(saying) else Saying(attribute, value)
