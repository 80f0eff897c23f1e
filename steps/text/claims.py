"""What a text says about attributes, by the rules of `cues.yaml` and `lexicon/`.

    understanding = TextRules().understand("a man, not fast, with a voice like distant thunder")
    posterior(understanding, "pitch", ("high", "low", "medium"))

A text is cut into items (items.py); words of degree find their nouns (degrees.py) and negations what they turn round
(scope.py). What is left are claims, and words that nobody understood.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from steps.text.degrees import bind_degrees
from steps.text.items import Piece, read_items
from steps.text.lexicon_files import ENGLISH, Book, read_books
from steps.text.scope import negate
from steps.text.words import split

SAID = 0.97  # posterior of the values that a text says, together
DENIED = 0.02  # posterior of the values that it denies, together


@dataclass(frozen=True)
class Claim:
    """A statement of some words of a text: `attribute` has one of the values `means`, or none of them if `negated`.

    Without any `means` the attribute is left open ("gender-neutral"). A `weak` claim yields to any other of its
    attribute: "masculine" of a woman.
    """

    attribute: str
    means: tuple[str, ...]
    words: str
    negated: bool
    weak: bool = False

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


class TextRules:
    """The rules of `cues.yaml` and `lexicon/*.yaml`.

    Args:
        attributes: attribute -> values of the corpus. Each value is found by its own words too, `-` and `_` as blanks.
    """

    def __init__(self, attributes: Mapping[str, Sequence[str]] | None = None):
        self.attributes = dict(attributes or {})
        self.books = read_books()
        self.known = {value for book in self.books.values() for value in book.said}

    def understand(self, text: str) -> Understanding:
        """Read a text of one line."""
        book = self.books[ENGLISH]
        items = read_items(book, split(text))
        claims = settle(claims_of(items, book))
        unknown = tuple(item.text for item in items if item.kinds == {"unknown"})
        return Understanding(claims, unknown, tuple(contradictions(claims)), book.language)


def claims_of(items: Sequence[Piece], book: Book) -> list[Claim]:
    """The claims of the items of a text, before those of different strength are compared."""
    _read_letters(items)
    found = bind_degrees(items, book.means, _is_list(items))
    negate(items)
    placed = [
        (position, _claim(items[position], attribute, means))
        for position, item in enumerate(items)
        for attribute, means in item.says
    ]
    for position, attribute, words in found:
        degree = items[position].degree
        key = attribute
        means = book.means[degree].get(key)
        placed.append((position, Claim(attribute, (means,), words, items[position].negators % 2 == 1)))
    placed.sort(key=lambda pair: pair[0])
    return _join_alternatives(items, placed)


def _claim(item: Piece, attribute: str, means: tuple[str, ...]) -> Claim:
    weak = attribute in item.weak or attribute == "gender" and bool(item.compared)
    return Claim(attribute, means, item.text, item.negators % 2 == 1, weak)


def _is_list(items: Sequence[Piece]) -> bool:
    """Is the text a bare list or table, without articles, verbs and pronouns?"""
    return not any(
        item.plays("{a}", "{speak}", "{be}", "{who}", "{their}", "stop")
        and not item.noun
        and item.text not in ("and", "with")
        for item in items
    )


def _read_letters(items: Sequence[Piece]) -> None:
    """Read the letters f, m and w of a table as genders."""
    letters = {"f": "female", "w": "female", "m": "male"}
    is_list = _is_list(items)
    for position, item in enumerate(items):
        keyed = any(one.noun == "gender" for one in items[max(position - 2, 0) : position])
        if item.text in letters and item.kinds == {"unknown"} and (is_list or keyed):
            item.says, item.kinds = (("gender", (letters[item.text],)),), {"says"}


def _join_alternatives(items: Sequence[Piece], placed: Sequence[tuple[int, Claim]]) -> list[Claim]:
    """Join claims of one attribute with "or" between them: "a low or medium pitch", "medium-high", "man or woman"."""
    joined: list[tuple[int, Claim]] = []
    for position, claim in placed:
        index = next((n for n in range(len(joined) - 1, -1, -1) if joined[n][1].attribute == claim.attribute), None)
        if index is not None and not claim.negated and not joined[index][1].negated:
            before, last = joined[index]
            if before < position and _are_alternatives(items, before, position):
                if _is_between(items, before):
                    means = {"pitch": ("medium",), "speaking_rate": ("measured",)}.get(claim.attribute, claim.means)
                else:
                    means = tuple(dict.fromkeys(last.means + claim.means))
                joined[index] = position, replace(last, means=means, words=f"{last.words} or {claim.words}")
                continue
        joined.append((position, claim))
    return [claim for _, claim in joined]


def _are_alternatives(items: Sequence[Piece], first: int, second: int) -> bool:
    """Do only words of joining stand between two items, or nothing but a hyphen?"""
    between = items[first + 1 : second]
    if not between:
        return bool(items[first].degree) and bool(items[second].degree) and items[second].glued
    joins = [item for item in between if item.text in ("or", "to", "/", "and", "through")]
    return (
        len(joins) == 1
        and (joins[0].text != "and" or _is_between(items, first))
        and all(item.plays("{very}", "{a}", "join") or item.noun for item in between)
    )


def _is_between(items: Sequence[Piece], position: int) -> bool:
    return any(item.text == "between" for item in items[max(position - 3, 0) : position])


def settle(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Drop weak claims beside others of their attribute, and claims that say the same."""
    strong = {claim.attribute for claim in claims if not claim.weak}
    kept = [claim for claim in claims if not claim.weak or claim.attribute not in strong]
    return tuple(dict.fromkeys(kept))


def contradictions(claims: Sequence[Claim]) -> list[str]:
    """In plain English, the claims of one attribute that exclude each other."""
    found = []
    for attribute in dict.fromkeys(claim.attribute for claim in claims):
        said = [claim for claim in claims if claim.attribute == attribute and claim.means]
        pair = next(((one, other) for n, one in enumerate(said) for other in said[:n] if _exclude(one, other)), None)
        if pair:
            found.append(f"'{pair[1].words}' and '{pair[0].words}' exclude each other")
    return found


def _exclude(one: Claim, other: Claim) -> bool:
    """Can no value satisfy both claims?"""
    if one.negated and other.negated:
        return False
    if one.negated or other.negated:
        said, denied = (other, one) if one.negated else (one, other)
        return set(said.means) <= set(denied.means)
    return not set(one.means) & set(other.means)


def posterior(understanding: Understanding, attribute: str, values: Sequence[str]) -> np.ndarray | None:
    """The posterior (k + 1,) over k values and `unsaid` of an attribute; None where no claim speaks of it.

    Said values share SAID, or all that are said where claims contradict each other; denied ones share DENIED, and the
    rest of the values what is left. An attribute that is left open is unsaid.
    """
    claims = [claim for claim in understanding.claims if claim.attribute == attribute]
    said = [set(claim.means) & set(values) for claim in claims if claim.means and not claim.negated]
    said = [means for means in said if means]
    denied = {value for claim in claims if claim.negated for value in claim.means} & set(values)
    left_open = any(not claim.means for claim in claims)
    if not (said or denied or left_open):
        return None
    wanted = (set.intersection(*said) if said else set(values)) - denied or set().union(*said)
    scores = np.full(len(values) + 1, (1 - SAID) / (len(values) + 1))
    if left_open and not said or not wanted or len(wanted) == len(values):
        scores[-1] += SAID
    else:
        scores[:-1] += [SAID / len(wanted) if value in wanted else 0 for value in values]
    return scores / scores.sum()
