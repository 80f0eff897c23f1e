"""The lexicon: its values are known, its words have one meaning, it has the form of its README, and is read fast."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from steps.text.claims import TextRules
from tests.effort import at_most
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
    with at_most(0.5):  # some .1 s
        for path in FILES:
            read_yaml(path)


READINGS = [  # of words by somebody who knew the lexicon: what each file is for
    ("His voice could rattle the windows.", {"gender": {"male"}, "pitch": {"low"}}),
    ("A voice like a teakettle, squeaky and thin.", {"pitch": {"high"}}),
    ("Neither bass nor soprano.", {"pitch": {"medium"}}),
    ("Like a metronome, at 150 words per minute.", {"speaking_rate": {"measured"}}),
    ("Think Barry White.", {"gender": {"male"}, "pitch": {"low"}}),
    ("The duchess talks a mile a minute.", {"gender": {"female"}, "speaking_rate": {"fast"}}),
    ("There's a week between his words.", {"gender": {"male"}, "speaking_rate": {"slow"}}),
    ("She talks as if he had a train to catch.", {"gender": {"female"}, "speaking_rate": {"fast"}}),
    ("Warm, raspy and a bit sad, with a Scottish accent.", {}),
    (
        "Ein Herr mit Bassstimme, der ohne Punkt und Komma redet.",
        {"gender": {"male"}, "pitch": {"low"}, "speaking_rate": {"fast"}},
    ),
    (
        "Une dame à la voix fluette, au débit posé.",
        {"gender": {"female"}, "pitch": {"high"}, "speaking_rate": {"slow", "measured"}},
    ),
    (
        "Un señor de voz cavernosa que habla despacio.",
        {"gender": {"male"}, "pitch": {"low"}, "speaking_rate": {"slow"}},
    ),
    ("小姑娘声音尖细,说话像连珠炮", {"gender": {"female"}, "pitch": {"high"}, "speaking_rate": {"fast"}}),
    ("野太い声でのんびり話すおじいさん", {"gender": {"male"}, "pitch": {"low"}, "speaking_rate": {"slow"}}),
    ("Девочка тараторит тоненьким голоском", {"gender": {"female"}, "pitch": {"high"}, "speaking_rate": {"fast"}}),
]


@pytest.mark.parametrize(("text", "said"), READINGS, ids=[text[:20] for text, _ in READINGS])
def test_words_are_read_as_they_are_meant(text, said):
    understanding = TextRules().understand(text)
    found = defaultdict(set)
    for claim in understanding.claims:
        if claim.attribute != "age":
            found[claim.attribute].update(claim.means)
    assert (dict(found), understanding.unknown) == (said, ())
