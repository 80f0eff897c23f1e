"""Correct misspelt words to words of the cues: "womna", "deap", "slwo", "highpitched", "sloooow".

A word of the English dictionary stays as it is, whatever it looks like. Others become the nearest cue: one slip away
(a letter more, less, other, or two swapped), two in long words.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

from rapidfuzz.distance import OSA

from steps.text.words import Word, is_separator

PREFIXES = ("un", "non")  # turn a cue round: "undeep"
SHORTEST, LONG = 4, 8  # letters of a word that may differ by one slip, by two
LEAST_PART = 3  # letters of each part of two words that lost their blank
MOST_REMEMBERED = 20000  # words


@cache
def _dictionary() -> Mapping[str, int]:
    """English words and how often they come."""
    from spellchecker import SpellChecker

    return SpellChecker(language="en", distance=1).word_frequency.dictionary


class Speller:
    """Corrects words.

    Args:
        cues: the words to correct to, with a rank: of words equally near, the lowest counts.
        known: whether a word is no mistake, beside those of the dictionary.
    """

    def __init__(self, cues: Mapping[str, int], known: Callable[[str], bool]):
        self.cues, self.known = cues, known
        self.by_length: dict[int, list[str]] = {}
        for cue in sorted(cues):
            self.by_length.setdefault(len(cue), []).append(cue)
        self.corrected = lru_cache(MOST_REMEMBERED)(self._corrected)

    def correct(self, words: Sequence[Word]) -> list[Word]:
        """The words of a text, with correct ones for those that are misspelt."""
        return [
            Word(part, word.glued if index == 0 else False)
            for word in words
            for index, part in enumerate(self.corrected(word.text) if self._may_be_wrong(word.text) else [word.text])
        ]

    def _may_be_wrong(self, word: str) -> bool:
        return not is_separator(word) and word.isalpha() and not self.known(word) and len(word) >= LEAST_PART

    def _corrected(self, word: str) -> list[str]:
        """The word or words that a word is meant to be: itself, if it is one or looks like none."""
        if is_word(word) or not word.isascii():
            return [word]
        short = re.sub(r"(.)\1\1+", r"\1\1", word)
        for form in (short, re.sub(r"(.)\1+", r"\1", short)) if short != word else ():
            if form in self.cues:
                return [form]
        denied = [[prefix, rest] for prefix in PREFIXES if self.cues.get(rest := word.removeprefix(prefix)) == 0]
        if denied and denied[0][1] != word:
            return denied[0]
        return self._nearest(short, 1) or self._parts(word) or len(word) >= LONG and self._nearest(short, 2) or [word]

    def _nearest(self, word: str, allowed: int) -> list[str]:
        """The nearest cue with at most as many slips as allowed."""
        if len(word) < SHORTEST:
            return self._short(word)
        found = []
        for length in range(max(len(word) - allowed, LEAST_PART), len(word) + allowed + 1):
            for cue in self.by_length.get(length, ()):
                slips = OSA.distance(word, cue, score_cutoff=allowed)
                if slips <= allowed:
                    swapped = sorted(word) == sorted(cue)
                    wrong = self.cues[cue], cue[0] != word[0], abs(len(cue) - len(word))
                    found.append((slips, not swapped, *wrong, cue))
        return [min(found)[-1]] if found else []

    def _short(self, word: str) -> list[str]:
        """The cue of a word of three letters: two swapped, or one lost."""
        swapped = [cue for cue in self.by_length.get(LEAST_PART, ()) if sorted(cue) == sorted(word)]
        longer = [cue for cue in self.by_length.get(LEAST_PART + 1, ()) if not self.cues[cue] and cue[0] == word[0]]
        return (swapped + [cue for cue in longer if OSA.distance(word, cue) == 1])[:1]

    def _parts(self, word: str) -> list[str]:
        """The two cues that a word is made of, if a blank was lost: "highpitched"."""
        for cut in range(len(word) - LEAST_PART, LEAST_PART - 1, -1):
            if word[:cut] in self.cues and word[cut:] in self.cues:
                return [word[:cut], word[cut:]]
        return []


def is_word(word: str) -> bool:
    """Is this an English word?"""
    return word in _dictionary()


def common_words(number: int) -> list[str]:
    """The most frequent English words, those of equal frequency in the order of the alphabet."""
    frequency = _dictionary()
    return sorted(frequency, key=lambda word: (-frequency[word], word))[:number]
