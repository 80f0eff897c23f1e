"""Labelled texts made of the lexicon: each idiom, comparison and word in a short phrase, with what it says.

They teach a reader what words like those of the lexicon may mean, so that it has an idea of others
too. Entries of other languages are left out.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from steps.text.lexicon_files import LEXICON, words_of
from utils.yaml_files import read_yaml

RUN = 20
SIGNS = {"a": "a", "their": "their", "be": "is", "speak": "speaks", "voice": "voice", "any": "some"}
FRAMES = {
    "similes": (
        "a voice like {a} {words}",
        "sounds like {a} {words}",
        "talks like {a} {words}",
        "{words}",
        "a voice that reminds you of {a} {words}",
        "as if {a} {words} could speak",
    ),
    "phrases": ("{words}", "a voice: {words}", "someone, {words}", "a person who {words}", "they {words}"),
    "words": ("{words}", "a {words} voice", "a voice that is {words}", "speaks, {words}"),
    "nothing": ("{words}", "a {words} voice", "a person, {words}", "someone who sounds {words}"),
}


class LexiconText(NamedTuple):
    """A text made of an entry of the lexicon, and what it says.

    Attributes:
        said: as of a LabelledText. form: the section of the lexicon that it stands in, one of FRAMES.
        kind: file, entry, and run of RUN words of it, which are often of one kind: they are held out together.
    """

    text: str
    said: dict[str, dict[str, float]]
    form: str
    kind: str


def lexicon_texts(attributes: Mapping[str, Sequence[str]], seed: int, folder: Path = LEXICON) -> list[LexiconText]:
    """A text for each entry of the lexicon that says values of these attributes, or nothing; in a drawn order.

    Args:
        attributes: attribute -> its values. An entry of other attributes says nothing of these, and one whose values
            are all unknown is left out.
    """
    rng = random.Random(seed)
    found = [text for path in sorted(folder.glob("*.yaml")) for text in _of_file(path, attributes, rng)]
    return rng.sample(found, len(found))


def _of_file(path: Path, attributes: Mapping[str, Sequence[str]], rng: random.Random) -> Iterator[LexiconText]:
    content = read_yaml(path)
    if "language" in content:  # a file without one is English
        return
    for form, frames in FRAMES.items():
        entries = content.get(form, ())
        entries = [{"says": {}, "words": entries}] if form == "nothing" and entries else entries
        for number, entry in enumerate(entries):
            said = _said(entry, attributes)
            for place, pattern in enumerate(words_of(entry["words"]) if said is not None else ()):
                frame = rng.choice(frames)
                text = frame.replace("{words}", _plain(pattern)).replace("{a} ", _article(_plain(pattern)))
                yield LexiconText(text, said, form, f"{path.stem} {form} {number} {place // RUN}")


def _said(entry: Mapping, attributes: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]] | None:
    """Attribute -> value -> weight, as an entry says; None where nothing it means is among the values."""
    says = entry.get("says", {entry.get("attribute"): entry.get("means")})
    said = {}
    for attribute, means in says.items():
        values = [value for value in means if value in attributes.get(attribute, ())]
        if values:
            said[attribute] = {value: 1 / len(values) for value in values}
    if not said and any(attribute in attributes for attribute in says):
        return None
    return said


def _plain(pattern: str) -> str:
    """The words of a pattern: the first of alternatives, without signs of inflection."""
    pattern = re.sub(r"\(([^|()]*)(?:\|[^()]*)?\)", r"\1", pattern)
    pattern = re.sub(r"\{(\w+)\}", lambda match: SIGNS.get(match[1], ""), pattern)
    return " ".join(re.sub(r"[~*]", "", pattern).split())


def _article(words: str) -> str:
    """The article, and a blank, of words that have none."""
    if words.startswith(("a ", "an ", "the ", "their ")) or words.endswith("s") and not words.endswith("ss"):
        return ""
    return "an " if words.startswith(tuple("aeiou")) else "a "
