"""Other wordings of a text that describes a person, for texts that teach how describers agree.

A text is cut into phrases at commas, semicolons, full stops and "and". They are put into another order, and into one of
a few frames; some wordings leave phrases out, as people do. A map learnt from these depends less on how a text is
built than on what it says.
"""

import random
import re

CUTS = re.compile(r"\s*[,;.\n|/]+\s*|\s+(?:and|und|et|y)\s+", re.IGNORECASE)
VOWELS = "aeiou"


def reword(text: str, seed: str, number: int) -> list[str]:
    """`number` other wordings of a text; the same for the same seed."""
    rng = random.Random(f"{seed} {text}")
    phrases = [phrase for phrase in CUTS.split(text) if phrase]
    if len(phrases) < 2:
        return []
    made = [rng.choice(FRAMES)(_some(phrases, index % 2 == 1, rng), rng) for index in range(number)]
    return [wording for wording in dict.fromkeys(made) if wording != text]


def _some(phrases: list[str], fewer: bool, rng: random.Random) -> list[str]:
    """The phrases in another order; `fewer`: some of them, at least two."""
    least = max(2, len(phrases) // 3)
    return rng.sample(phrases, rng.randint(least, len(phrases)) if fewer else len(phrases))


def _listed(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def _keywords(phrases: list[str], rng: random.Random) -> str:
    return rng.choice((", ", "; ", " / ")).join(phrases)


def _voice(phrases: list[str], rng: random.Random) -> str:
    """A young, bright voice, calm and clear."""
    first = phrases[: rng.randint(1, 3)]
    rest = phrases[len(first) :]
    article = "An" if first[0][:1].lower() in VOWELS else "A"
    noun = rng.choice(("voice", "speaker", "person", "way of speaking"))
    return f"{article} {', '.join(first)} {noun}{', ' + _listed(rest) if rest else ''}."


def _sentences(phrases: list[str], rng: random.Random) -> str:
    """This voice is young and bright. It also seems calm."""
    size = rng.randint(3, 8)
    begins = ["This voice is", "It also seems", "One would call it", "There is something", "It is"]
    if rng.random() < 0.5:
        begins = ["The speaker sounds", "They come across as", "They seem", "I hear somebody", "They are"]
    parts = [phrases[at : at + size] for at in range(0, len(phrases), size)]
    return " ".join(f"{begins[min(at, 4)]} {_listed(part)}." for at, part in enumerate(parts))


FRAMES = (_keywords, _voice, _sentences)
