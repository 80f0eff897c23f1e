"""Labelled texts without end: descriptions of voices in many wordings, with what each of them says.

They teach a reader of texts, and need no voices. A text says any subset of the attributes, also none.

    texts = paraphrases({"gender": ("female", "male"), "pitch": ("high", "low", "medium")}, seed=0)
    next(texts)  # LabelledText("A woman with a deep voice.", {"gender": {"female": 1.0}, "pitch": {"low": 1.0}})
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from steps.text.grammar import Grammar


class LabelledText(NamedTuple):
    """A text and what it says.

    Attributes:
        text: one line.
        said: attribute -> value -> weight; the weights of an attribute sum to 1, and values that are denied have
            weight 0. An attribute that is not here is unsaid.
    """

    text: str
    said: dict[str, dict[str, float]]


def paraphrases(attributes: Mapping[str, Sequence[str]], seed: int) -> Iterator[LabelledText]:
    """Yield labelled texts without end; single texts may come again.

    Args:
        attributes: attribute -> its values, of any names.
        seed: with the attributes it decides the texts and their order.
    """
    rng = random.Random(f"{seed} {sorted(attributes)}")
    grammar = Grammar()
    while True:
        names = [attribute for attribute in attributes if rng.random() < 0.7]
        values = {attribute: rng.choice(list(attributes[attribute])) for attribute in names}
        text = next(grammar.variants(values, rng.getrandbits(32)))
        yield LabelledText(text, {attribute: {value: 1.0} for attribute, value in values.items()})
