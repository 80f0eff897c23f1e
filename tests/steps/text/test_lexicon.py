"""The lexicon: its values are known, its words have one meaning, it has the form of its README, and is read fast."""

import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from utils.yaml_files import read_yaml

LEXICON = Path(__file__).parents[3] / "steps/text/lexicon"
FILES = sorted(LEXICON.glob("*.yaml"))
CONTENT = {path.stem: read_yaml(path) for path in FILES}
KINDS = ("words", "phrases", "similes")
VALUES = {
    "gender": {"female", "male"},
    "pitch": {"low", "medium", "high"},
    "speaking_rate": {"slow", "measured", "fast"},
    "age": {"child", "teenager", "young-adult", "middle-aged-adult", "elderly"},
}


def texts(words: str | list[str]) -> list[str]:
    """The entries of a list, or of a text with commas."""
    return [word.strip() for word in (words.split(",") if isinstance(words, str) else words)]


def rules() -> Iterator[tuple[str, str, str, dict, list[str]]]:
    """File, language, kind (of words that suggest: weak), what is said and the entries of every rule."""
    for name, content in CONTENT.items():
        for kind in KINDS:
            for rule in content.get(kind) or []:
                says = rule["says"] if "says" in rule else {rule["attribute"]: rule["means"]}
                kind = "weak" if rule.get("weak") and kind != "similes" else kind
                yield name, content.get("language", "English"), kind, says, texts(rule["words"])


def test_values_are_known():
    said = {(attribute, value) for *_, says, _ in rules() for attribute in says for value in says[attribute]}
    said |= {
        (scale["attribute"], value)
        for content in CONTENT.values()
        for scale in content.get("numbers") or []
        for value in scale["limits"]
    }
    assert {(attribute, value) for attribute, value in said if value not in VALUES[attribute]} == set()


def test_words_stand_once_under_an_attribute():
    """A word that suggests a value anywhere may say the same in a comparison, no other may stand in both."""
    places = defaultdict(list)
    for name, language, kind, says, entries in rules():
        for attribute, means in says.items():
            for entry in entries:
                places[language, attribute, entry].append((kind, tuple(means), name))
    twice = {place: found for place, found in places.items() if len(found) > 1}
    allowed = {
        place
        for place, found in twice.items()
        if sorted(kind for kind, *_ in found) == ["similes", "weak"] and len({means for _, means, _ in found}) == 1
    }
    assert {place: found for place, found in twice.items() if place not in allowed} == {}


def test_words_that_say_nothing_say_nothing():
    said = {
        (language, entry)
        for _, language, kind, says, entries in rules()
        for entry in entries
        if kind != "similes" and set(says) != {"age"}
    }
    nothing = [
        (content.get("language", "English"), entry)
        for content in CONTENT.values()
        for entry in texts(content.get("nothing") or [])
    ]
    assert len(nothing) == len(set(nothing))
    assert said & set(nothing) == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_entries_are_in_the_form_of_the_readme(path):
    entries = [entry for name, *_, found in rules() if name == path.stem for entry in found]
    entries += texts(CONTENT[path.stem].get("nothing") or [])
    faulty = [
        entry
        for entry in entries
        if not entry
        or entry != unicodedata.normalize("NFC", entry.lower())
        or entry.count("(") != entry.count(")")
        or "(" in entry.partition("(")[2].partition(")")[0]
        or "-" in entry
    ]
    assert faulty == []
    assert len(path.read_text(encoding="utf-8").splitlines()) < 350


def test_is_read_fast():
    start = time.process_time()
    for path in FILES:
        read_yaml(path)
    assert time.process_time() - start < 0.5  # some .1 s; the margin is for slower machines
