"""Sentences about persons made of annotators' tags, in two wordings that nothing else uses."""

import random
from collections.abc import Mapping, Sequence

import numpy as np

from steps.text.encode import SentenceEncoder

BOTH = (1, 2)  # annotators


def sentence_vectors(
    tags: Mapping[tuple[str, int], list[str]], ids: Sequence[str], encoder: SentenceEncoder
) -> dict[tuple[int, int], np.ndarray]:
    """The sentence vectors (n, S) of each annotator's tags in each wording, and of both in one text."""
    words: dict[tuple[int, int], list[str]] = {}
    for wording, write in enumerate((first_wording, second_wording)):
        for annotator in BOTH:
            seeds = [f"{one} {annotator} {wording}" for one in ids]
            words[annotator, wording] = [
                write(tags[one, annotator], random.Random(seed)) for one, seed in zip(ids, seeds, strict=True)
            ]
        words[0, wording] = [" ".join(pair) for pair in zip(words[1, wording], words[2, wording], strict=True)]
    return {key: encoder.encode(texts).astype(np.float64) for key, texts in words.items()}


def first_wording(tags: Sequence[str], rng: random.Random) -> str:
    """A bright, lively and slightly kind woman; her voice is clear."""
    tags = rng.sample(tags, len(tags))
    who, whose = _person(tags)
    begin, rest = tags[: max(1, len(tags) // 2)], tags[max(1, len(tags) // 2) :]
    article = "An" if begin[0][0] in "aeiou" else "A"
    more = f"; {whose} voice is {_and(rest)}" if rest else ""
    return f"{article} {_and(begin)} {who}{more}."


def second_wording(tags: Sequence[str], rng: random.Random) -> str:
    """I imagine a woman who sounds clear and fluent. What strikes me about the voice: bright, slightly kind."""
    tags = rng.sample(tags, len(tags))
    who, _ = _person(tags)
    cut = max(1, 2 * len(tags) // 3)
    rest = f" What strikes me about the voice: {', '.join(tags[cut:])}." if tags[cut:] else ""
    return f"I imagine a {who} who sounds {_and(tags[:cut])}.{rest}"


def _person(tags: Sequence[str]) -> tuple[str, str]:
    words = {tag.split()[-1] for tag in tags}
    if "masculine" in words and "feminine" not in words:
        return "man", "his"
    return ("woman", "her") if "feminine" in words and "masculine" not in words else ("person", "the")


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
