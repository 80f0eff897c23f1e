"""Lexicons: words as rows of phones, in Kaldi's lines `word phone phone ...`; and the words of a transcript.

Words are compared without case and without the marks around them, so that `Seven,` is `seven`.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from utils.durable import write_whole
from utils.errors import InputError, brief
from utils.tables import iterate_lines

LEXICON = "lexicon.txt"
MOST_STATES = 1000  # of a unit
Row = tuple[str, ...]  # of phones or other units
Pronunciations = Mapping[str, Sequence[Row]]
WITHIN = "'-_"  # marks that belong to a word where letters stand around them


def fold(word: str) -> str:
    """A word as lexicons have it: in lower case, composed (NFC), with the plain apostrophe."""
    return unicodedata.normalize("NFC", word.replace("’", "'")).casefold()


def words_of(text: str) -> list[str]:
    """The words of a transcript, folded, without the marks around them; what has no letter and no digit is none."""
    found = []
    for part in fold(text).split():
        keep = [number for number, sign in enumerate(part) if unicodedata.category(sign)[0] in "LNM"]
        if keep:
            begin = keep[0] - (part[keep[0] - 1 : keep[0]] == "'")  # 'cause
            found.append(part[begin : keep[-1] + 1])
    return found


def read_lexicon(path: Path) -> dict[str, list[Row]]:
    """Word -> its pronunciations, in the order of the file. Raises InputError with the line that is none."""
    found: dict[str, list[Row]] = {}
    for number, line in enumerate(iterate_lines(path), 1):
        word, *row = line.split() or [""]
        if not row:
            raise InputError(f"{path}:{number}: expected a word and its phones, found {brief(line)}")
        rows = found.setdefault(fold(word), [])
        if tuple(row) not in rows:
            rows.append(tuple(row))
    if not found:
        raise InputError(f"{path}: empty; expected lines of a word and its phones")
    return found


def write_lexicon(path: Path, lexicon: Pronunciations) -> None:
    """Write a lexicon, sorted by word."""
    lines = [" ".join([word, *row]) for word in sorted(lexicon) for row in lexicon[word]]
    write_whole(path, ("\n".join(lines) + "\n").encode())
