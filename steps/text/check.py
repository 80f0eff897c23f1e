"""Check a text against the attribute values of its group, by the rules of claims.py.

A text contradicts its group when it says another value ("slowly" of a measured speaker, "girl" of a male one), when
it denies its own ("not deep" of a low pitch), or when it speaks of an age that the group does not have. A text that
leaves an attribute out does not contradict. The rules cover the default attributes and age; other attributes are not
checked.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from utils.errors import InputError, brief
from utils.table_values import CONTROL_CHARACTERS
from utils.yaml_files import read_yaml

if TYPE_CHECKING:
    from steps.text.claims import TextRules

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


class Checker:
    """The rules of claims.py, held against the values of a group."""

    def __init__(self, rules: "TextRules | None" = None):
        from steps.text.claims import TextRules  # which sampling needs nothing of
        from steps.text.lexicon_files import CUES

        self.rules = rules or TextRules()
        cues = read_yaml(CUES)
        self.unasked, self.english = tuple(cues["unasked"]), cues["english"]

    def contradictions(self, text: str, values: Mapping[str, str], caption: bool = False) -> list[str]:
        """The reasons why a text contradicts a group; an empty list if it does not.

        Args:
            text: one line.
            values: attribute -> value of the group. Values that no rule covers are not checked.
            caption: a person's words for a voice, so it may mention attributes that the group does not have, and mere
                hints ("relaxed", "dark") contradict no label but gender ("feminine").
        """
        judged = {attribute: value for attribute, value in values.items() if value in self.rules.known}
        unasked = tuple(attribute for attribute in self.unasked if attribute not in values and not caption)
        claims = self.rules.understand(text).claims
        if caption:
            claims = [claim for claim in claims if not claim.weak or claim.attribute == "gender"]
        return list(dict.fromkeys(filter(None, (claim.contradiction(judged, unasked) for claim in claims))))

    def is_english(self, text: str) -> bool:
        """A rough test: ASCII letters and common English words."""
        letters = [character for character in text if character.isalpha()]
        ascii_share = sum(character.isascii() for character in letters) / max(len(letters), 1)
        common = set(normalise(text).split()) & set(self.english["words"])
        return ascii_share >= self.english["letters"] and len(common) >= self.english["distinct"]
