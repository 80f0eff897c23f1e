"""Which language a text is in: by its script, and by the words that each language's book and `languages.yaml` know."""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from steps.text.lexicon_files import ENGLISH, Book, words_of
from steps.text.words import Word, is_separator
from utils.yaml_files import read_yaml

LANGUAGES = Path(__file__).with_name("languages.yaml")
LEAST_KNOWN = 0.5  # share of words that a language knows of a text in it
SCRIPTS = {  # first word of a character's Unicode name -> the language that the rules read in this script
    "LATIN": None,
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "KATAKANA-HIRAGANA": "Japanese",
    "CJK": "Chinese",
    "CYRILLIC": "Russian",
}
NOT_RUSSIAN = frozenset("іїєґўјљњћђџѓќѕәғқңөұүһ")


@cache
def _others() -> dict[str, frozenset[str]]:
    """Language -> its frequent words, of languages that the rules do not read."""
    return {language: frozenset(words_of(words)) for language, words in read_yaml(LANGUAGES).items()}


def language_of(words: Sequence[Word], books: Mapping[str, Book]) -> tuple[str | None, str]:
    """The language of a text: its book, or None where the rules do not read it; and its name, if there is one."""
    spoken = [word.text for word in words if not is_separator(word.text) and not word.text[0].isdigit()]
    script = _script(spoken)
    if script != "LATIN":
        return _of_script(script, spoken, books)
    latin = {name: book for name, book in books.items() if name not in SCRIPTS.values()}
    scores = {name: _score(spoken, book) for name, book in latin.items()}
    if scores[ENGLISH] == 2 * len(spoken):
        return ENGLISH, ENGLISH
    best = max(scores, key=lambda name: (scores[name], name == ENGLISH))
    other, hits = max(
        ((name, 2 * sum(word in known for word in spoken)) for name, known in _others().items()), key=lambda one: one[1]
    )
    if hits > scores[best] or hits == scores[best] > scores[ENGLISH]:
        return None, other
    return best, best


def _script(words: Sequence[str]) -> str:
    """The script that most letters have, where Chinese signs count for Japanese if there are kana."""
    counts: dict[str, int] = {}
    for letter in filter(str.isalpha, "".join(words)):
        script = "LATIN" if letter.isascii() else unicodedata.name(letter, "LATIN").split()[0]
        counts[script] = counts.get(script, 0) + 1
    if not counts:
        return "LATIN"
    most = max(counts, key=lambda name: counts[name])
    return "HIRAGANA" if most == "CJK" and counts.keys() & {"HIRAGANA", "KATAKANA"} else most


def _of_script(script: str, words: Sequence[str], books: Mapping[str, Book]) -> tuple[str | None, str]:
    name = SCRIPTS.get(script)
    if name not in books:
        return None, f"{script.capitalize()} letters"
    if name == "Russian" and (NOT_RUSSIAN & set("".join(words)) or not _score(words, books[name])):
        return None, "Cyrillic letters"
    return name, name


def _score(words: Sequence[str], book: Book) -> int:
    """How well a book knows these words; those by which its language is told count twice."""
    return sum(book.patterns.knows(word) + (word in book.tells) for word in words)
