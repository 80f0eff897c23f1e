"""Errors of transcripts: counts beside published ones, jiwer's and those of all alignments; intervals; bad input."""

import csv
import gzip
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from steps.asr import error_rates
from steps.asr.edits import Edits, edits
from steps.asr.normalisations import normaliser
from tests.conftest import real_data

# README.md of librispeech-text; of the first one on test-other its source publishes the kinds of errors too
PUBLISHED = {
    "asr-test-clean": {"rnnt": 3.65, "rnnt_nnlm": 2.79, "rnnt_deep_biasing100": 3.11, "rnnt_all_biasing100": 1.98},
    "asr-test-other": {"rnnt": 9.61, "rnnt_nnlm": 7.35, "rnnt_deep_biasing100": 8.79, "rnnt_all_biasing100": 5.86},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones(name, tmp_path, capsys):
    with gzip.open(real_data("librispeech-text") / f"{name}.tsv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for column in ("reference", *PUBLISHED[name]):
        text = "".join(f"{row['utterance']} {row[column] or ''}\n" for row in rows)
        (tmp_path / column).write_text(text, encoding="utf-8")
    speakers = "".join(f"{row['utterance']} {row['utterance'].split('-')[0]}\n" for row in rows)
    (tmp_path / "utt2spk").write_text(speakers)
    for system, rate in PUBLISHED[name].items():
        words = ["--ref", str(tmp_path / "reference"), "--hyp", str(tmp_path / system), "--draws", "200"]
        assert error_rates.main([*words, "--out", str(tmp_path / f"rates_{system}"), "--normalise", "none"]) == 0
        found = json.loads((tmp_path / f"rates_{system}" / "error_rates.json").read_text())
        assert round(100 * found["words"]["rate"], 2) == rate
        low, high = found["words"]["interval"]
        assert low < found["words"]["rate"] < high and found["speakers_known"]
        if (name, system) == ("asr-test-other", "rnnt"):
            kinds = [found["words"][kind] for kind in ("reference", "substitutions", "insertions", "deletions")]
            assert kinds == [52343, 3903, 563, 563]
            assert "%WER 9.61 [ 5029 / 52343, 563 ins, 563 del, 3903 sub ], 95 % interval" in capsys.readouterr().out


def least(reference: tuple, hypothesis: tuple) -> tuple[int, int]:
    """The fewest errors, and the fewest substitutions among alignments with so many: by trying all."""
    if not reference or not hypothesis:
        return len(reference) + len(hypothesis), 0
    (gap_e, gap_s), (other_e, other_s), (both_e, both_s) = (
        least(reference[1:], hypothesis),
        least(reference, hypothesis[1:]),
        least(reference[1:], hypothesis[1:]),
    )
    wrong = reference[0] != hypothesis[0]
    return min((gap_e + 1, gap_s), (other_e + 1, other_s), (both_e + wrong, both_s + wrong))


def test_kinds_of_errors_are_those_of_the_best_alignment():
    texts = [text for n in range(5) for text in itertools.product("ab", repeat=n)]
    for reference, hypothesis in itertools.product(texts[::2], texts):
        found = edits(list(reference), list(hypothesis))
        assert (found.errors, found.substitutions) == least(reference, hypothesis)
        assert found.reference - found.deletions + found.insertions == len(hypothesis)
        assert edits("".join(reference), "".join(hypothesis)) == found


def test_rates_are_those_of_jiwer():
    jiwer = pytest.importorskip("jiwer", reason="jiwer is not installed")
    rng, vocabulary = np.random.default_rng(0), np.array(["the", "a", "cat", "sat", "on", "mat", "hat"])
    pairs = [[" ".join(rng.choice(vocabulary, rng.integers(1, 12))) for _ in range(2)] for _ in range(50)]
    references, hypotheses = map(list, zip(*pairs, strict=True))
    for unit, rate in (("words", jiwer.wer), ("characters", jiwer.cer)):
        total = Edits()
        for reference, hypothesis in pairs:
            split = (reference.split(), hypothesis.split()) if unit == "words" else (reference, hypothesis)
            total = total.plus(edits(*split))
        assert total.errors / total.reference == pytest.approx(rate(references, hypotheses), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("plain", "It’s 5 o'clock, 'Anna'—DON'T!", "it's 5 o'clock anna don't"),
        ("plain", "ÉCOLE ﬁn naïve ñ हिन्दी", "école fin naïve ñ हिन्दी"),
        ("none", " It's  5 o'clock, ", "It's 5 o'clock,"),
        ("whisper_english", "Um, it's twenty-five [noise] dollars", "it is $25"),
    ],
)
def test_texts_are_written_one_way(name, text, expected):
    assert normaliser(name)(text) == expected


def write(tmp_path: Path, ref: str, hyp: str, utt2spk: str = "") -> list[str]:
    for name, content in (("ref", ref), ("hyp", hyp), ("utt2spk", utt2spk)):
        if content:
            (tmp_path / name).write_text(content)
    return ["--ref", str(tmp_path / "ref"), "--hyp", str(tmp_path / "hyp"), "--out", str(tmp_path / "out")]


@pytest.mark.parametrize(("missing", "deletions", "n"), [("deleted", 3, 6), ("left_out", 1, 4), ("error", None, None)])
def test_what_has_no_hypothesis_counts_as_asked(tmp_path, capsys, missing, deletions, n):
    words = write(
        tmp_path, "a-1 one two\na-2 two three\nb-1 x y\n", "a-1 one two\na-2 TWO\nc-1 z\n", "a-1 a\na-2 a\nb-1 b\n"
    )
    status = error_rates.main([*words, "--missing", missing])
    if deletions is None:
        assert status == 1 and "1 ids of --ref are missing, such as b-1" in capsys.readouterr().err
        return
    found = json.loads((tmp_path / "out" / "error_rates.json").read_text())
    assert (found["words"]["deletions"], found["words"]["reference"]) == (deletions, n)
    assert (found["without_hypothesis"], found["without_reference"]) == (1, 1)
    rows = (tmp_path / "out" / "speakers.tsv").read_text().splitlines()
    assert rows[1].split("\t")[:6] == ["a", "a", "4", "0", "0", "1"]
    printed = capsys.readouterr().out
    assert error_rates.main([*words, "--missing", missing]) == 0 and capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("ref", "hyp", "utt2spk", "answer"),
    [
        ("a one\n", "b one\n", "", "none of the 1 ids of --ref is here, such as a"),
        ("a\n", "a one\n", "", "no words to compare"),
        ("a one\na two\n", "a one\n", "", "ref:2: duplicate key 'a'"),
        ("a one\n one\n", "a one\n", "", "ref:2: expected an id and words"),
        ("a one\n", "a one\n", "b b\n", "utt2spk: no line for a"),
        ("a one\n", "", "", "hyp: no such file"),
    ],
)
def test_bad_tables_are_named(tmp_path, capsys, ref, hyp, utt2spk, answer):
    assert error_rates.main(write(tmp_path, ref, hyp, utt2spk)) == 1
    assert answer in capsys.readouterr().err.splitlines()[-1] and not (tmp_path / "out").exists()
