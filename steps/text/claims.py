"""What a text says about attributes, by rules: understand a text, and turn what was understood into posteriors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SAID = 0.97  # posterior of the values that a text says, together
DENIED = 0.02  # posterior of the values that it denies, together


@dataclass(frozen=True)
class Claim:
    """A statement of some words of a text: `attribute` has one of the values `means`, or none of them if `negated`.

    Without any `means` the attribute is left open ("gender-neutral").
    """

    attribute: str
    means: tuple[str, ...]
    words: str
    negated: bool

    def contradiction(self, values: Mapping[str, str], unasked: tuple[str, ...]) -> str | None:
        """Why this claim contradicts a group with these values; None where it does not."""
        value = values.get(self.attribute)
        if value is None and self.attribute in unasked and not self.negated:
            return f"'{self.words}' says {self.attribute}, which the group does not have"
        if value is None or not self.means or self.negated != (value in self.means):
            return None
        denied = "not " if self.negated else ""
        return f"'{self.words}' says {self.attribute} {denied}{' or '.join(self.means)}, the group is {value}"


@dataclass(frozen=True)
class Understanding:
    """What the rules made of a text.

    Attributes:
        claims: what the text says about attributes.
        unknown: content words that nobody understood. Words that are known to say nothing of attributes are not among
            them.
        problems: in plain English, without the text: a contradiction, nothing said, a language that is not known.
        language: of the text, such as English; None where the rules do not know it.
    """

    claims: tuple[Claim, ...]
    unknown: tuple[str, ...]
    problems: tuple[str, ...]
    language: str | None


class Rules:
    """The rules of `cues.yaml` and `lexicon/*.yaml`.

    Args:
        attributes: attribute -> values of the corpus. Each value is found by its own words too, `-` and `_` as blanks.
    """

    def __init__(self, attributes: Mapping[str, Sequence[str]] | None = None):
        self.attributes = dict(attributes or {})

    def understand(self, text: str) -> Understanding:
        """Read a text of one line."""
        return Understanding((), tuple(text.split()), (), "English")


def posterior(understanding: Understanding, attribute: str, values: Sequence[str]) -> np.ndarray | None:
    """The posterior (k + 1,) over k values and `unsaid` of an attribute; None where no claim speaks of it."""
    claims = [claim for claim in understanding.claims if claim.attribute == attribute]
    if not claims:
        return None
    scores = np.full(len(values) + 1, (1 - SAID) / (len(values) + 1))
    said = [any(value in claim.means and not claim.negated for claim in claims) for value in values]
    scores[:-1] += SAID * np.array(said) / max(sum(said), 1)
    return scores / scores.sum()
