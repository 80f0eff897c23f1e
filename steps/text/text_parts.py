"""The parts of a text that have words which no rule understands, for a classifier that may know their like.

A part is what stands between punctuation marks and between words that join clauses: of "A man with a voice like
distant thunder, speaking fast" it is "a voice like distant thunder". In a whole sentence an idiom is drowned by what
stands around it.
"""

import re
from collections.abc import Sequence

BORDER = re.compile(
    r"[,;:.!?()\[\]|/\n\"“”…—–]+|\s-+\s|\b(?:and|but|yet|with|who|whose|that|which|while|when|though|although|or)\b",
    re.I,
)
WORD = re.compile(r"[\w'’]+")


def parts_of(text: str) -> list[str]:
    """The parts of a text that have words."""
    return [" ".join(part.split()) for part in BORDER.split(text) if WORD.search(part)]


def unknown_parts(text: str, unknown: Sequence[str]) -> list[str]:
    """The parts of a text that have any of these words, in the order of the text; the whole text where none has."""
    words = {word for one in unknown for word in _words(one)}
    return [part for part in parts_of(text) if words.intersection(_words(part))] or [text] * bool(unknown)


def words_within(unknown: Sequence[str], text: str, parts: Sequence[str]) -> list[str]:
    """Those of the unknown words of a text that stand in some of its parts; all where the whole text is a part."""
    found = {word for part in parts for word in _words(part)}
    return [one for one in unknown if text in parts or found.intersection(_words(one))]


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold().replace("’", "'"))
