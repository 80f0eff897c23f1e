"""What is asked for: texts taken verbatim, ids that can name speakers, and clear errors for the rest."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from steps.generators.gender import UNKNOWN, WORDS
from steps.generators.requests import SampleRequest, from_file, from_groups, from_text
from tests.steps.generators.conftest import ROOT
from tests.steps.generators.experiment import GROUPS, Experiment, write_experiment
from utils.errors import InputError
from utils.tables import read_table, write_table

ODD = "A \"deep\" voice, 'slow' $(touch hacked) `touch hacked` \\n $HOME; rm -rf * | 🎤👩‍🦰 ä — ½"


def write(path: Path, *lines: str) -> Path:
    path.write_bytes(("\n".join(lines) + "\n").encode())
    return path


def test_a_text_is_taken_verbatim():
    assert from_text(ODD, 7) == [SampleRequest("text", ODD, 7)]
    assert from_text("  a voice ", 1)[0].text == "a voice"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--text: empty"),
        (" \t ", "--text: empty"),
        ("\u200b\u2060", "--text: empty"),
        ("one\ntwo", "line"),
        ("one\n", "control"),
        ("a\0b", "control"),
        ("a\x1b[1mb", "control"),
    ],
)
def test_a_text_that_cannot_be_a_line_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        from_text(text, 1)


def test_ids_are_read_and_plain_lines_are_numbered(tmp_path):
    file = write(tmp_path / "texts", f"zoe\t{ODD}", "A voice.", "abe\tAnother: with\ta tab", "A voice.")
    assert from_file(file, 3) == [
        SampleRequest("abe", "Another: with\ta tab", 3),
        SampleRequest("text00002", "A voice.", 3),
        SampleRequest("text00004", "A voice.", 3),
        SampleRequest("zoe", ODD, 3),
    ]


@pytest.mark.field_case("Words for an unknown gender in the third column of --text_file")
def test_a_gender_that_is_not_known_is_none(tmp_path):
    words = ("unknown", "NA", "-", " N/A ", "none", "", "m", "Female")
    file = write(tmp_path / "texts", *(f"{number}\tA voice.\t{word}" for number, word in enumerate(words)))
    assert [request.gender for request in from_file(file, 1)] == [None] * 6 + ["m", "f"]
    assert [request.gender for request in from_file(file, 1, "f")] == ["f"] * 6 + ["m", "f"]


def test_words_for_genders_are_those_of_the_corpora():
    labels = yaml.safe_load((ROOT / "local/rules/labels.yaml").read_text())
    assert sorted(UNKNOWN) == sorted(labels["unknown"])
    genders = labels["attributes"]["gender"]
    assert {letter: set(words) for letter, words in WORDS.items()} == {word[0]: set(genders[word]) for word in genders}


def test_line_ends_of_windows_are_no_part_of_a_text(tmp_path):
    file = tmp_path / "texts"
    file.write_bytes(b"a\tOne voice.\r\nb\tAnother.\r\n")
    assert [request.text for request in from_file(file, 1)] == ["One voice.", "Another."]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\tx\nb\ty\na\tz\n", r"texts:3: duplicate id 'a'"),
        (b"text00002\tx\nplain\n", r"texts:2: duplicate id 'text00002'"),
        (b"two words\tx\n", r"texts:1: 'two words'"),
        (b"x\n\ty\n", r"texts:2: ''"),
        (b"a\tx\nb\t \n", r"texts:2: empty text"),
        (b"a\tx\n\nb\ty\n", r"texts:2: empty text"),
        (b"fine\nna\xefve\n", r"texts:2: not UTF-8 \(byte 0xef\)"),
        (b"a\tx\x07y\n", r"texts:1: .*control character"),
        (b"a\tx\n" + 201 * b"b" + b"\ty\n", r"texts:2: an id of 201 characters, expected at most 200"),
        (b"", r"texts: empty; expected a description a line"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path, content, message):
    (tmp_path / "texts").write_bytes(content)
    with pytest.raises(InputError, match=message):
        from_file(tmp_path / "texts", 1)


@pytest.mark.parametrize("n", [1, 3, 4, 10])
def test_speakers_of_a_group_are_dealt_over_its_seen_variants(experiment: Experiment, n):
    requests = from_groups(experiment.descriptions, n)
    asked = Counter()
    for request in requests:
        asked[request.group] += request.n
        assert not request.text_id.endswith("v05")  # held out
        assert request.text_id.startswith(request.group)
        assert request.n in (n // 4, n // 4 + 1)
    assert asked == dict.fromkeys(GROUPS, n)
    assert [request.text_id for request in requests] == sorted(request.text_id for request in requests)


def test_where_only_captions_are_seen_all_variants_are_sampled(tmp_path):
    made = write_experiment(tmp_path, captions="instead")
    requests = from_groups(made.descriptions, 5)
    assert len(requests) == 20 and {request.n for request in requests} == {1}


def test_descriptions_without_variants_are_an_error(tmp_path):
    for name in ("text", "text2group", "text2set", "text2utt"):
        write_table(tmp_path / name, {"u1": "seen" if name == "text2set" else "u1"})
    with pytest.raises(InputError, match="no variants of any group; run stage 1"):
        from_groups(tmp_path, 5)


@pytest.mark.hostile("Tables of descriptions that disagree")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("text", "descriptions/text: no text for 'female_high-v01' of text2group; run stage 1 again"),
        ("text2set", "descriptions/text2set: 'female_high-v01' is only here or only in text2group"),
        ("text2group", "descriptions/text2set: 'female_high-v01' is only here or only in text2group"),
    ],
)
def test_a_text_that_is_in_some_tables_only_is_named(tmp_path, name, message):
    made = write_experiment(tmp_path)
    table = read_table(made.descriptions / name)
    del table["female_high-v01"]
    write_table(made.descriptions / name, table)
    with pytest.raises(InputError, match=message):
        from_groups(made.descriptions, 5)
    if name != "text":
        with pytest.raises(InputError, match=message):
            made.pairs("train")


@pytest.mark.hostile("A word in text2set that is neither seen nor heldout")
@pytest.mark.parametrize("word", ["Seen", "train", "held-out"])
def test_an_unknown_set_of_texts_is_named(tmp_path, word):
    """Else nobody would train on the text or sample for it."""
    made = write_experiment(tmp_path)
    table = read_table(made.descriptions / "text2set")
    write_table(made.descriptions / "text2set", table | {"male_low-v01": word})
    message = f"text2set: 'male_low-v01': expected seen or heldout, found '{word}'"
    with pytest.raises(InputError, match=message):
        from_groups(made.descriptions, 5)


@pytest.mark.hostile("A control character in an id or a text that is to be sampled")
def test_a_text_of_stage_1_that_was_edited_is_checked(tmp_path):
    made = write_experiment(tmp_path)
    table = read_table(made.descriptions / "text")
    write_table(made.descriptions / "text", table | {"male_low-v01": "A voice\x07."})
    with pytest.raises(InputError, match="descriptions/text: male_low-v01: the text has a control character"):
        from_groups(made.descriptions, 5)
    with pytest.raises(InputError, match=r"texts:1: the id .* has a control character"):
        from_file(write(tmp_path / "texts", "a\x07b\tA voice."), 1)
