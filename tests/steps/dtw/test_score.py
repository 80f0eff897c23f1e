"""Trials scored by warping: beside the recursion, in jobs, and with recordings that have nothing to compare."""

import numpy as np
import pytest

from steps.dtw.score import main
from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.gmm_dir import write_gmm
from tests.steps.dtw.test_warping import recursion
from tests.steps.features.speech import write_speech
from utils.vectors import unit_rows

MODELS = {"a_1": ["a-1", "a-2", "a-3"], "b_1": ["b-1"], "b_2": ["b-2", "b-silent"], "c_1": ["c-silent"]}
TESTS = ["a-t1", "a-t2", "b-t1", "c-t1", "c-tsilent"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A directory with feats, models and trials; and the speech frames of each recording."""
    folder, rng = tmp_path_factory.mktemp("dtw"), np.random.default_rng(0)
    utterances = sorted({*(one for own in MODELS.values() for one in own), *TESTS})
    frames = [rng.normal(size=(rng.integers(4, 40), 5)).astype(np.float32) for _ in utterances]
    masks = [
        np.zeros(len(x)) if "silent" in one else np.arange(len(x)) > 1
        for one, x in zip(utterances, frames, strict=True)
    ]
    utt2spk = {one: one[0] for one in utterances}
    write_speech(folder / "feats", utt2spk, frames, masks)
    (folder / "models").mkdir()
    (folder / "models" / "utt2spk").write_text("".join(f"{one} {one[0]}\n" for one in utterances))
    (folder / "models" / "enrol_map").write_text("".join(f"{one} {' '.join(own)}\n" for one, own in MODELS.items()))
    (folder / "trials").write_text("".join(f"{model} {test} target\n" for model in MODELS for test in TESTS))
    write_gmm(folder, DiagGmm(np.full(3, 1 / 3), rng.normal(size=(3, 5)), np.ones((3, 5))))
    return folder, {one: x[mask > 0] for one, x, mask in zip(utterances, frames, masks, strict=True)}


def words(folder, out, *more):
    given = {"trials": folder / "trials", "models": folder / "models", "feats": folder / "feats", "out": out}
    return [str(word) for name, value in given.items() for word in (f"--{name}", value)] + ["--max_fail", ".6", *more]


def test_scores_are_those_of_the_recursion_and_do_not_depend_on_jobs(corpus, tmp_path):
    folder, frames = corpus
    assert main(words(folder, tmp_path / "one")) == 0
    expected = {}
    for model, templates in MODELS.items():
        for test in TESTS:
            costs = [
                recursion(1 - unit_rows(frames[one]) @ unit_rows(frames[test]).T, 1)
                for one in templates
                if len(frames[one]) and len(frames[test])
            ]
            if costs:
                expected[model, test] = -min(costs)
    lines = [line.split() for line in (tmp_path / "one" / "scores").read_text().splitlines()]
    assert [(model, test) for model, test, _ in lines] == list(expected)
    np.testing.assert_allclose([float(score) for *_, score in lines], [*expected.values()], atol=2e-6)
    failed = (tmp_path / "one" / "failures.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[:2] for line in failed] == [
        [f"{model} {test}", "no_speech"] for model in MODELS for test in TESTS if (model, test) not in expected
    ]
    for job in ("3", "2"):
        assert main(words(folder, tmp_path / "three", "--shard_trials", "5", "--nj", "3", "--job", job)) == 0
    assert main(words(folder, tmp_path / "three", "--shard_trials", "5")) == 0
    for name in ("scores", "failures.tsv"):
        assert (tmp_path / "three" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


@pytest.mark.parametrize("templates", ["nearest", "mean"])
def test_posteriors_are_compared_too(corpus, tmp_path, templates):
    more = ("--distance", "posterior", "--ubm", str(corpus[0]), "--templates", templates)
    assert main(words(corpus[0], tmp_path / "scores", *more)) == 0
    lines = [line.split() for line in (tmp_path / "scores" / "scores").read_text().splitlines()]
    assert len(lines) == 12 and all(0 < -float(score) < 23 for *_, score in lines)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--max_fail", ".1"), "8 of 20 trials (40.00 %) have no score: 8 no_speech; more than --max_fail 0.1"),
        (("--distance", "posterior"), "--ubm goes with --distance posterior"),
        (("--band", "1e-9"), "no_path"),
    ],
)
def test_faults_are_named(corpus, tmp_path, capsys, more, said):
    arguments = words(corpus[0], tmp_path / "scores")
    assert main([*arguments[:-2], *more]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "scores").exists()


def test_a_model_that_is_not_enrolled_is_named(corpus, tmp_path, capsys):
    (tmp_path / "trials").write_text("a_1 a-t1\nx_1 a-t1\n")
    assert main([*words(corpus[0], tmp_path / "scores")[2:], "--trials", str(tmp_path / "trials")]) == 1
    assert "x_1" in capsys.readouterr().err
