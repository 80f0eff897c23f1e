"""Training: the likelihood grows, the number of jobs changes nothing, and what cannot be used is named."""

import filecmp
import shutil

import numpy as np
import pytest

from steps.hmm import plan_mono, train_mono
from steps.hmm.hmm_dir import read_hmm
from steps.hmm.lang import Lang
from steps.hmm.uniform_alignment import uniform_alignment
from steps.hmm.word_loop import loop_states
from tests.steps.features.speech import write_speech
from tests.steps.hmm.small_hmm import small_lang
from tests.steps.hmm.trainings import train, write_corpus
from utils.archives import ArchiveReader
from utils.tables import read_table

SAME = ("model.safetensors", "passes.tsv", "failures.tsv", "lang/units.txt")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def trained(corpus):
    assert train(corpus, corpus / "mono") == 0
    return corpus / "mono"


def likelihoods(directory):
    rows = [line.split("\t") for line in (directory / "passes.tsv").read_text().splitlines()[1:]]
    return [float(row[3]) for row in rows]


def test_the_likelihood_grows_and_mixtures_have_their_numbers(trained):
    model, lang = read_hmm(trained)
    assert np.bincount(model.pdfs).max() <= 4 and lang.units == small_lang().units
    found = likelihoods(trained)
    assert len(found) == 7 and all(b > a for a, b in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("words", [("--method", "viterbi"), ("--init", "flat"), ("--frames", "speech")], ids=" ".join)
def test_other_ways_to_train(corpus, tmp_path, words):
    assert train(corpus, tmp_path / "mono", *words, "--precision", "float64") == 0
    found = likelihoods(tmp_path / "mono")
    assert all(b > a - 1e-6 for a, b in zip(found, found[1:], strict=False))


def test_the_number_of_jobs_changes_nothing(corpus, trained, tmp_path):
    words = ("--nj", "3")
    assert train(corpus, tmp_path / "mono", *words, "--job", "2") == 1  # nothing is planned
    paths = {"data": corpus / "feats", "lang": corpus / "lang", "feats": corpus / "feats", "out": tmp_path / "mono"}
    sizes = {"gaussians": 2, "silence_gaussians": 4, "passes_per_split": 2, "passes": 3, "least_frames": 4.0}
    plan_mono.work(train_mono.Options(**paths, **sizes, shard_frames=60))
    assert train(corpus, tmp_path / "mono", *words, "--job", "2") == 0
    assert train(corpus, tmp_path / "mono", *words, "--job", "1") == 0
    assert train(corpus, tmp_path / "mono") == 0
    assert filecmp.cmpfiles(trained, tmp_path / "mono", SAME, shallow=False) == (list(SAME), [], [])


@pytest.mark.hostile("Transcripts that are missing, unknown, or longer than their files, where monophones are trained")
def test_utterances_that_cannot_be_used_are_named(corpus, tmp_path, capsys):
    shutil.copytree(corpus, tmp_path / "c")
    text = read_table(corpus / "feats" / "text")
    keys = list(text)
    text[keys[0]], text[keys[1]], text[keys[2]] = "ab nay", "", " ".join(["abc"] * 99)
    lines = "".join(f"{key} {words}\n" for key, words in text.items())
    (tmp_path / "c" / "feats" / "text").write_text(lines)
    assert train(tmp_path / "c", tmp_path / "mono") == 1
    assert "3 of 24 utterances (12.50 %) fail: 1 no_transcript, 1 too_short, 1 unknown_word" in capsys.readouterr().err
    assert not (tmp_path / "mono").exists()
    assert train(tmp_path / "c", tmp_path / "mono", "--max_fail", "0.2", "--passes", "1") == 0
    rows = [line.split("\t")[:2] for line in (tmp_path / "mono" / "failures.tsv").read_text().splitlines()[1:]]
    assert rows == [[keys[0], "unknown_word"], [keys[1], "no_transcript"], [keys[2], "too_short"]]


def test_features_that_do_not_vary_are_refused(corpus, tmp_path, capsys):
    data, reader = corpus / "feats", ArchiveReader(corpus / "feats" / "feats.scp")
    shutil.copytree(corpus / "lang", tmp_path / "c" / "lang")
    frames = [reader[key] * np.float32([1, 0, 1]) for key in reader]
    tables = [read_table(data / name) for name in ("utt2spk", "text")]
    write_speech(tmp_path / "c" / "feats", tables[0], frames, text=tables[1])
    assert train(tmp_path / "c", tmp_path / "mono") == 1
    assert "feature 1 (from 0) has the same value in all" in capsys.readouterr().err


def test_speech_is_shared_out_evenly_and_the_rest_is_silence():
    speech = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0], bool)
    found = uniform_alignment(small_lang(), ["ab"], speech)
    np.testing.assert_array_equal(found, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 1])
    found = uniform_alignment(small_lang(), ["ab"], np.zeros(6, bool))
    np.testing.assert_array_equal(found, [2, 2, 3, 3, 4, 4])


def test_words_that_nobody_says_are_not_in_the_loop(corpus, tmp_path):
    lang = small_lang()
    units, lexicon = lang.units | {"D": 2}, {**lang.lexicon, "d": [("D",)], "cd": [("C",), ("C", "D")]}
    shutil.copytree(corpus, tmp_path / "c")
    shutil.rmtree(tmp_path / "c" / "lang")
    Lang(units, lexicon).save(tmp_path / "c" / "lang")
    assert train(tmp_path / "c", tmp_path / "mono") == 0
    _, found = read_hmm(tmp_path / "mono")
    assert list(found.unheard) == ["D"] and found.lexicon == lexicon
    assert found.heard == {**lang.lexicon, "cd": [("C",)]}
    assert set(loop_states(found).units) == {0, 1, 2, 3}
