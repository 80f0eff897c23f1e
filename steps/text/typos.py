"""Typing errors, as people make them: two letters change places, one is missing, doubled, or its neighbour on the keys.

A word keeps its first letter, and does not become another word that the paraphraser uses.
"""

import random
import re

SHORTEST = 4  # letters of a word with an error
ERRORS = (0.75, 0.25)  # shares of the texts with one and two errors
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
NEIGHBOURS = {
    letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in ROWS
    for place, letter in enumerate(row)
}
REAL = frozenset(
    [
        "form",
        "from",
        "quite",
        "quiet",
        "calm",
        "clam",
        "than",
        "then",
        "there",
        "three",
        "tree",
        "male",
        "mail",
        "mean",
        "lone",
        "loan",
        "lady",
        "laid",
        "lead",
        "deed",
        "deer",
        "seep",
        "slot",
        "flow",
        "blow",
        "show",
        "fact",
        "past",
        "last",
        "list",
        "east",
        "loud",
        "cloud",
        "lout",
        "load",
    ]
)  # words that an error must not make of others
_WORD = re.compile(rf"(?<![\w{{])[A-Za-z]{{{SHORTEST},}}(?!\w)")


def mistype(text: str, rng: random.Random) -> str:
    """A text with an error in one or two of its words; as it was where all words are short."""
    places = list(_WORD.finditer(text))
    number = rng.choices((1, 2), ERRORS)[0]
    chosen = rng.sample(places, min(number, len(places)))
    for match in sorted(chosen, key=lambda place: -place.start()):
        text = text[: match.start()] + _err(match[0], rng) + text[match.end() :]
    return text


def _err(word: str, rng: random.Random) -> str:
    """One error in a word, behind its first letter."""
    place = rng.randrange(1, len(word) - 1)
    letter, rest = word[place], word[place + 1 :]
    wrong = rng.choice(
        (
            word[:place] + rest[0] + letter + rest[1:],  # "slwo"
            word[:place] + rest,  # "slw"
            word[:place] + letter + letter + rest,  # "sloow"
            word[:place]
            + (rng.choice(NEIGHBOURS[letter.lower()]) if letter.lower() in NEIGHBOURS else letter)
            + rest,  # "slpw"
        )
    )
    return word if wrong.lower() in REAL else wrong
