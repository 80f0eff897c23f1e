"""AS-norm of files of scores by a cohort that says the same sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from steps.metrics.trial_files import read_listed_scores
from steps.verify import as_norm_trials
from utils.tables import write_table

SCORES = {"a_s1 t1": 3.0, "a_s1 t2": 1.0, "a_s2 t1": 2.0}
MODELS = {"a_s1": "a-1", "a_s2": "a-2"}
COHORT = {"c_s1": "c-1", "d_s1": "d-1", "c_s2": "c-2", "d_s2": "d-2", "e_s2": "e-2"}
ENROL = {"a_s1 c-1": 1.0, "a_s1 d-1": 3.0, "a_s2 c-2": 0.0, "a_s2 d-2": 1.0}
TEST = {
    "c_s1 t1": 0.0, "d_s1 t1": 2.0, "c_s1 t2": 4.0, "d_s1 t2": 8.0, "c_s2 t1": 1.0, "d_s2 t1": 2.0, "e_s2 t1": 5.0,
}  # fmt: skip


def write_file(path: Path, scores: dict[str, float]) -> str:
    path.write_text("".join(f"{pair} {score}\n" for pair, score in scores.items()))
    return str(path)


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    for name, models in (("enrol", MODELS), ("cohort", COHORT)):
        (tmp_path / name).mkdir()
        write_table(tmp_path / name / "utt2spk", {one: one[0] for one in models.values()})
        write_table(tmp_path / name / "enrol_map", models)
        write_table(tmp_path / name / "model2sent", {one: one[2:] for one in models})
    files = {"--scores": SCORES, "--enrol_scores": ENROL, "--test_scores": TEST}
    found = [word for name, own in files.items() for word in (name, write_file(tmp_path / name[2:], own))]
    found += ["--enrol", str(tmp_path / "enrol"), "--cohort", str(tmp_path / "cohort"), "--own_deviation", "2"]
    return [*found, "--out", str(tmp_path / "out")]


def fails(status: int, capsys: pytest.CaptureFixture, *said: str) -> None:
    lines = capsys.readouterr().err.strip().splitlines()
    assert status == 1 and all(word in lines[-1] for word in said), lines


def test_numbers_worked_by_hand(words, tmp_path):
    assert as_norm_trials.main(words) == 0
    pairs, scores = read_listed_scores(tmp_path / "out/scores")
    assert [pairs.name(number) for number in range(3)] == list(SCORES)
    of_s2 = np.std([1, 2, 5])
    expected = [
        ((3 - 2) / 1 + (3 - 1) / 1) / 2,
        ((1 - 2) / 1 + (1 - 6) / 2) / 2,
        ((2 - 0.5) / 0.5 + (2 - 8 / 3) / of_s2) / 2,
    ]
    assert scores == pytest.approx(expected, abs=1e-6)
    about = json.loads((tmp_path / "out/as_norm.json").read_text())
    assert about["models"]["sides"] == 2 and about["tests"] == {
        "sides": 3, "fewest_scores": 2, "without_scores": 0, "few_scores": 0, "scores_of_no_trial": 0,
    }  # fmt: skip


def test_the_highest_scores_alone_and_no_sentences(words, tmp_path):
    without = [*words[:6], *words[10:]]
    assert as_norm_trials.main([*without, "--cohort_top", "2"]) == 0
    _, scores = read_listed_scores(tmp_path / "out/scores")
    best = [5, 2]  # t1 against models of either sentence
    assert scores[0] == pytest.approx(((3 - 2) / 1 + (3 - np.mean(best)) / np.std(best)) / 2, abs=1e-6)


def test_few_scores_share_a_deviation(words, tmp_path):
    assert as_norm_trials.main([*words, "--own_deviation", "3"]) == 0
    _, scores = read_listed_scores(tmp_path / "out/scores")
    models, tests = np.sqrt(np.mean([1, 0.25])), np.sqrt(np.mean([1, 4, np.var([1, 2, 5])]))
    assert scores[0] == pytest.approx(((3 - 2) / models + (3 - 1) / tests) / 2, abs=1e-6)


@pytest.mark.hostile(
    "AS-norm by files: a sentence without a cohort, equal scores, speakers of the trials in the cohort"
)
def test_cohorts_that_do_not_do(words, tmp_path, capsys):
    write_file(tmp_path / "test_scores", {pair: score for pair, score in TEST.items() if "s2" not in pair})
    fails(as_norm_trials.main(words), capsys, "test_scores: no scores of the cohort for t1 as s2 (1 of 3 such sides)")
    assert as_norm_trials.main([*words, "--missing", "mean"]) == 0
    assert json.loads((tmp_path / "out/as_norm.json").read_text())["tests"]["without_scores"] == 1
    write_file(tmp_path / "enrol_scores", dict.fromkeys(ENROL, 1.0))
    fails(as_norm_trials.main([*words, "--missing", "mean"]), capsys, "enrol_scores: no enrolment or test has two")
    write_file(tmp_path / "enrol_scores", {"a_s1 c-1": 1.0, "a_s1 d-1": float("inf")})
    fails(as_norm_trials.main(words), capsys, "enrol_scores:2", "not finite")
    write_file(tmp_path / "enrol_scores", {"a_s1 c-1": 1.0})
    fails(as_norm_trials.main(words), capsys, "no scores of the cohort for a_s2")
    swapped = [*words[:2], "--enrol_scores", words[5], "--test_scores", words[3], *words[6:]]
    write_file(tmp_path / "test_scores", TEST)
    fails(as_norm_trials.main(swapped), capsys, "test_scores: t1: no utterance of the cohort", "(2 such)")
    write_table(tmp_path / "cohort/model2sent", {"c_s1": "s1"})
    fails(as_norm_trials.main(words), capsys, "model2sent: c_s2: no line for this model (4 such models)")
    write_table(tmp_path / "cohort/utt2spk", {one: "a" for one in COHORT.values()})
    fails(as_norm_trials.main(words), capsys, "1 speakers of the cohort are in", "enrol: a;")
    fails(as_norm_trials.main(words[:6] + words[8:]), capsys, "expected both --enrol and --cohort")


def test_failures_stay_named(words, tmp_path):
    directory = tmp_path / "system"
    directory.mkdir()
    write_file(directory / "scores", SCORES)
    (directory / "failures.tsv").write_text("trial\treason\tdetail\na_s2 t2\tno_speech\t\n")
    assert as_norm_trials.main(["--scores", str(directory), *words[2:]]) == 0
    assert (tmp_path / "out/failures.tsv").read_bytes() == (directory / "failures.tsv").read_bytes()
