"""What a text says about attributes, by the rules of `cues.yaml` and `lexicon/`.

    understanding = TextRules().understand("a man, not fast, with a voice like distant thunder")
    posterior(understanding, "pitch", ("high", "low", "medium"))

A text is cut into items (items.py); words of degree find their nouns (degrees.py) and negations what they turn round
(scope.py). What is left are claims, and words that nobody understood.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from steps.text.items import Piece, read_items
from steps.text.language import language_of
from steps.text.lexicon_files import ENGLISH, read_books
from steps.text.own_values import with_own_values
from steps.text.spelling import LEAST_PART, MOST_REMEMBERED, Speller, is_word
from steps.text.statements import Claim, claims_of, contradictions, settle
from steps.text.words import Word, split

SAID = 0.99  # posterior of the values that a text says, together
NOTHING = "nothing is said of a voice"
VOICE_NOUNS = ("person", "pitch", "voice", "speaking_rate", "loudness")
LEAST_STRANGE = 3  # content words of a text that is about something else, or in words of no language


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
        books = read_books()
        self.known = {value for book in books.values() for _, value in book.said}
        english, self.own = with_own_values(books[ENGLISH], self.attributes)
        self.books = {**books, ENGLISH: english}
        self._elsewhere = lru_cache(MOST_REMEMBERED)(self._find_elsewhere)
        self.speller = Speller(_own_words(self.attributes) | english.cues, english.patterns.knows)

    def understand(self, text: str) -> Understanding:
        """Read a text of one line."""
        words = split(text)
        language, name = language_of(words, self.books)
        if language is None:
            return Understanding((), (), (f"{name}: a language that the rules do not know",), None)
        book = self.books[language]
        items = read_items(book, self.speller.correct(words) if language == ENGLISH else words)
        self._borrow(items, language)
        spoken = [item.text for item in items if not item.plays("separator")]
        greets = set(spoken) <= book.greetings  # "Hi!" is no pitch
        claims = () if greets else tuple(self._in_own_values(claim) for claim in settle(claims_of(items, book)))
        unknown = tuple(item.text for item in items if item.kinds == {"unknown"})
        problems = contradictions(claims)
        if not claims and (problem := _content_problem(items, language, book.greetings)):
            problems.append(problem)
        return Understanding(claims, unknown, tuple(problems), language)

    def _borrow(self, items: Sequence[Piece], language: str) -> None:
        """Give words that nobody understood the meaning that they have in another language: "a mujer"."""
        for before, item in itertools.pairwise([Piece("", set()), *items]):
            if item.kinds == {"unknown"} and not (language == ENGLISH and is_word(item.text)):
                found = self._elsewhere(item.text, language)
                if found:
                    item.says, item.weak, item.kinds = found.says, found.weak, {"says"}
                    before.kinds -= {"not"} if before.text == "un" else set()  # an article of theirs

    def _find_elsewhere(self, word: str, language: str) -> Piece | None:
        """A word in the first other language in which it says something."""
        for name, book in self.books.items():
            found = read_items(book, [Word(word, False)]) if name != language else []
            if found and found[0].says:
                return found[0]
        return None

    def _in_own_values(self, claim: Claim) -> Claim:
        """A claim in the corpus's words for values: measured -> normal."""
        means = tuple(self.own.get((claim.attribute, value), value) for value in claim.means)
        return claim if means == claim.means else replace(claim, means=means)


def _own_words(attributes: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The words of the corpus's own values, which misspelt ones may be meant to be, with the rank of plain words."""
    words = [word.text for values in attributes.values() for value in values for word in split(value)]
    return dict.fromkeys((word for word in words if len(word) > LEAST_PART), 0)


def _content_problem(items: Sequence[Piece], language: str, greetings: frozenset[str]) -> str | None:
    """Why the words of a text without claims are about no voice; None where they may be."""
    words = [item for item in items if not item.plays("separator", "number", "grammar", "{a}", "{be}", "{very}")]
    strange = [item for item in words if item.kinds == {"unknown"} and not all(map(is_word, item.text.split()))]
    if language != ENGLISH:
        return None if words else NOTHING
    if len(strange) >= LEAST_STRANGE and len(strange) > len(words) / 2:
        return "words of no language that the rules know"
    linked = any(item.plays("{a}", "{be}") or item.plays("grammar") and not item.plays("join") for item in items)
    about = any(item.plays("about", "opener") or item.noun in VOICE_NOUNS for item in items)
    elsewhere = linked and not about and len(words) >= LEAST_STRANGE
    return NOTHING if elsewhere or all(item in strange or item.text in greetings for item in words) else None


def posterior(understanding: Understanding, attribute: str, values: Sequence[str]) -> np.ndarray | None:
    """The posterior (k + 1,) over k values and `unsaid` of an attribute; None where no claim speaks of it.

    The values that a text says share SAID, or all of them where claims contradict each other; where it only denies
    some, the others share SAID. An attribute that is left open is unsaid, beside
    a hint ("gender-neutral, rather feminine") half so.
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
    if left_open and not said and not denied or not wanted or len(wanted) == len(values):
        scores[-1] += SAID
    else:
        open_share = SAID / 2 if left_open and all(claim.weak for claim in claims if claim.means) else 0
        scores[-1] += open_share
        scores[:-1] += [(SAID - open_share) / len(wanted) if value in wanted else 0 for value in values]
    return scores / scores.sum()
