"""Trials of phrases: lists of folds are joined, scores calibrated and fused by other speakers, errors reported."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steps.metrics.detection import DetCurve, equal_error_rate
from steps.metrics.trial_files import read_scores
from steps.verify import calibrate, error_report, fuse, pool_scores
from tests.steps.verify.phrases import Row, made_up_scores, write_phrases, write_system
from utils.tables import write_table

SYSTEMS = {"gmm": (1, 3.0, 1.0), "hmm": (2, 1.0, 3.0)}  # seed, weight of the voice, weight of the words


def write_lists(root: Path) -> list[Row]:
    """A part of 12 speakers in three folds, and the scores of two systems, one trial of which has failed."""
    rows = write_phrases(root / "data", folds=3)
    for line in (root / "data/lists").read_text().splitlines():
        name = line.split()[0]
        listed = {tuple(one.split()[:2]) for one in (root / f"data/test_{name}/trials").read_text().splitlines()}
        own = [number for number, row in enumerate(rows) if row[:2] in listed]
        for system, made_by in SYSTEMS.items():
            kept = [number for number in own if system == "gmm" or number != 7]
            scores = made_up_scores(rows, *made_by)
            out = write_system(root / f"exp/{name}/scores/{system}", [rows[number] for number in kept], scores[kept])
            if len(kept) < len(own):
                (out / "failures.tsv").write_text(f"trial\treason\tdetail\n{' '.join(rows[7][:2])}\tno_speech\t\n")
    return rows


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All commands in turn."""
    root = tmp_path_factory.mktemp("phrases")
    write_lists(root)
    data, pooled = ["--data", str(root / "data")], ["--scores", str(root / "pooled")]
    assert pool_scores.main([*data, "--exp", str(root / "exp"), "--out", str(root / "pooled")]) == 0
    assert calibrate.main([*data, *pooled, "--out", str(root / "calibrated")]) == 0
    assert fuse.main([*data, *pooled, "--folds", str(root / "data/spk2fold"), "--out", str(root / "fused")]) == 0
    roots = ",".join(str(root / name) for name in ("pooled", "calibrated", "fused"))
    assert error_report.main([*data, "--scores", roots, "--out", str(root / "report"), "--draws", "50"]) == 0
    return root


def fails(status: int, capsys: pytest.CaptureFixture, *words: str) -> None:
    said = capsys.readouterr().err.strip().splitlines()
    assert status == 1 and all(word in said[-1] for word in words), said


def test_lists_are_joined_in_the_order_of_the_part(judged):
    trials = [line.split()[:2] for line in (judged / "data/test_01/trials").read_text().splitlines()]
    scores = [line.split() for line in (judged / "pooled/01/gmm/scores").read_text().splitlines()]
    assert [pair for *pair, _ in scores] == trials
    assert len((judged / "pooled/01/hmm/scores").read_text().splitlines()) == len(trials) - 1
    failed = (judged / "pooled/01/hmm/failures.tsv").read_text().splitlines()
    assert failed == ["trial\treason\tdetail", f"{' '.join(trials[7])}\tno_speech\t"]


def test_a_trial_that_one_system_failed_has_no_fused_score(judged):
    failed = (judged / "fused/01/fused/failures.tsv").read_text().splitlines()
    assert len(failed) == 2 and failed[1].split("\t")[1] == "hmm: no_speech"


def test_weights_are_of_the_folds_that_are_given(judged):
    weights = pd.read_csv(judged / "fused/01/fused/weights.tsv", sep="\t")
    assert len(weights) == 6 and (weights[["gmm", "hmm"]] > 0).all(axis=None)
    assert weights.trials.sum() == len((judged / "pooled/01/gmm/scores").read_text().splitlines()) - 1
    within = weights[weights.fold == weights.other_fold]
    assert (within.fitted_to_targets == 48).all()  # of two of the three folds, 4 speakers of 3 sentences each
    assert (weights.drop(within.index).fitted_to_targets == 24).all()


def test_calibrated_scores_cost_less_and_fused_ones_err_less(judged):
    table = pd.read_csv(judged / "report/results.tsv", sep="\t")
    assert set(table.columns) >= {"part", "sex", "system", "kind", "metric", "value", "low", "high", "few_errors"}
    value = table[table.sex == "all"].set_index(["system", "kind", "metric"]).value
    for system in SYSTEMS:
        assert value[f"{system}_calibrated", "all", "cllr"] < 0.7 < value[system, "all", "cllr"]
        assert value[system, "all", "min_cllr"] < value[f"{system}_calibrated", "all", "cllr"]
    assert value["fused", "all", "min_cllr"] < min(value[system, "all", "min_cllr"] for system in SYSTEMS)
    assert value["gmm", "IC", "eer"] < value["gmm", "TW", "eer"]
    assert table[table.metric == "eer"].few_errors.all()
    assert set(table.sex) == {"all", "f", "m"} and set(table.kind) == {"IC", "TW", "IW", "all"}


def test_figures_are_those_of_the_scores(judged):
    found = json.loads((judged / "report/figures.json").read_text())["parts"]["01"]["all"]["gmm"]["IC"]
    table = read_scores(judged / "pooled/01/gmm/scores", judged / "data/test_01/trials")
    own = table[table.kind.isin(["TC", "IC"])]
    assert found["eer"] == pytest.approx(equal_error_rate(DetCurve.of(own.score, own.target)))
    assert found["eer_ci95"][0] <= found["eer"] <= found["eer_ci95"][1]
    hmm = json.loads((judged / "report/figures.json").read_text())["parts"]["01"]["all"]["hmm"]["all"]
    assert hmm["unscored_targets"] + hmm["unscored_nontargets"] == 1
    assert hmm["targets"] + hmm["nontargets"] == len(table)


def test_the_page_stands_alone(judged):
    page = (judged / "report/report.html").read_text()
    assert page.count("<table>") == 4 and 'name="viewport"' in page and "data:image/png" in page
    assert "<script" not in page and "http" not in page.partition("</style>")[2]
    assert "Part 01: equal error rates" in (judged / "report/summary.md").read_text()
    assert (judged / "report/det_01.png").is_file()


def test_the_same_bytes_again(judged, tmp_path):
    roots = ",".join(str(judged / name) for name in ("pooled", "calibrated", "fused"))
    words = ["--data", str(judged / "data"), "--scores", roots, "--draws", "50", "--out", str(tmp_path / "report")]
    assert error_report.main(words) == 0
    for name in ("report.html", "results.tsv", "figures.json", "summary.md", "det_01.png"):
        assert (tmp_path / "report" / name).read_bytes() == (judged / "report" / name).read_bytes()


def one_list(root: Path, genders: str = "fm") -> tuple[list[Row], list[str]]:
    """A part without folds, with the scores of a system; and the words of a report of it."""
    rows = write_phrases(root / "data", speakers=6, genders=genders)
    write_system(root / "scores/01/gmm", rows, made_up_scores(rows, 1, 3, 1))
    return rows, ["--data", str(root / "data"), "--scores", str(root / "scores"), "--out", str(root / "out")]


@pytest.mark.hostile("Phrases: scores that are missing, extra, repeated or not finite")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[1:], ["1 of", "trials have no score", "v00_s1"]),
        (lambda lines: [*lines, "v00_s1 v09-s1-2 1.0"], ["is not among the", "scores:"]),
        (lambda lines: [*lines, lines[0]], ["duplicate score", "scores:"]),
        (lambda lines: [*lines[:4], f"{lines[4].rpartition(' ')[0]} nan", *lines[5:]], ["scores:5", "not finite"]),
        (lambda lines: [*lines[:4], "v00_s1 1.0", *lines[5:]], ["scores:5", "enrolment test score"]),
    ],
    ids=["missing", "extra", "repeated", "nan", "short"],
)
def test_faults_of_scores_are_named(tmp_path, capsys, change, said):
    _, words = one_list(tmp_path)
    path = tmp_path / "scores/01/gmm/scores"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    for command in (error_report, calibrate, fuse):
        fails(command.main(words), capsys, *said)
    assert not (tmp_path / "out").exists()


@pytest.mark.hostile("Phrases: failures.tsv that contradicts the scores, or is torn")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("v00_s1 v00-s1-2\tno_speech\t", "has failed, and has a score, too"),
        ("v00_s1 nobody\tno_speech\t", "has failed, and is not among the trials"),
        ("v00_s1 v00-s1", "failures.tsv:2: expected 'enrolment test<tab>reason<tab>detail'"),
    ],
)
def test_faults_of_failures_are_named(tmp_path, capsys, line, said):
    _, words = one_list(tmp_path)
    (tmp_path / "scores/01/gmm/failures.tsv").write_text(f"trial\treason\tdetail\n{line}\n")
    fails(error_report.main(words), capsys, said)


def test_sexes_are_never_guessed(tmp_path):
    _, words = one_list(tmp_path, genders="")
    assert error_report.main([*words, "--draws", "20"]) == 0
    assert set(pd.read_csv(tmp_path / "out/results.tsv", sep="\t").sex) == {"all"}
    assert "The sex of all models' speakers: unknown." in (tmp_path / "out/summary.md").read_text()


def test_men_alone_are_one_row_and_two_sexes_without_trials_say_so(tmp_path):
    _, words = one_list(tmp_path, genders="m")
    assert error_report.main([*words, "--draws", "20"]) == 0
    table = pd.read_csv(tmp_path / "out/results.tsv", sep="\t")
    assert set(table.sex) == {"all", "m"} and "gmm, m" not in (tmp_path / "out/summary.md").read_text()
    write_table(tmp_path / "data/enrol_01/spk2gender", {f"v{n:02d}": "f" if n == 0 else "m" for n in range(6)})
    trials = tmp_path / "data/test_01/trials"
    kept = [line for line in trials.read_text().splitlines() if not line.startswith("v00_")]
    trials.write_text("\n".join(kept) + "\n")
    scores = tmp_path / "scores/01/gmm/scores"
    scores.write_text("\n".join(x for x in scores.read_text().splitlines() if not x.startswith("v00_")) + "\n")
    assert error_report.main([*words, "--draws", "20"]) == 0
    table = pd.read_csv(tmp_path / "out/results.tsv", sep="\t")
    women = table[table.sex == "f"]
    assert len(women) and women.value.isna().all() and (women.targets == 0).all()
    assert "no targets and no non-targets" in (tmp_path / "out/summary.md").read_text()


@pytest.mark.hostile("Phrases: folds of speakers without targets, a speaker without a fold, two systems of one name")
def test_folds_that_cannot_be_learnt_from(tmp_path, capsys):
    _, words = one_list(tmp_path)
    write_table(tmp_path / "data/spk2fold", {f"v{number:02d}": "a" for number in range(6)})
    words += ["--folds", str(tmp_path / "data/spk2fold")]
    fails(fuse.main(words), capsys, "test_01/trials", "0 are targets and 0 non-targets; deal the speakers into more")
    write_table(tmp_path / "data/spk2fold", {"v00": "a"})
    fails(fuse.main(words), capsys, "spk2fold: v01: no fold of this speaker (5 such speakers)")
    words = words[:-2]
    words[3] += f",{tmp_path / 'scores'}"
    fails(error_report.main(words), capsys, "has this name, too")
    fails(error_report.main([*words, "--systems", "dtw"]), capsys, "has this name, too")
    words[3] = str(tmp_path / "data")
    fails(error_report.main(words), capsys, "no <part>/<system>/scores here")
    words[3] = ""
    fails(error_report.main(words), capsys, "--scores: expected directories", "found none")


@pytest.mark.hostile("Phrases: trials of which no kind of non-targets is there, or of unknown models")
def test_trials_of_one_kind(tmp_path, capsys):
    rows, words = one_list(tmp_path)
    for what in ("trials", "scores"):
        path = tmp_path / ("data/test_01/trials" if what == "trials" else "scores/01/gmm/scores")
        lines = [line for line, row in zip(path.read_text().splitlines(), rows, strict=True) if row[2] == "TC"]
        path.write_text("\n".join(lines) + "\n")
    assert error_report.main([*words, "--draws", "20"]) == 0
    assert "no non-targets" in (tmp_path / "out/summary.md").read_text()
    fails(fuse.main([*words[:-1], str(tmp_path / "fused")]), capsys, "targets and 0 non-targets")
    (tmp_path / "data/test_01/trials").write_text("v00_s9 v00-s1-2 target TC\n")
    fails(error_report.main(words), capsys, "trials: v00_s9: no such model in")


def test_equal_scores_are_named(tmp_path, capsys):
    rows, words = one_list(tmp_path)
    write_system(tmp_path / "scores/01/flat", rows, np.zeros(len(rows)))
    fails(fuse.main([*words, "--systems", "gmm,flat"]), capsys, "gmm, flat: all scores of system 2 are equal")
    assert error_report.main([*words, "--draws", "20"]) == 0
    table = pd.read_csv(tmp_path / "out/results.tsv", sep="\t").set_index(["sex", "system", "kind", "metric"])
    assert table.value["all", "flat", "all", "eer"] == 0.5


def test_small_scores_keep_their_digits(tmp_path):
    rows = write_phrases(tmp_path / "data", speakers=3)
    out = tmp_path / "exp/01/scores/gmm"
    out.mkdir(parents=True)
    lines = [f"{model} {test} {1e-9 * number:.4e}" for number, (model, test, _) in enumerate(rows)]
    (out / "scores").write_text("\n".join(lines) + "\n")
    words = ["--data", str(tmp_path / "data"), "--exp", str(tmp_path / "exp"), "--out", str(tmp_path / "out")]
    assert pool_scores.main(words) == 0
    found = [float(line.split()[2]) for line in (tmp_path / "out/01/gmm/scores").read_text().splitlines()]
    assert found == [float(line.split()[2]) for line in lines]


@pytest.mark.hostile("Phrases: trials of a part in two lists or in none, a system with scores of some lists alone")
def test_lists_that_do_not_make_a_part(tmp_path, capsys):
    write_lists(tmp_path)
    words = ["--data", str(tmp_path / "data"), "--exp", str(tmp_path / "exp"), "--out", str(tmp_path / "out")]
    (tmp_path / "exp/01-f0/scores/dtw").mkdir()
    (tmp_path / "exp/01-f0/scores/dtw/scores").write_text("")
    fails(pool_scores.main(words), capsys, "01-f0f1/scores/dtw: no scores here, but dtw has scores of other lists")
    words += ["--systems", "gmm"]
    lists = tmp_path / "data/lists"
    lists.write_text(lists.read_text().replace("01-f0f1 01\n", ""))
    fails(pool_scores.main(words), capsys, "test_01/trials:", "is in no list (192 such trials)")
    lists.write_text(lists.read_text() + "01 01\n")
    write_system(tmp_path / "exp/01/scores/gmm", (rows := rows_of(tmp_path)), np.arange(len(rows)) / 7)
    fails(pool_scores.main(words), capsys, "is in two lists; expected one")
    lists.write_text("01 02 03\n")
    fails(pool_scores.main(words), capsys, "lists: 01: expected 'list part'")


def rows_of(root: Path) -> list[Row]:
    lines = [line.split() for line in (root / "data/test_01/trials").read_text().splitlines()]
    return [(model, test, kind) for model, test, _, kind in lines]


def test_a_system_that_one_part_lacks_is_named(tmp_path, capsys):
    rows, words = one_list(tmp_path)
    other = write_phrases(tmp_path / "data", speakers=3, part="02")
    write_system(tmp_path / "scores/02/hmm", other, made_up_scores(other, 2, 1, 3))
    assert error_report.main([*words, "--draws", "5"]) == 0
    summary = (tmp_path / "out/summary.md").read_text()
    assert "Part 01 has no scores of hmm." in summary and "Part 02 has no scores of gmm." in summary
    assert set(pd.read_csv(tmp_path / "out/results.tsv", sep="\t", dtype=str).part) == {"01", "02"}
    fails(fuse.main([*words[:-1], str(tmp_path / "fused")]), capsys, "part 01 has no scores of hmm")


def test_a_cost_stands_for_its_effective_prior(tmp_path, capsys):
    _, words = one_list(tmp_path)
    assert fuse.main([*words, "--cost", "0.01,10,1"]) == 0
    found = (tmp_path / "out/01/fused/weights.tsv").read_text()
    assert fuse.main([*words[:-1], str(tmp_path / "same"), "--prior", str(0.1 / 1.09)]) == 0
    assert (tmp_path / "same/01/fused/weights.tsv").read_text() == found
    fails(fuse.main([*words, "--cost", "10,1"]), capsys, "--cost 10.0,1.0: expected a prior below 1 and two costs")
    fails(fuse.main([*words, "--cost", "0.01,0,1"]), capsys, "--cost: expected a finite number above 0, found 0.0")
