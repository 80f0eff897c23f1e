"""PocketSphinx on real speech: each utterance by itself, by a grammar, and in another interpreter."""

import sys
from pathlib import Path

import numpy as np
import pytest

from steps.asr import check
from steps.asr.pocketsphinx import Pocketsphinx, PocketsphinxOptions
from steps.audio.read import load
from steps.audio.recordings import Utterance
from tests.conftest import real_data

ROOT = Path(__file__).parents[3]
DIGIT = PocketsphinxOptions(grammar=ROOT / "conf/asr/digit.jsgf")
pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")


def digits(*names: str) -> list[np.ndarray]:
    folder = real_data("fsdd") / "flac"
    return [load(Utterance(name, folder / f"{name}.flac", None, None, "", "", "")).waveform for name in names]


def test_each_utterance_is_recognised_by_itself():
    one, two = digits("1_george_0", "7_theo_3")
    with Pocketsphinx(DIGIT) as recogniser:
        first = recogniser(one)
        assert first.text == "one" and recogniser(two).text == "seven" and recogniser(one) == first
        (word,) = first.words
        assert 0 <= word.begin < word.end <= len(one) / 16000 + 0.02 and 0 < word.confidence <= 1


def test_what_was_recognised_before_changes_nothing():
    """A decoder that is used again has another start of its features, which the language model makes audible."""
    one, two = digits("1_george_0", "7_theo_3")
    with Pocketsphinx(PocketsphinxOptions()) as recogniser:
        first, _, again = recogniser(one), recogniser(two), recogniser(one)
    assert first.words and again == first


def test_another_interpreter_recognises_the_same():
    sounds = digits("1_jackson_0", "7_theo_3", "9_lucas_2")
    here = Pocketsphinx(DIGIT)
    there = Pocketsphinx(PocketsphinxOptions(grammar=DIGIT.grammar, python=sys.executable))
    with here, there:
        assert [there(one) for one in sounds] == [here(one) for one in sounds]
        assert there.facts["pocketsphinx"] == here.facts["pocketsphinx"]


@pytest.mark.parametrize(
    ("grammar", "answer"),
    [
        ("#JSGF V1.0;\ngrammar d;\npublic <d> = zero | blarghz;", "The word 'blarghz' is missing in the dictionary"),
        ("zero | one", "syntax error"),
    ],
)
@pytest.mark.parametrize("words", [(), ("--set", f"python={sys.executable}")])
def test_a_bad_grammar_is_named(tmp_path, capsys, grammar, answer, words):
    (tmp_path / "bad.jsgf").write_text(grammar)
    assert check.main(["--set", f"grammar={tmp_path / 'bad.jsgf'}", *words]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "bad.jsgf: " in error and answer in error
