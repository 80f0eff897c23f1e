"""Check a text against the attribute values of its group, by the rules for words in `cues.yaml`.

A text contradicts its group when it says another value ("slowly" of a measured speaker, "girl" of a male one), when
it denies its own ("not deep" of a low pitch), or when it speaks of an age that the group does not have. A text that
leaves an attribute out does not contradict. The rules cover the default attributes and age; other attributes are not
checked.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from utils.data_dir import CONTROL_CHARACTERS
from utils.errors import InputError, brief
from utils.yaml_files import read_yaml

CUES = Path(__file__).with_name("cues.yaml")
LONGEST = 2000  # characters of a description; an encoder reads the first hundreds


def text_problem(text: object) -> str | None:
    """Why `text` is no description of a voice: not one line of 1 to LONGEST characters; None where it is one."""
    if not isinstance(text, str):
        return f"expected a text, found {brief(text)}"
    if not any(sign.isprintable() and not sign.isspace() for sign in text):
        return "empty text; write a sentence or remove it"
    if len(text) > LONGEST:
        return f"{len(text)} characters, expected a sentence of at most {LONGEST}: {brief(text)}"
    if len(text.strip().splitlines()) != 1:
        return f"the text has a line break; write it on one line: {brief(text)}"
    if CONTROL_CHARACTERS.search(text):
        return f"the text has a control character; remove it: {brief(text)}"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return f"the text is not UTF-8; convert it to UTF-8: {brief(text)}"
    return None


def transcript(text: str) -> str:
    """A text as Kaldi's `text` takes it: its words with a blank between them, without signs that nobody sees."""
    return " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())


def require_text(text: object, where: str) -> str:
    """Return `text` if it is a description; else raise InputError that begins with `where`."""
    problem = text_problem(text)
    if problem:
        raise InputError(f"{where}: {problem}")
    return text.strip()


def normalise(text: str) -> str:
    """The words of a text in lower case, joined by blanks; texts with equal words count as duplicates."""
    return " ".join(re.findall(r"\w+", text.casefold()))


@dataclass(frozen=True)
class Claim:
    """A statement of some words of a text: `attribute` has one of the values `means`, or none of them if `negated`."""

    attribute: str
    means: tuple[str, ...]
    words: str
    negated: bool

    def contradiction(self, values: Mapping[str, str], unasked: tuple[str, ...]) -> str | None:
        """Why this claim contradicts a group with these values; None where it does not."""
        value = values.get(self.attribute)
        if value is None and self.attribute in unasked and not self.negated:
            return f"'{self.words}' says {self.attribute}, which the group does not have"
        if value is None or self.negated != (value in self.means):
            return None
        denied = "not " if self.negated else ""
        return f"'{self.words}' says {self.attribute} {denied}{' or '.join(self.means)}, the group is {value}"


class Checker:
    """The rules of `cues.yaml`, compiled."""

    def __init__(self, cues: Path = CUES):
        rules = read_yaml(cues)
        self.cues = [(_any_of(rule["words"]), rule["attribute"], tuple(rule["means"])) for rule in rules["cues"]]
        self.known = {value for rule in rules["cues"] for value in rule["means"]}
        degrees = rules["degrees"]
        self.degrees = {word: rule["means"] for rule in degrees["words"] for word in rule["words"]}
        self.nouns = {noun: attribute for attribute, nouns in degrees["nouns"].items() for noun in nouns}
        self.reach, self.stops, self.articles = degrees["reach"], set(degrees["stops"]), set(degrees["articles"])
        self.negator, self.negation = _any_of(rules["negation"]["words"]), rules["negation"]
        self.unasked, self.english = tuple(rules["unasked"]), rules["english"]
        self.known |= {value for means in self.degrees.values() for value in means.values()}

    def contradictions(self, text: str, values: Mapping[str, str], caption: bool = False) -> list[str]:
        """The reasons why a text contradicts a group; an empty list if it does not.

        Args:
            text: one line.
            values: attribute -> value of the group. Values that no rule covers are not checked.
            caption: the text is about one utterance, so it may mention attributes that the group does not have.
        """
        judged = {attribute: value for attribute, value in values.items() if value in self.known}
        unasked = tuple(attribute for attribute in self.unasked if attribute not in values and not caption)
        reasons = (claim.contradiction(judged, unasked) for clause in _clauses(text) for claim in self.claims(clause))
        return list(dict.fromkeys(filter(None, reasons)))

    def is_english(self, text: str) -> bool:
        """A rough test: ASCII letters and common English words."""
        letters = [character for character in text if character.isalpha()]
        ascii_share = sum(character.isascii() for character in letters) / max(len(letters), 1)
        common = set(normalise(text).split()) & set(self.english["words"])
        return ascii_share >= self.english["letters"] and len(common) >= self.english["distinct"]

    def claims(self, clause: str) -> Iterator[Claim]:
        """The statements about attributes in one clause (lower-case words, single spaces)."""
        for pattern, attribute, means in self.cues:
            for match in pattern.finditer(clause):
                yield Claim(attribute, means, match[0], self._negated(clause[: match.start()]))
        words = clause.split()
        for position, word in enumerate(words):
            noun = self._noun_of(words, position) if word in self.degrees else None
            if noun and self.nouns[noun] in self.degrees[word]:
                means = self.degrees[word][self.nouns[noun]]
                yield Claim(
                    self.nouns[noun], (means,), f"{word} ... {noun}", self._negated(" ".join(words[:position]) + " ")
                )

    def _noun_of(self, words: list[str], position: int) -> str | None:
        """The noun that the word of degree at `position` belongs to, if any."""
        start = position + (2 if words[position + 1 : position + 2] == ["in"] else 1)
        after = itertools.takewhile(lambda word: word not in self.stops, words[start : start + self.reach])
        before = itertools.takewhile(lambda word: word not in self.articles, reversed(words[:position]))
        return next((word for word in itertools.chain(after, before) if word in self.nouns), None)

    def _negated(self, before: str) -> bool:
        """Does a negator among the words before a cue reach it?"""
        for match in self.negator.finditer(before):
            between = before[match.end() :].split()
            stopped = (
                set(between) & set(self.negation["stops"]) or between[:1] and between[0] in self.negation["unless"]
            )
            if len(between) < self.negation["reach"] and not stopped:
                return True
        return False


def _any_of(words: list[str]) -> re.Pattern[str]:
    """Any of these words or word sequences, the longest first, as whole words."""
    return re.compile(r"(?<![\w'])(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + r")(?!\w)")


def _clauses(text: str) -> list[str]:
    """Lower-case words between punctuation marks; hyphens part words."""
    plain = re.sub(r"[-‐‑–_]", " ", text.casefold().replace("’", "'"))
    return [" ".join(re.findall(r"[\w']+", part)) for part in re.split(r"[^\w\s'\"]+", plain)]
