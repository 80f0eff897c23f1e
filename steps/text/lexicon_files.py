"""Read the rules' data: `cues.yaml` and `lexicon/*.yaml`, whose form `lexicon/README.md` describes.

Output: for each language one `Book` of patterns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from steps.text.patterns import Patterns
from utils.errors import InputError
from utils.yaml_files import read_yaml

CUES, LEXICON = Path(__file__).with_name("cues.yaml"), Path(__file__).with_name("lexicon")
ENGLISH = "English"
SAYING = ("words", "phrases", "similes")  # sections of entries that say values
MARKED = ("negation", "degrees", "nouns")  # sections of several lists by name
LISTED = ("openers", "listeners", "in", "grammar", "about", "nothing", "tells", "greetings", "slots")
OTHER = ("language", "numbers", "means", "irregular", "unasked", "english", "wider")
DEGREES = ("low", "medium", "usual", "high", "more", "less")
NOUNS = ("pitch", "voice", "speaking_rate", "speech", "loudness", "range")
RULE = ("attribute", "means", "says", "weak", "words")
NUMBER = ("attribute", "units", "limits", "gender")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one pattern stands for: a kind, such as `says`, `simile`, `degree` or `not`, and what it says.

    Attributes:
        says: attribute and values, for each attribute.
        weak: yields to any other claim of the attribute.
        detail: the degree, the attribute of a noun, or which list of its section it is of.
        limits: of a unit, upper ends and values in rising order, with the only gender that they hold for in `detail`.
    """

    kind: str
    says: tuple[tuple[str, tuple[str, ...]], ...] = ()
    weak: bool = False
    detail: str = ""
    limits: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Book:
    """The rules of one language.

    Attributes:
        patterns: what its words stand for.
        tells: words by which it is told.
        means: degree -> attribute -> value.
        said: all attributes and values that its words say.
        cues: words that misspelt ones may be meant to be, with the lower rank for what says more.
        greetings: words that say nothing of a voice.
        wider: attribute -> value of a corpus that stands for several others -> these (`of`), and the `words` that hint
            at it.
    """

    language: str
    patterns: Patterns
    tells: frozenset[str]
    means: Mapping[str, Mapping[str, str]]
    said: frozenset[tuple[str, str]]
    cues: Mapping[str, int]
    greetings: frozenset[str]
    wider: Mapping[str, Mapping[str, Mapping[str, Any]]]


@cache
def read_books(cues: Path = CUES, lexicon: Path = LEXICON) -> dict[str, Book]:
    """The books of all languages, English first. Raises InputError for a file that has not the form of the README."""
    contents: dict[str, list[tuple[Path, dict]]] = {}
    for path in [cues, *sorted(lexicon.glob("*.yaml"))]:
        content = read_yaml(path)
        if not isinstance(content, dict) or set(content) - {*SAYING, *MARKED, *LISTED, *OTHER}:
            names = ", ".join(sorted({*SAYING, *MARKED, *LISTED, *OTHER}))
            raise InputError(f"{path}: expected some of {names}")
        contents.setdefault(content.get("language", ENGLISH), []).append((path, content))
    return {language: _book(language, files, contents[ENGLISH]) for language, files in contents.items()}


def _book(language: str, files: list[tuple[Path, dict]], english: list[tuple[Path, dict]]) -> Book:
    merged = {key: value for _, content in [english[0], *files] for key, value in content.items()}
    slots = {slot: words_of(words) for slot, words in merged["slots"].items()} if language == ENGLISH else {}
    patterns = Patterns(slots, merged["irregular"] if language == ENGLISH else {})
    plain = _is_degree_of_noun(files)
    said = {pair for of_degree in merged["means"].values() for pair in of_degree.items()}
    tells: list[str] = []
    cues = {word: 2 * (slot not in ("{speak}", "{voice}")) for slot in slots for word in slots[slot]}
    for path, content in files:
        for pattern, entry in _entries(path, content):
            patterns.add(pattern, entry, plain if entry.kind in ("says", "nothing") else None)
            said.update((attribute, value) for attribute, means in entry.says for value in means)
            if path == files[0][0]:
                rank = 0 if entry.kind in ("says", "degree", "noun", "not") else 2
                cues.update({word: min(rank, cues.get(word, rank)) for word in patterns.words_in(pattern)})
        tells += words_of(content.get("tells", []))
    if language != ENGLISH:
        for pattern, entry in (pair for path, content in english for pair in _entries(path, content)):
            if entry.kind == "number":
                patterns.add(pattern, entry)
    tells += cues if language == ENGLISH else []
    greetings = frozenset(words_of(merged.get("greetings", [])))
    wider = merged.get("wider", {})
    return Book(language, patterns, frozenset(tells), merged["means"], frozenset(said), cues, greetings, wider)


def _is_degree_of_noun(files: list[tuple[Path, dict]]) -> Callable[[Sequence[str]], bool]:
    """Whether words are a degree and its noun alone, such as "high pitch", "volume is low": they need no entry."""
    degrees, nouns, between = (
        {word for _, content in files for name in names for word in words_of(content.get(section, {}).get(name, []))}
        for section, names in (("degrees", DEGREES), ("nouns", NOUNS), ("slots", ("{very}", "{be}", "{a}")))
    )
    nouns |= {"speaking", "talking"}  # "normal speaking" waits for its noun
    between |= {"{be}", "{a}", "{their}", "at", "in"}

    def plain(words: Sequence[str]) -> bool:
        core = [word.removesuffix("~") for word in words if word not in between]
        return len(core) > 1 and (degrees | nouns).issuperset(core)

    return plain


def _entries(path: Path, content: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    """The patterns of one file with what they stand for."""
    for section in SAYING:
        for index, rule in enumerate(content.get(section) or [], 1):
            yield from _sayings(rule, section, f"{path}: {section}, entry {index}")
    for section in MARKED:
        for detail, words in (content.get(section) or {}).items():
            kind = {"negation": detail.removesuffix("s"), "degrees": "degree", "nouns": "noun"}.get(section, detail)
            kind = "not" if kind == "word" else kind
            yield from ((word, Meaning(kind, detail=detail)) for word in words_of(words))
    for section in ("openers", "listeners", "in", "grammar", "about", "nothing"):
        for word in words_of(content.get(section) or []):
            yield word, Meaning(section.removesuffix("s"))
    for index, rule in enumerate(content.get("numbers") or [], 1):
        if not isinstance(rule, dict) or set(rule) - set(NUMBER) or {"attribute", "units", "limits"} - set(rule):
            raise InputError(f"{path}: numbers, entry {index}: expected attribute, units, limits and perhaps gender")
        limits = tuple((float(limit), value) for value, limit in rule["limits"].items())
        entry = Meaning("number", ((rule["attribute"], ()),), detail=rule.get("gender", ""), limits=limits)
        yield from ((unit, entry) for unit in words_of(rule["units"]))


def _sayings(rule: Any, section: str, where: str) -> Iterator[tuple[str, Meaning]]:
    """The patterns of one rule that says values."""
    if not isinstance(rule, dict) or set(rule) - set(RULE) or "words" not in rule:
        raise InputError(f"{where}: expected words, and attribute and means, or says")
    says = rule.get("says") or {rule.get("attribute"): rule.get("means")}
    if not all(isinstance(name, str) and isinstance(means, list) for name, means in says.items()):
        raise InputError(f"{where}: expected an attribute and a list of values that it means")
    pairs = tuple((name, tuple(means)) for name, means in says.items())
    kind = "simile" if section == "similes" else "says"
    yield from ((word, Meaning(kind, pairs, bool(rule.get("weak")))) for word in words_of(rule["words"]))


def words_of(words: str | Sequence[str]) -> list[str]:
    """A list of words, or one text with a comma between entries."""
    return (
        [word.strip() for word in words.split(",") if word.strip()] if isinstance(words, str) else list(map(str, words))
    )
