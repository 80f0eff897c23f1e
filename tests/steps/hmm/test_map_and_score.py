"""Adapted hidden Markov models and scores of paths, beside plain loops; any number of jobs; faults by name."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.gmm_dir import write_gmm
from steps.gmm.likelihood_ratios import Movement
from steps.gmm.map_options import MapOptions
from steps.gmm.statistics import FrameScorer
from steps.hmm.expectation import Aligner, Spoken
from steps.hmm.hmm_dir import read_hmm
from steps.hmm.hmm_model import HmmScorer
from steps.hmm.map_adapt import main as map_adapt
from steps.hmm.map_adaptation import adapt_hmm
from steps.hmm.path_ratios import ClaimedVoice, PathRatios
from steps.hmm.paths import best_paths, totals
from steps.hmm.score import main as score
from steps.hmm.totals import LoopTotals
from steps.hmm.trellis import Trellis
from tests.steps.hmm.phrases import SAID, SHORT, write_phrases
from tests.steps.hmm.small_hmm import DIM, sample, small_lang, small_model
from utils.archive_writer import ArchiveWriter
from utils.archives import ArchiveReader

ADAPT = ["--data", "feats", "--feats", "feats", "--mono", "mono"]
SCORE = ["--trials", "trials", "--models", "models", "--feats", "feats", "--max_fail", "0.5"]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    write_phrases(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(out: str) -> dict[str, bytes]:
    told, own = ("run_info.json", "config.yaml", ".done"), f"{out}/".encode()
    files = [path for path in sorted(Path(out).iterdir()) if path.is_file() and path.name not in told]
    return {path.name: path.read_bytes().replace(own, b"") for path in files}


def total(model, lang, words, frames, best) -> float:
    """Of one utterance, by the general trellis, in float64."""
    trellis = Trellis.of([lang.graph_of(words, model.loops)], [HmmScorer(model).log_likelihoods(frames)])
    return float((best_paths(trellis)[0] if best else totals(trellis))[0])


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("alignment", ["viterbi", "forward_backward"])
def test_models_move_along_their_alignments(here, alignment, passes):
    words = [
        "--alignment",
        alignment,
        "--adapt",
        "means,variances,weights",
        "--passes",
        str(passes),
        "--relevance",
        "2",
    ]
    assert map_adapt([*ADAPT, *words, "--out", "models"]) == 0
    prior, lang = read_hmm(Path("mono"))
    frames, model = ArchiveReader(Path("feats/feats.scp")), prior
    for _ in range(passes):
        spoken = [Spoken(SAID["s2"], frames[f"ann-s2-{take}"]) for take in (0, 1)]
        sums = Aligner(HmmScorer(model), lang, alignment).sums(spoken).gaussians
        model = adapt_hmm(prior, sums, MapOptions(relevance=2, adapt=("means", "variances", "weights")), model)
    for name in ("means", "variances", "weights"):
        found = ArchiveReader(Path(f"models/{name}.scp"))["ann_s2"]
        np.testing.assert_allclose(found, getattr(model, name), rtol=1e-4, atol=1e-5)
    assert np.bincount(prior.pdfs, ArchiveReader(Path("models/weights.scp"))["ann_s2"]) == pytest.approx(1, abs=1e-6)
    silent = sums.counts == 0
    np.testing.assert_array_equal(model.means[silent], prior.means[silent])


@pytest.mark.parametrize("paths", ["viterbi", "forward"])
def test_scores_are_those_of_a_plain_loop(here, paths):
    assert map_adapt([*ADAPT, "--out", "models"]) == 0
    assert score([*SCORE, "--paths", paths, "--out", "scores"]) == 0
    prior, lang = read_hmm(Path("mono"))
    frames, means = ArchiveReader(Path("feats/feats.scp")), ArchiveReader(Path("models/means.scp"))
    rows = [line.split() for line in Path("scores/scores").read_text().splitlines()]
    listed = [line.split() for line in Path("trials").read_text().splitlines()]
    short = [one for one in listed if len(frames[one[1]]) < lang.fewest_frames(SAID[one[0][-2:]])]
    assert [row[:2] for row in rows] == [one for one in listed if one not in short] and len(short) > 4
    for model, test, value in rows[::5]:
        own = replace(prior, means=means[model].astype(float))
        both = [total(one, lang, SAID[model[-2:]], frames[test], paths == "viterbi") for one in (own, prior)]
        assert float(value) == pytest.approx((both[0] - both[1]) / len(frames[test]), abs=1e-4)
    failed = Path("scores/failures.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[:2] for line in failed] == [[" ".join(one), "too_short"] for one in short]
    assert any("2 frames of speech; 'ab c' takes" in line for line in failed)


def test_only_what_is_wanted_is_computed():
    model, lang = small_model(), small_lang()
    utterances = [sample(model, lang, list(words), 7).astype("f4") for words in SAID.values()]
    ratios = PathRatios(model, lang, ("background",), True)
    own = replace(model, means=model.means + 0.3)
    claims = [ClaimedVoice(words, Movement(ratios.pool, own.pool)) for words in SAID.values()]
    every = ratios.means(utterances, claims)
    wanted = np.array([[True, False, False], [True, False, True], [False, False, False]])
    np.testing.assert_allclose(ratios.means(utterances, claims, wanted)[wanted], every[wanted], atol=1e-6)


@pytest.mark.parametrize("best", [True, False], ids=["best", "all"])
def test_denominators_are_what_they_say(best):
    model, lang, rng = small_model(), small_lang(), np.random.default_rng(0)
    ubm = DiagGmm(np.array([0.4, 0.6]), rng.normal(size=(2, DIM)), np.ones((2, DIM)))
    utterances = [sample(model, lang, list(words), 7).astype("f4") for words in SAID.values()]
    claims = [ClaimedVoice(words, None) for words in SAID.values()]
    of_sentences = np.array([[total(model, lang, words, x, best) for words in SAID.values()] for x in utterances])
    lengths = np.array([len(x) for x in utterances])
    expected = {
        "background": of_sentences,
        "sentences": of_sentences.max(axis=1, keepdims=True),
        "ubm": np.array([[FrameScorer(ubm).log_likelihoods(x).sum()] for x in utterances]),
    }
    for against in (("background",), ("sentences",), ("ubm",), ("background", "ubm")):
        given = ubm if "ubm" in against else None
        found = PathRatios(model, lang, against, best, given, list(SAID.values())).means(utterances, claims)
        wanted = of_sentences - np.mean([np.broadcast_to(expected[name], (3, 3)) for name in against], axis=0)
        np.testing.assert_allclose(found, wanted / lengths[:, None], atol=1e-4)


@pytest.mark.parametrize("best", [True, False], ids=["best", "all"])
def test_a_free_loop_is_all_rows_of_words(best):
    """Enumerated: every row of words and silence that fits into few frames, with the probability of the loop."""
    model, lang = small_model(), small_lang()
    x = sample(model, lang, ["ab", "c"], 1)[:5].astype("f4")
    emissions = HmmScorer(model).log_likelihoods(x).numpy()
    choices = [((lang.silence,), lang.silence_share)]
    for rows in lang.lexicon.values():
        choices += [(row, (1 - lang.silence_share) / len(lang.lexicon) / len(rows)) for row in rows]
    logs = []
    for n in range(1, 6):
        for row in itertools.product(choices, repeat=n):
            pdfs = [lang.first_pdfs[u] + k for units, _ in row for u in units for k in range(lang.units[u])]
            if len(pdfs) <= len(x):
                prior = sum(np.log(weight) for _, weight in row)
                logs += [prior + one for one in in_a_row(np.array(pdfs), model.loops, emissions)]
    loop = LoopTotals(lang, model.loops, torch.float64)
    states = torch.from_numpy(emissions[None, :, loop.pdfs])
    found = float(loop(states, torch.tensor([len(x)]), best)[0])
    assert found == pytest.approx(max(logs) if best else np.logaddexp.reduce(logs), abs=1e-9)


def in_a_row(pdfs, loops, emissions):
    """Log probabilities of all ways to pass through states in a row and leave the last one."""
    n, size = len(emissions), len(pdfs)
    for cuts in itertools.combinations(range(1, n), size - 1):
        lengths = np.diff([0, *cuts, n])
        moves = ((lengths - 1) * np.log(loops[pdfs]) + np.log1p(-loops[pdfs])).sum()
        yield moves + emissions[np.arange(n), np.repeat(pdfs, lengths)].sum()


def test_bytes_do_not_depend_on_jobs_nor_on_a_kill(here):
    small = ["--shard_recordings", "2"]
    assert [map_adapt([*ADAPT, *small, "--nj", "2", "--job", str(job), "--out", "in_jobs"]) for job in (1, 2)] == [0, 0]
    lose_a_part(here / ".in_jobs.parts")
    for out in ("in_jobs", "models"):
        assert map_adapt([*ADAPT, *small, "--out", out]) == 0
    assert content("models") == content("in_jobs")
    more = ["--shard_trials", "7", "--against", "background,loop"]
    assert [score([*SCORE, *more, "--nj", "2", "--job", str(job), "--out", "two"]) for job in (1, 2)] == [0, 0]
    lose_a_part(here / ".two.parts")
    for out in ("two", "one"):
        assert score([*SCORE, *more, "--out", out]) == 0
    assert content("one") == content("two")


def lose_a_part(parts: Path) -> None:
    """As a job that was killed leaves them."""
    sorted(parts.rglob("part-*.npz"))[-1].unlink()


def test_alignments_of_others_take_the_place_of_ours(here):
    model, lang = read_hmm(Path("mono"))
    frames, spoken = ArchiveReader(Path("feats/feats.scp")), {}
    Path("ali").mkdir()
    with ArchiveWriter(Path("ali/ali.ark"), Path("ali/ali.scp")) as writer:
        for name in frames:
            words = SAID[name.split("-")[1]]
            if name != SHORT:
                trellis = Trellis.of(
                    [lang.graph_of(words, model.loops)], [HmmScorer(model).log_likelihoods(frames[name])]
                )
                spoken[name] = lang.states_of(words).pdfs[best_paths(trellis)[1][0]]
                writer.add(name, spoken[name].astype(np.int32))
    assert map_adapt([*ADAPT, "--out", "models"]) == 0
    assert map_adapt([*ADAPT, "--ali", "ali", "--out", "imported"]) == 0
    assert content("models")["means.ark"] == content("imported")["means.ark"]


def test_utterances_are_verified_apart_from_speakers(here):
    assert map_adapt([*ADAPT, "--out", "models"]) == 0
    for against in ("sentences", "loop"):
        assert score([*SCORE, "--verify", "utterance", "--against", against, "--out", against]) == 0
        rows = [line.split() for line in Path(against, "scores").read_text().splitlines()]
        scores = {(model, test): float(value) for model, test, value in rows}
        both = [
            (scores[m, t], scores[f"tom{m[3:]}", t])
            for m, t in scores
            if m[:3] == "ann" and (f"tom{m[3:]}", t) in scores
        ]
        assert len(both) > 10 and all(ann == tom for ann, tom in both)
        said = {right: [v for (m, t), v in scores.items() if (m[-2:] == t[4:6]) == right] for right in (True, False)}
        assert np.mean(said[True]) > np.mean(said[False])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("no words of a sentence", "no utterance of feats says its sentence"),
        ("two texts", "says another text of sentence s1"),
        ("unknown word", "no_recording"),
        ("half an archive", "feats.ark"),
        ("no model", "mono"),
    ],
    ids=str,
)
def test_faults_are_named(here, damage, said, capsys):
    text, sentences = Path("feats/text"), Path("feats/model2sent")
    if damage == "no words of a sentence":
        sentences.write_text(sentences.read_text().replace("ann_s1 s1", "ann_s1 s9"))
    if damage == "two texts":
        text.write_text(text.read_text().replace("tom-s1-3 ab c", "tom-s1-3 c"))
    if damage == "unknown word":
        text.write_text(text.read_text().replace("abc", "xyz"))
    if damage == "half an archive":
        Path("feats/feats.ark").write_bytes(Path("feats/feats.ark").read_bytes()[:200])
    if damage == "no model":
        Path("mono/model.safetensors").unlink()
    assert map_adapt([*ADAPT, "--out", "models"]) == 1
    error = capsys.readouterr().err
    assert error.count("ERROR") == 1 and said in error and not Path("models").exists()


def test_claims_of_words_outside_the_lexicon_are_named(here):
    """Enrolled with other words, as prompted models may be."""
    for name in ("text", "utt2sent"):
        Path(name).write_text(Path("feats", name).read_text())
    Path("text").write_text(Path("text").read_text().replace(" abc", " xyz"))
    Path("utt2spk").write_text(Path("feats/utt2spk").read_text())
    assert map_adapt([*ADAPT, "--texts", ".", "--out", "models"]) == 0
    assert score([*SCORE, "--against", "sentences", "--out", "scores"]) == 0
    failed = [line.split("\t") for line in Path("scores/failures.tsv").read_text().splitlines()[1:]]
    named = [row for row in failed if row[0].split()[0] in ("ann_s2", "tom_s2")]
    assert len(named) > 20 and {row[1] for row in named} == {"unknown_word"} and "no word xyz" in named[0][2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--against", "ubm"], "--ubm goes with --against ubm"),
        (["--verify", "utterance", "--against", "background"], "the same on both sides"),
        (["--against", "ubm", "--ubm", "ubm"], "ubm: 2 features, but feats has 3"),
    ],
    ids=["no ubm", "both sides", "other features"],
)
def test_options_that_do_not_go_together_are_refused(here, words, said, capsys):
    Path("ubm").mkdir()
    write_gmm(Path("ubm"), DiagGmm(np.ones(1), np.zeros((1, 2)), np.ones((1, 2))))
    assert map_adapt([*ADAPT, "--out", "models"]) == 0
    assert score([*SCORE, *words, "--out", "scores"]) == 1
    assert said in capsys.readouterr().err and not Path("scores").exists()


def test_movements_of_variances_too_are_exact(here):
    assert map_adapt([*ADAPT, "--out", "models", "--adapt", "means,variances,weights"]) == 0
    prior, lang = read_hmm(Path("mono"))
    x = sample(prior, lang, ["ab", "c"], 3).astype("f4")
    ratios = PathRatios(prior, lang, ("background",), True)
    arrays = {name: ArchiveReader(Path(f"models/{name}.scp"))["ann_s1"] for name in ("means", "variances", "weights")}
    own = replace(prior, **{name: array.astype(float) for name, array in arrays.items()})
    found = ratios.means([x], [ClaimedVoice(SAID["s1"], Movement(ratios.pool, own.pool))])
    expected = total(own, lang, SAID["s1"], x, True) - total(prior, lang, SAID["s1"], x, True)
    assert found[0, 0] == pytest.approx(expected / len(x), abs=1e-4)
