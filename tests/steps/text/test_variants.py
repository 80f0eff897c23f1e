"""Collecting variants: distinct over all groups, checked, from a file with clear errors."""

import json

import pytest

from steps.data.groups import read_groups
from steps.text.variants import Variants, fill_from_file, fill_from_grammar, read_variants_file
from tests.steps.conftest import write_corpus
from utils.data_dir import DataDir
from utils.errors import InputError

TEXTS = {
    "female_low": ["A woman with a deep voice.", "Deep-voiced lady."],
    "male_low": ["A man with a deep voice.", "He speaks in a deep voice."],
}


@pytest.fixture
def variants(tmp_path):
    corpus = write_corpus(tmp_path / "all", {"gender": ("female", "male"), "pitch": ("low",)})
    return Variants(read_groups(DataDir(corpus), ("gender", "pitch")))


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "texts.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def test_offers(variants):
    assert variants.offer("female_low", "A woman with a deep voice.")
    assert not variants.offer("male_low", "a WOMAN, with a deep voice")
    assert not variants.offer("male_low", "A high-pitched man.")
    assert not variants.offer("male_low", "🎤 ...")
    assert not variants.offer("male_low", "Ein Mann mit tiefer Stimme.", english=True)
    assert variants.offer("male_low", "$(reboot) `ls` \"deep\" 'man' 🎤")
    assert variants.accepted == {
        "female_low": ["A woman with a deep voice."],
        "male_low": ["$(reboot) `ls` \"deep\" 'man' 🎤"],
    }
    assert [row["reason"] for row in variants.rejected] == [
        "the same words as a text of female_low",
        "'high ... pitched' says pitch high, the group is low",
        "no words",
        "not English",
    ]


def test_the_grammar_fills_every_group(variants):
    fill_from_grammar(variants, 200, seed=0)
    assert {group: len(texts) for group, texts in variants.accepted.items()} == {"female_low": 200, "male_low": 200}
    assert variants.rejected == []


def test_a_group_that_contradicts_itself_is_named(tmp_path):
    corpus = write_corpus(tmp_path / "all", {"gender": ("female",), "dress": ("a-deep-man",)})
    variants = Variants(read_groups(DataDir(corpus), ("gender", "dress")))
    with pytest.raises(InputError, match=r"female_a-deep-man: the grammar has \d usable texts, 5 asked; .*gender male"):
        fill_from_grammar(variants, 5, seed=0)


def test_a_file(variants, write):
    fill_from_file(variants, 2, write(TEXTS))
    assert variants.accepted == TEXTS


def test_a_contradiction_in_a_file_is_left_out_and_listed(variants, write):
    fill_from_file(variants, 2, write(TEXTS | {"male_low": ["A woman with low pitch.", *TEXTS["male_low"]]}))
    assert variants.accepted == TEXTS
    assert variants.rejected[0]["text"] == "A woman with low pitch." and "woman" in variants.rejected[0]["reason"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"female_low": [\n"x",\n]}', r"texts.json:3: not JSON"),
        ("[]", r"expected an object \{key: value\}, found a list"),
        (TEXTS | {"male_low": "A man."}, "male_low: expected a list of texts, found 'A man.'"),
        (TEXTS | {"male_low": ["A deep man.", ""]}, "male_low: text 2: empty text"),
        (TEXTS | {"male_low": ["A deep\nman."]}, "male_low: text 1: the text has a line break"),
        (TEXTS | {"male_low": ["A deep man.", 3]}, "male_low: text 2: expected a text, found 3"),
        (TEXTS | {"male_high": ["A man."]}, "unknown groups male_high; the groups of the data are female_low male_low"),
        ({"female_low": TEXTS["female_low"]}, "missing groups male_low"),
        (TEXTS | {"male_low": ["A deep man."]}, "male_low: 1 usable texts, expected at least 2"),
        (
            TEXTS | {"male_low": ["A deep man.", "A deep MAN", "A slow girl"]},
            "male_low: 1 usable texts.*same words.*girl",
        ),
        ('{"male_low": ["a"], "male_low": ["b"]}', "the key 'male_low' comes twice"),
    ],
)
def test_bad_files(variants, write, content, message):
    with pytest.raises(InputError, match=message):
        fill_from_file(variants, 2, write(content))


def test_a_file_that_is_not_utf8(tmp_path):
    (tmp_path / "texts.json").write_bytes(b'{"a": ["\xe9"]}')
    with pytest.raises(InputError, match=r"texts.json:1: not UTF-8 \(byte 0xe9\)"):
        read_variants_file(tmp_path / "texts.json")
