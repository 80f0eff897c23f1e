"""The statements of a text about attributes: the claims of its items, settled against each other."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from steps.text.degrees import bind_degrees
from steps.text.items import LETTERS, Piece
from steps.text.lexicon_files import Book
from steps.text.scope import negate

NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
PLAIN = frozenset({"low", "high", "deep", "fast", "slow", "quick", "slowly", "quickly", "female", "male", "woman"})
WISHES = frozenset({"want", "wants", "need", "needs", "like", "prefer", "prefers", "looking", "love", "ask", "asks"})
ASKERS = frozenset({"i", "we", "my", "our"})
REACH_OF_WISH = 6  # items behind a person
PITCH_OF = {("male",): "low", ("female",): "high"}  # of a comparison with the other gender


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


def claims_of(items: Sequence[Piece], book: Book) -> list[Claim]:
    """The claims of the items of a text, before those of different strength are compared."""
    _read_letters(items)
    _yield_possessives(items)
    _yield_askers(items)
    _yield_met(items)
    found = bind_degrees(items, book.means, _is_list(items))
    negate(items)
    placed = [
        (position, _claim(items[position], attribute, means))
        for position, item in enumerate(items)
        for attribute, means in item.says
    ]
    for position, attribute, words in found:
        means = (book.means[items[position].degree][attribute],)
        placed.append((position, Claim(attribute, means, words, items[position].negators % 2 == 1)))
    placed.sort(key=lambda pair: pair[0])
    claims = _join_alternatives(items, placed)
    return [*claims, *_implied_pitch(claims, items), *_of_numbers(claims, items)]


def _implied_pitch(claims: Sequence[Claim], items: Sequence[Piece]) -> list[Claim]:
    """The pitch that "she sounds like a man" says: the gender is hers, the comparison is of the sound."""
    genders = {claim.means for claim in claims if claim.attribute == "gender" and not claim.weak and not claim.negated}
    listened = {item.text for item in items if item.compared in ("to", "than")}
    return [
        Claim("pitch", (PITCH_OF[claim.means],), claim.words, claim.negated, weak=True)
        for claim in claims
        if claim.attribute == "gender" and claim.weak and claim.words not in listened
        if len(genders) == 1 and claim.means in PITCH_OF and claim.means not in genders
    ]


def _of_numbers(claims: Sequence[Claim], items: Sequence[Piece]) -> list[Claim]:
    """What numbers with a unit say: "180 words per minute", and "110 Hz" of a man."""
    genders = {claim.means[0] for claim in claims if claim.attribute == "gender" and len(claim.means) == 1}
    said = []
    for number, unit in itertools.pairwise(items):
        scales = [scale for scale in unit.entries if scale.detail in ("", *genders)]
        if not NUMBER.fullmatch(number.text) or number.kinds != {"number"} or len(scales) != 1:
            continue
        amount = float(number.text.replace(",", "."))
        value = next(value for limit, value in scales[0].limits if amount <= limit)
        said.append(Claim(scales[0].says[0][0], (value,), f"{number.text} {unit.text}", number.negators % 2 == 1))
    return said


def _yield_possessives(items: Sequence[Piece]) -> None:
    """Make "her" of "her father" weak: the father speaks. But where she is named too, the father is of her story."""
    for position, item in enumerate(items):
        if item.plays("{their}") and item.says:
            after = next((one for one in items[position + 1 : position + 4] if one.names_person), None)
            if not after or "gender" in after.weak or after.says == item.says:
                continue
            if any(dict(one.says).get("gender") == item.says[0][1] for one in items if one is not item):
                after.compared = after.compared or "to"
            else:
                item.weak |= {"gender"}


def _yield_askers(items: Sequence[Piece]) -> None:
    """Mark who asks for another's voice: "I am a man looking for a female voice", "my wife wants a male reader"."""
    persons = [position for position, item in enumerate(items) if item.names_person and not item.compared]
    genders = {dict(items[position].says)["gender"] for position in persons}
    for position in persons if len(genders) > 1 else ():
        around = " ".join(item.text for item in items[max(position - 3, 0) : position + 2]).split()
        if not ASKERS.isdisjoint(around) and _asks(items[position + 1 :]):
            items[position].compared = "to"


def _asks(items: Sequence[Piece]) -> bool:
    """Is a voice asked for before somebody else is named?"""
    for item in items[:REACH_OF_WISH]:
        if item.names_person:
            return False
        if not WISHES.isdisjoint(item.text.split()):
            return True
    return False


def _yield_met(items: Sequence[Piece]) -> None:
    """Mark a second person whom the first meets: "a woman interviewing a man", "a man who calls the girl"."""
    first = False
    for position, item in enumerate(items):
        if item.names_person and not item.compared and "gender" not in item.weak:
            begin = position
            while begin > 0 and items[begin - 1].plays("{a}", "{their}", "{very}"):
                begin -= 1
            owns = any(one.text == "'s" or one.noun for one in items[position + 1 : position + 2])  # "a male voice"
            if first and begin < position and not owns and _is_action(items[begin - 1]):
                item.compared = "to"
            first = True


def _is_action(item: Piece) -> bool:
    """May this be a verb that has an object, or a preposition that names company: "meets", "by"?"""
    return item.kinds == {"unknown"} or item.plays("{speak}", "nothing") and not item.plays("{be}", "{a}", "separator")


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
    """Read the letters f, m and w of a table as genders, and those behind "pitch:" and "rate:" as its values."""
    is_list = _is_list(items)
    for position, item in enumerate(items):
        noun = items[position - 2].noun if position > 1 and items[position - 1].plays(":") else ""
        if noun != "gender" and (value := LETTERS.get(noun, {}).get(item.text)):
            item.says, item.kinds = ((noun, (value,)),), {"says"}
            continue
        before = items[max(position - 2, 0) : position]
        keyed = any(one.noun == "gender" or one.plays(":") for one in before)
        if item.text in LETTERS["gender"] and item.kinds <= {"unknown", "grammar", "nothing"} and (is_list or keyed):
            item.says, item.kinds = (("gender", (LETTERS["gender"][item.text],)),), {"says"}


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
    """Drop weak claims beside others that say a value, denied excesses, and claims that say the same."""
    strong = {claim.attribute for claim in claims if not claim.weak and claim.means}
    kept = [claim for claim in claims if not claim.weak or claim.attribute not in strong]
    kept = [claim for number, claim in enumerate(kept) if not _is_excess(claim, kept[:number])]
    return tuple(dict.fromkeys(kept))


def _is_excess(claim: Claim, before: Sequence[Claim]) -> bool:
    """Does a claim deny an excess of what was just said: "quick, never hurried", "high but not shrill"?"""
    last = next((one for one in reversed(before) if one.attribute == claim.attribute), None)
    affirmed = last is not None and not last.negated and last.means == claim.means
    return affirmed and claim.negated and PLAIN.isdisjoint(claim.words.replace("-", " ").split())


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
