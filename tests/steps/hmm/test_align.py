"""Alignments of our own, as arrays and as CTM; and those of others in their place."""

import filecmp
import shutil

import numpy as np
import pytest
import torch

from steps.hmm import align, import_ali
from steps.hmm.hmm_dir import write_hmm
from steps.hmm.hmm_model import HmmScorer
from steps.hmm.paths import best_paths, totals
from steps.hmm.segments import read_ctm
from steps.hmm.totals import LoopTotals
from steps.hmm.trellis import Trellis
from steps.hmm.word_loop import loop_states
from tests.steps.hmm.small_hmm import sample, small_lang, small_model
from tests.steps.hmm.trainings import train, write_corpus
from utils.archive_writer import ArchiveWriter
from utils.archives import ArchiveReader
from utils.errors import InputError
from utils.tables import read_lines, read_table


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = write_corpus(tmp_path_factory.mktemp("corpus"), 12)
    (directory / "mono").mkdir()
    write_hmm(directory / "mono", small_model(), small_lang())
    assert run_align(directory, directory / "ali", "--posteriors", "true") == 0
    return directory


def run_align(corpus, out, *words):
    paths = ["--data", corpus / "feats", "--model", corpus / "mono", "--feats", corpus / "feats", "--out", out]
    return align.main([*map(str, paths), "--shard_frames", "100", *words])


def run_import(corpus, out, *words):
    paths = ["--data", corpus / "feats", "--lang", corpus / "lang", "--feats", corpus / "feats", "--out", out]
    return import_ali.main([*map(str, paths), *map(str, words)])


def objects(script):
    reader = ArchiveReader(script)
    return {key: reader[key] for key in reader}


def equal(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_densities_units_and_times_agree(corpus):
    ali, phones, post = (objects(corpus / "ali" / f"{name}.scp") for name in ("ali", "phones", "post"))
    units, words = read_ctm(corpus / "ali" / "ctm"), read_ctm(corpus / "ali" / "words.ctm")
    names = list(read_table(corpus / "ali" / "phones.txt"))
    unit_of = np.repeat(np.arange(1, 5), [2, 2, 1, 2])
    for key, text in read_table(corpus / "feats" / "text").items():
        assert ali[key].dtype == np.int32
        np.testing.assert_array_equal(unit_of[ali[key]], phones[key])
        assert [one.label for one in words[key]] == text.split()
        by_time = np.concatenate([[names.index(one.label)] * round((one.end - one.begin) * 100) for one in units[key]])
        np.testing.assert_array_equal(by_time, phones[key])
        np.testing.assert_allclose(post[key].sum(axis=1), 1, atol=1e-4)
        assert (post[key].argmax(axis=1) == ali[key]).mean() > 0.8


def test_the_number_of_jobs_changes_nothing(corpus, tmp_path):
    for number in ("2", "1"):
        assert run_align(corpus, tmp_path / "ali", "--posteriors", "true", "--nj", "2", "--job", number) == 0
    assert run_align(corpus, tmp_path / "ali", "--posteriors", "true") == 0
    names = ["ali.ark", "phones.ark", "post.ark", "ctm", "words.ctm", "loglikes.tsv", "failures.tsv"]
    assert filecmp.cmpfiles(corpus / "ali", tmp_path / "ali", names, shallow=False) == (names, [], [])


def test_a_loop_of_words_needs_no_text(corpus, tmp_path):
    shutil.copytree(corpus, tmp_path / "c")
    (tmp_path / "c" / "feats" / "text").unlink()
    assert run_align(tmp_path / "c", tmp_path / "ali", "--words", "loop", "--posteriors", "true") == 0
    words, text = read_ctm(tmp_path / "ali" / "words.ctm"), read_table(corpus / "feats" / "text")
    known = set(small_lang().lexicon)
    found = {key: [one.label for one in words.get(key, [])] for key in text}
    assert all(set(labels) <= known for labels in found.values())
    free, bound = (
        {key: float(value) for key, value in (line.split("\t") for line in lines[1:])}
        for lines in (read_lines(directory / "ali" / "loglikes.tsv") for directory in (tmp_path, corpus))
    )
    rough = [abs(free[key] - bound[key]) for key in text]  # words and silence have other probabilities
    assert np.mean(rough) < 0.5


def test_the_loop_is_that_of_scores():
    lang, model = small_lang(), small_model()
    frames = sample(model, lang, ["ab", "abc"], 1)
    likelihoods = HmmScorer(model, dtype=torch.float64).log_likelihoods(frames)
    trellis = Trellis.of([loop_states(lang).graph(model.loops)], [likelihoods])
    theirs = LoopTotals(lang, model.loops, torch.float64)
    emissions, lengths = likelihoods[None][:, :, theirs.pdfs], torch.tensor([len(frames)])
    assert best_paths(trellis)[0][0] == pytest.approx(float(theirs(emissions, lengths, True)[0]))
    assert float(totals(trellis)[0]) == pytest.approx(float(theirs(emissions, lengths, False)[0]))


def test_what_cannot_be_aligned_is_named(corpus, tmp_path, capsys):
    shutil.copytree(corpus, tmp_path / "c")
    keys = list(read_table(corpus / "feats" / "text"))
    text = read_table(corpus / "feats" / "text") | {keys[0]: "abc " * 99}
    (tmp_path / "c" / "feats" / "text").write_text("".join(f"{key} {words}\n" for key, words in text.items()))
    assert run_align(tmp_path / "c", tmp_path / "ali") == 1
    assert "1 of 12 utterances (8.33 %) fail: 1 too_short" in capsys.readouterr().err
    assert run_align(tmp_path / "c", tmp_path / "ali", "--max_fail", "0.1") == 0
    assert sorted(objects(tmp_path / "ali" / "ali.scp")) == sorted(keys)[1:]


def test_a_ctm_of_ours_comes_back(corpus, tmp_path):
    assert run_import(corpus, tmp_path / "ali", "--ctm", corpus / "ali" / "ctm") == 0
    ours = objects(corpus / "ali" / "phones.scp")
    unit_of = np.repeat(np.arange(1, 5), [2, 2, 1, 2])
    for key, found in objects(tmp_path / "ali" / "ali.scp").items():
        np.testing.assert_array_equal(unit_of[found], ours[key])


def test_archives_of_ours_come_back(corpus, tmp_path):
    assert run_import(corpus, tmp_path / "ali", "--ali", corpus / "ali" / "ali.scp") == 0
    assert equal(objects(tmp_path / "ali" / "ali.scp"), objects(corpus / "ali" / "ali.scp"))
    assert run_import(corpus, tmp_path / "post", "--posteriors", corpus / "ali" / "post.scp") == 0
    assert equal(objects(tmp_path / "post" / "post.scp"), objects(corpus / "ali" / "post.scp"))


def test_units_are_shared_out_to_their_states(corpus, tmp_path):
    assert run_import(corpus, tmp_path / "ali", "--ali", corpus / "ali" / "phones.scp", "--of", "units") == 0
    phones = objects(corpus / "ali" / "phones.scp")
    with ArchiveWriter(tmp_path / "p.ark", tmp_path / "p.scp") as writer:
        for key, found in phones.items():
            writer.add(key, np.eye(4, dtype=np.float32)[found - 1])
    assert run_import(corpus, tmp_path / "post", "--posteriors", tmp_path / "p.scp", "--of", "units") == 0
    hard, soft = objects(tmp_path / "ali" / "ali.scp"), objects(tmp_path / "post" / "post.scp")
    for key in hard:
        np.testing.assert_array_equal(hard[key], soft[key].argmax(axis=1))
        assert (soft[key].max(axis=1) == 1).all()


@pytest.mark.parametrize("kind", ["ali", "post"])
def test_training_takes_alignments_in_the_place_of_its_own(corpus, tmp_path, kind):
    given = tmp_path / "given"
    shutil.copytree(corpus / "ali", given)
    if kind == "post":
        (given / "ali.scp").unlink()
    assert train(corpus, tmp_path / "mono", "--ali", str(given)) == 0


CTM = {
    "no numbers": ("a-1 1 0.0 x A\n", "ctm:1: expected 'utterance channel begin duration label'"),
    "backwards": ("u 1 0.5 0.1 A\nu 1 0.1 0.1 A\n", "ctm:2: begins before the line above ends"),
    "negative": ("u 1 -1 0.1 A\n", "ctm:1: expected seconds from 0 on"),
    "empty": (";; nothing\n", "ctm: no lines"),
    "not a number": ("u 1 nan 0.1 A\n", "ctm:1: expected seconds from 0 on"),
}


@pytest.mark.parametrize(("text", "message"), CTM.values(), ids=CTM)
def test_what_is_no_ctm_is_refused(tmp_path, text, message):
    (tmp_path / "ctm").write_text(text)
    with pytest.raises(InputError, match=message):
        read_ctm(tmp_path / "ctm")


def test_labels_and_lengths_that_do_not_fit_are_named(corpus, tmp_path, capsys):
    keys = list(read_table(corpus / "feats" / "text"))
    lines = [f"{keys[0]} 1 0 0.05 A1_B", f"{keys[1]} 1 0 0.1 WHAT", f"{keys[2]} 1 99 0.1 A", f"{keys[3]} 1 0 0.1 ab"]
    (tmp_path / "ctm").write_text("\n".join(lines) + "\n")
    assert run_import(corpus, tmp_path / "ali", "--ctm", tmp_path / "ctm") == 1
    assert "8 no_alignment, 1 other_length, 1 unknown_label" in capsys.readouterr().err
    assert run_import(corpus, tmp_path / "ali", "--ctm", tmp_path / "ctm", "--max_fail", "0.9") == 0
    found = objects(tmp_path / "ali" / "ali.scp")
    np.testing.assert_array_equal(found[keys[0]][:7], [2, 2, 2, 3, 3, 0, 0])
    np.testing.assert_array_equal(found[keys[3]][:10], [2, 2, 2, 2, 3, 3, 3, 4, 4, 4])


def test_archives_of_another_kind_are_refused(corpus, tmp_path, capsys):
    assert run_import(corpus, tmp_path / "ali", "--ali", corpus / "ali" / "post.scp") == 1
    assert run_import(corpus, tmp_path / "ali", "--posteriors", corpus / "ali" / "ali.scp") == 1
    assert run_import(corpus, tmp_path / "ali", "--posteriors", corpus / "ali" / "post.scp", "--of", "units") == 1
    assert run_import(corpus, tmp_path / "ali") == 1
    said = capsys.readouterr().err
    assert "expected a vector of int32" in said and "expected frames x 7" in said and "expected frames x 4" in said
    assert "expected one of --ctm, --ali and --posteriors, found 0" in said
