"""Find the patterns of the lexicon in the words of a text. `lexicon/README.md` describes the signs of a pattern."""

import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from steps.text.words import ELISION, split

OPTIONAL = ("{a}", "{their}")
SKIPPED = "{very}"  # words of this slot may stand anywhere within a pattern
ENTRIES = ""  # key of a node under which its entries are
VOWELS = "aeiou"
MOST_REMEMBERED = 20000  # words
MOST_SKIPPED = 3  # words of SKIPPED in a row
MOST_WRITTEN_OUT = 2000  # alternatives of one pattern


class Patterns:
    """A trie of patterns.

    Args:
        slots: `{slot}` -> the words that it stands for.
        irregular: verb -> forms that no rule makes.
    """

    def __init__(self, slots: Mapping[str, Sequence[str]], irregular: Mapping[str, Sequence[str]]):
        self.root: dict[str, Any] = {}
        self.first: Patterns | None = None
        self.irregular = irregular
        self.classes: dict[str, list[str]] = {}  # word -> slots and inflected words that it stands under
        self.beginnings: set[str] = set()
        self.inflected: set[str] = set()
        self.keys = lru_cache(MOST_REMEMBERED)(self._keys)
        self.words: set[str] = set()  # all words of patterns, for those who look for misspelt ones
        for slot, words in slots.items():
            for word in words:
                self.classes.setdefault(word, []).append(slot)

    def add(self, pattern: str, entry: Any, unless: Callable[[Sequence[str]], bool] | None = None) -> None:
        """Add a pattern that stands for `entry`, without those of its alternatives that are not wanted."""
        for written in itertools.islice(_alternatives(pattern), MOST_WRITTEN_OUT):
            for words in _with_and_without_options(written):
                if unless and unless(words):
                    continue
                node = self.root
                for word in words:
                    node = node.setdefault(self._key(word), {})
                node.setdefault(ENTRIES, []).append(entry)

    def _keys(self, word: str) -> list[str]:
        """All names under which a word may stand in the trie."""
        begins = [word[:n] + "*" for n in range(1, len(word) + 1) if word[:n] in self.beginnings]
        return [word, *self.classes.get(word, ()), *begins]

    def knows(self, word: str) -> bool:
        """Does a pattern or a slot hold this word?"""
        return word in self.words or len(self.keys(word)) > 1 or bool(self.first and self.first.knows(word))

    def matches(self, keys: Sequence[Sequence[str]], start: int) -> Iterator[tuple[int, list]]:
        """All matches from `start`: where each ends, and its entries."""
        if self.first:
            yield from self.first.matches(keys, start)
        yield from self._walk(self.root, keys, start, 0)

    def _walk(
        self, node: dict, keys: Sequence[Sequence[str]], position: int, skipped: int
    ) -> Iterator[tuple[int, list]]:
        if ENTRIES in node and not skipped:
            yield position, node[ENTRIES]
        if position == len(keys):
            return
        for key in keys[position]:
            if key in node:
                yield from self._walk(node[key], keys, position + 1, 0)
        if "{any}" in node and keys[position]:
            yield from self._walk(node["{any}"], keys, position + 1, 0)
        if (
            SKIPPED in keys[position]
            and node is not self.root
            and skipped < MOST_SKIPPED
            and len(node) > (ENTRIES in node)
        ):
            yield from self._walk(node, keys, position + 1, skipped + 1)

    def words_in(self, pattern: str) -> set[str]:
        """The words of a pattern without its slots, in all their forms."""
        words = {word for written in _alternatives(pattern) for word in written}
        forms = (inflections(word[:-1], self.irregular) if word.endswith("~") else {word} for word in words)
        return {form for each in forms for form in each if form.isalpha()}

    def with_more(self, pairs: Sequence[tuple[str, Any]]) -> "Patterns":
        """These patterns, with more beside them that are found first."""
        more = copy.copy(self)
        more.first = Patterns({}, {})
        for pattern, entry in pairs:
            more.first.add(pattern, entry)
        return more

    def _key(self, word: str) -> str:
        if word.endswith("*") and len(word) > 1:
            self.beginnings.add(word[:-1])
        elif word.endswith("~") and word not in self.inflected:
            self.inflected.add(word)
            for form in inflections(word[:-1], self.irregular):
                self.words.add(form)
                self.classes.setdefault(form, []).append(word)
        elif not word.startswith("{"):
            self.words.add(word)
        return word


def inflections(word: str, irregular: Mapping[str, Sequence[str]]) -> set[str]:
    """The forms of an English verb or noun: talk -> talk, talks, talked, talking."""
    if len(word) > 2 and word[-1] == "y" and word[-2] not in VOWELS:
        forms = {f"{word[:-1]}ies", f"{word[:-1]}ied", f"{word}ing"}
    elif word.endswith("e") and not word.endswith("ee"):
        forms = {f"{word}s", f"{word}d", f"{word[:-1]}ing"}
    else:
        short = re.fullmatch(rf"[^{VOWELS}]*[{VOWELS}][^{VOWELS}wxy]", word)
        stem = word + word[-1] if short else word
        hisses = word.endswith(("s", "x", "z", "ch", "sh"))
        forms = {f"{word}es" if hisses else f"{word}s", f"{stem}ed", f"{stem}ing"}
    return {word, *forms, *irregular.get(word, ())}


def _alternatives(pattern: str) -> Iterator[list[str]]:
    """The words of each pattern that one with `(a|b c)` stands for."""
    parts = re.split(r"\(([^()]*)\)", pattern)  # every second part stood in brackets
    choices = [[_pattern_words(choice) for choice in part.split("|")] for part in parts]
    return ([word for words in chosen for word in words] for chosen in itertools.product(*choices))


def _pattern_words(pattern: str) -> list[str]:
    """The words and slots of a pattern."""
    words = []
    for part in pattern.replace("-", " ").split():
        mark = part[-1] if len(part) > 1 and part[-1] in "~*" else ""
        if part.startswith("{") or ELISION.fullmatch(part):
            words.append(part)
            continue
        plain = part.removesuffix(mark)
        parts = [plain.lower()] if plain.isascii() and plain.isalpha() else [word.text for word in split(plain)]
        words.extend([*parts[:-1], *(word + mark for word in parts[-1:])])
    return words


def _with_and_without_options(words: Sequence[str]) -> Iterator[list[str]]:
    """A sequence with each of its optional slots and without."""
    for position, word in enumerate(words):
        if word in OPTIONAL:
            rest = words[position + 1 :]
            for tail in _with_and_without_options(rest):
                yield [*words[:position], word, *tail]
                yield [*words[:position], *tail]
            return
    yield list(words)
