"""Labelled texts of the lexicon."""

import pytest

from steps.text.lexicon_texts import LEXICON, lexicon_texts

VALUES = {
    "gender": ("female", "male"),
    "pitch": ("high", "low", "medium"),
    "speaking_rate": ("fast", "measured", "slow"),
}
CONTENT = """
words:
  - {attribute: pitch, means: [low, medium], words: ["deep~"]}
  - {attribute: age, means: [child], words: [tiny]}
  - {attribute: pitch, means: [ultra], words: [beyond]}
phrases:
  - {says: {gender: [male], pitch: [low]}, words: "{speak} {a} (rumble|growl), boom~ out"}
similes:
  - {attribute: pitch, means: [low], words: [owl]}
nothing: raspy
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "some.yaml").write_text(CONTENT)
    (tmp_path / "de.yaml").write_text("language: German\nwords:\n  - {attribute: pitch, means: [low], words: [tief]}\n")
    return tmp_path


def test_texts_and_what_they_say(folder):
    texts = lexicon_texts(VALUES, 0, folder)
    said = {
        word: text.said
        for text in texts
        for word in ("deep", "tiny", "rumble", "boom", "owl", "raspy")
        if word in text.text
    }
    both = {"gender": {"male": 1.0}, "pitch": {"low": 1.0}}
    assert said == {
        "deep": {"pitch": {"low": 0.5, "medium": 0.5}},
        "tiny": {},
        **dict.fromkeys(("rumble", "boom"), both),
        "owl": {"pitch": {"low": 1.0}},
        "raspy": {},
    }
    assert len(texts) == 6 and all(text.text.isascii() and not set("{}~|") & set(text.text) for text in texts)
    assert "speaks a rumble" in " ".join(text.text for text in texts)


def test_order_follows_the_seed(folder):
    assert lexicon_texts(VALUES, 0, folder) == lexicon_texts(VALUES, 0, folder) != lexicon_texts(VALUES, 1, folder)


def test_the_lexicon_itself():
    texts = lexicon_texts(VALUES, 0, LEXICON)
    assert {(name, value) for text in texts for name, said in text.said.items() for value in said} >= {
        *(("pitch", value) for value in VALUES["pitch"]),
        *(("speaking_rate", value) for value in VALUES["speaking_rate"]),
    }
    assert not any(set("{}~|()*") & set(text.text) for text in texts)
