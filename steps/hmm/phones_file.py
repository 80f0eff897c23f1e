"""Read phones.csv, the pronunciations of RedDots' sentences, one a line: `sentence_id;content;phones`.

Phones are those of CMUdict, with digits of stress, and `_` stands between words: `M AY1 _ V OY1 S` for `My voice`.
Without stress there are 39.
"""

import re
from pathlib import Path

from steps.hmm.lexicon import Row, words_of
from utils.errors import InputError, brief
from utils.tables import read_lines

HEADER = "sentence_id;content;phones"
BETWEEN_WORDS = "_"
PHONES = (
    *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH"),
    *("K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"),
)
STRESSED = re.compile(r"([A-Z]{1,2})[012]?")


def without_stress(phones: str, where: str) -> Row:
    """A row of phones in the letters of CMUdict. Raises InputError for what is none of the 39."""
    found = []
    for word in phones.split():
        match = STRESSED.fullmatch(word)
        if match is None or match[1] not in PHONES:
            raise InputError(f"{where}: {brief(word)} is no phone of CMUdict; expected some of {' '.join(PHONES)}")
        found.append(match[1])
    return tuple(found)


def read_phones_file(path: Path) -> dict[str, list[Row]]:
    """Word -> its pronunciations, in the order of the file. Raises InputError with the line that is not as above."""
    lines = read_lines(path)
    if not lines or lines[0].rstrip("\r") != HEADER:
        raise InputError(f"{path}:1: expected {HEADER!r}, found {brief(lines[0] if lines else '')}")
    found: dict[str, list[Row]] = {}
    sentences: set[str] = set()
    for number, line in enumerate(lines[1:], 2):
        where, cells = f"{path}:{number}", line.rstrip("\r").split(";")
        if len(cells) != 3 or not all(cell.strip() for cell in cells):
            raise InputError(f"{where}: expected {HEADER!r}, found {brief(line)}")
        if cells[0] in sentences:
            raise InputError(f"{where}: sentence {brief(cells[0])} comes twice; remove one of the two lines")
        sentences.add(cells[0])
        for word, row in _words(cells[1], cells[2], where):
            rows = found.setdefault(word, [])
            if row not in rows:
                rows.append(row)
    if not found:
        raise InputError(f"{path}: no sentences")
    return found


def _words(content: str, phones: str, where: str) -> list[tuple[str, Row]]:
    """The words of a sentence with their phones."""
    words, rows = words_of(content), [part.strip() for part in re.split(r"(?:^|\s)_(?=\s|$)", phones)]
    if len(words) != len(rows) or not all(rows):
        raise InputError(
            f"{where}: {len(words)} words, {brief(content)}, but {len(rows)} rows of phones between"
            f" {BETWEEN_WORDS!r}; each word has one"
        )
    return [(word, without_stress(row, where)) for word, row in zip(words, rows, strict=True)]
