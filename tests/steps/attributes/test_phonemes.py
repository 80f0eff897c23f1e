"""Phonemes counted from phones, from a lexicon and from spelling; espeak-ng tells the truth."""

import re
from pathlib import Path

import numpy as np
import pytest

from steps.attributes import phonemes
from utils.errors import InputError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("phone", "characters"),
    [
        ("AH0", 1),
        ("AY1", 2),
        ("ER0_E", 2),
        ("CH", 2),
        ("SIL", 0),
        ("sil_S", 0),
        ("ˈaɪ", 2),
        ("iː", 1),
        ("ɚ", 2),
        ("t", 1),
    ],
)
def test_a_phone(phone, characters):
    assert phonemes.of_phone(phone) == characters


def test_phones_of_two_words():
    phones = ["sil", "HH_B", "AH0_I", "L_I", "OW1_E", "W_B", "ER1_I", "L_I", "D_E", "sil"]
    assert phonemes.n_words(phones) == 2
    assert phonemes.of_phones(phones, 2) == 5 + 1 + 5  # həloʊ wɜ˞ld


def test_lexicon_goes_before_spelling(tmp_path):
    (tmp_path / "lexicon.txt").write_text("HELLO HH AH0 L OW1\nHELLO HH EH0 L OW1\nTWO 0.9 T UW1\n")
    lexicon = phonemes.read_lexicon(tmp_path / "lexicon.txt")
    assert lexicon == {"hello": 5, "two": 2}
    assert phonemes.of_words("Hello, two cats!", lexicon) == 5 + 1 + 2 + 1 + 4


def test_lexicon_without_phones(tmp_path):
    (tmp_path / "lexicon.txt").write_text("A AH0\nHELLO\n")
    with pytest.raises(InputError, match="lexicon.txt:2: expected a word and its phones"):
        phonemes.read_lexicon(tmp_path / "lexicon.txt")


@pytest.mark.parametrize(
    ("word", "characters"),
    [
        ("the", 2),
        ("knife", 4),
        ("bridge", 5),
        ("nation", 6),
        ("table", 6),
        ("i", 2),
        ("light", 4),
        ("don't", 4),
        ("hmm", 2),
    ],
)
def test_spelling(word, characters):
    assert phonemes.of_spelling(word) == characters


def agreement(texts: list[str], phonemizer) -> tuple[float, float]:
    true = np.array([phonemizer.characters(text) for text in texts])
    estimated = np.array([phonemes.of_words(text, {}) for text in texts])
    return estimated.sum() / true.sum(), float(np.mean(np.abs(estimated - true) / true))


def test_spelling_agrees_with_espeak(phonemizer, sentences):
    ratio, deviation = agreement(sentences, phonemizer)
    print(f"sentences: estimated / true {ratio:.3f}, mean deviation {deviation:.3f}")
    assert 0.97 < ratio < 1.03 and deviation < 0.05


def test_spelling_agrees_with_espeak_on_other_prose(phonemizer):
    licence = (ROOT / "LICENSE").read_text()
    prose = [" ".join(part.split()) for part in re.split(r"[.;:,]\s", licence)]
    prose = [part for part in prose if re.fullmatch(r"[A-Za-z' ]{30,200}", part)]
    ratio, deviation = agreement(prose, phonemizer)
    print(f"{len(prose)} clauses: estimated / true {ratio:.3f}, mean deviation {deviation:.3f}")
    assert len(prose) > 50
    assert 0.95 < ratio < 1.05 and deviation < 0.06
