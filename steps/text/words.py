"""The words of a text, as the rules see them: lower case, each with what parts it from the one before."""

import re
import unicodedata
from typing import NamedTuple

# Chinese and Japanese have no blanks: each sign is a word.
UNSPACED = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々ー"
TOKENS = re.compile(
    rf"[{UNSPACED}]|\d+(?:[.,]\d+)?|[^\W\d_{UNSPACED}]+(?:'[^\W\d_{UNSPACED}]+)*'?|->|[-‐‑–—―_]+|[,;:.!?/|=→⇒>+&()\[\]{{}}<*#。、，；：·•\t~]"
)
SEPARATORS = {  # as the rules see them; a full stop ends a clause, a colon joins a name and a value
    **dict.fromkeys(",/|()[]{}、·•\t<*#—", ","),
    **dict.fromkeys(";.!。", "."),
    **dict.fromkeys([":", "=", "→", "⇒", "->", ">"], ":"),
    "?": "?",
    **dict.fromkeys("+&", "and"),
    "~": None,
}
ENDINGS = {"s", "d", "ll", "re", "ve", "m"}  # behind an apostrophe, words of their own
ELISION = re.compile(r"(?:[ldnscjmt]|qu|all|un|dell|nell)'")
HUMP = re.compile(r"(?<=[a-z]{2})(?=[A-Z])|(?<=\b[A-Z])(?=[A-Z][a-z]{2})")  # speakingRate, AVoice
UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0f\ufeff]")  # signs that nobody sees
PERSONS = {"👩": "woman", "👨": "man", "👧": "girl", "👦": "boy", "👵": "old woman", "👴": "old man"}
PERSONS |= {"♀": "female", "♂": "male", "🚺": "female", "🚹": "male"}
PICTURES = str.maketrans({sign: f" {words} " for sign, words in PERSONS.items()})
HYPHENS = re.compile(r"[-‐‑–—―_]+")


class Word(NamedTuple):
    """A word or a separator of a text. `glued`: a hyphen joins it to the word before."""

    text: str
    glued: bool


def split(text: str) -> list[Word]:
    """The words and separators of a text; other signs are left out."""
    seen = UNSEEN.sub("", text).translate(PICTURES).replace("’", "'").replace("‘", "'")
    plain = HUMP.sub(" ", unicodedata.normalize("NFKC", seen)).casefold()
    words: list[Word] = []
    glued, end = False, -1
    for match in TOKENS.finditer(plain):
        token = match[0]
        if HYPHENS.fullmatch(token):
            glued = match.start() == end and match.end() < len(plain) and not plain[match.end()].isspace()
            if not glued and not token.startswith("_"):
                words.append(Word(",", False))
            end = match.end()
            continue
        separator = SEPARATORS.get(token, "")
        if separator:
            words.append(Word(separator, False))
        elif separator == "":
            words.extend(Word(part, glued and not index) for index, part in enumerate(_parts(token)))
        glued, end = False, match.end()
    return words


def is_separator(word: str) -> bool:
    """Is this no word but a mark between words?"""
    return word in (",", ".", ":", "?")


def _parts(token: str) -> list[str]:
    """A token without its apostrophes: woman's -> woman, 's; l'homme -> l', homme; isn't is one word."""
    token = token.rstrip("'")  # a quotation mark: {'gender': 'm'}
    head, apostrophe, tail = token.rpartition("'")
    if not apostrophe or tail == "t":
        return [token]
    if tail in ENDINGS:
        return [head, f"'{tail}"]
    elided = ELISION.match(token)
    return [elided[0], token[elided.end() :]] if elided else [head, tail]
