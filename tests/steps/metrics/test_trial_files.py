"""Files of trials and scores: what is read, what is refused by file and line, and the one line for a notebook."""

import contextlib
import doctest
from pathlib import Path

import numpy as np
import pytest

from steps.metrics import trial_files
from steps.metrics.trial_files import (
    read_pairs,
    read_scores,
    read_trial_scores,
    read_trials,
    write_scores,
    write_trials,
)
from utils.errors import InputError

TRIALS = "anna u1 target\nanna u2 nontarget\nbert u1 nontarget\nbert u2 target\n"
SCORES = "bert u2 1.5\nanna u1 2.5\nanna u2 -1\nbert u1 -1e0\n"
KINDS = "m u1 target target-correct\nm u2 nontarget target-wrong\nm u3 nontarget impostor-correct\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with trials and scores."""
    (tmp_path / "trials").write_text(TRIALS)
    (tmp_path / "scores").write_text(SCORES)
    return tmp_path


def test_trials_keep_their_order(directory: Path):
    trials = read_trials(directory / "trials")
    assert [trials.name(number) for number in range(len(trials))] == ["anna u1", "anna u2", "bert u1", "bert u2"]
    assert trials.targets.tolist() == [True, False, False, True]
    assert (trials.enrolments, trials.tests, trials.kinds) == (["anna", "bert"], ["u1", "u2"], ["all"])


@pytest.mark.parametrize("text", [TRIALS, KINDS])
def test_what_is_written_is_what_was_read(tmp_path: Path, text: str):
    (tmp_path / "trials").write_text(text)
    write_trials(tmp_path / "again", read_trials(tmp_path / "trials"))
    assert (tmp_path / "again").read_text() == text


def test_kinds_are_columns_of_the_table(tmp_path: Path):
    (tmp_path / "trials").write_text(KINDS)
    (tmp_path / "scores").write_text("m u3 0\nm u1 3\nm u2 1\n")
    table = read_scores(tmp_path / "scores", tmp_path / "trials")
    assert list(table) == ["enrol", "test", "score", "target", "kind"]
    assert table.set_index("kind").score.to_dict() == {"target-correct": 3, "target-wrong": 1, "impostor-correct": 0}
    assert table[table.kind == "target-wrong"].target.tolist() == [False]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "trials: no trials; expected lines of 'enrolment test target|nontarget [kind]'"),
        ("a u1 target\na u2\n", "trials:2: expected 'enrolment test target|nontarget [kind]', found 'a u2'"),
        ("a u1 target\n\n", "trials:2: expected 'enrolment test target|nontarget [kind]', found ''"),
        ("a u1 target x y\n", "trials:1: expected 'enrolment test target|nontarget [kind]'"),
        ("a u1 1\n", "trials:1: expected target or nontarget, found '1'"),
        ("a u1 Target\n", "trials:1: expected target or nontarget, found 'Target'"),
        ("a u1 target\na u2 target\na u1 nontarget\n", "trials:3: duplicate trial 'a u1'"),
        ("a u1 target x\na u2 target\n", "trials:2: 3 fields, the lines before have 4; give all a kind or none"),
    ],
)
def test_wrong_trials(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "trials").write_text(text)
    with pytest.raises(InputError) as error:
        read_trials(tmp_path / "trials")
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SCORES.replace("anna u2 -1\n", ""), "scores: 1 of 4 trials have no score, the first is 'anna u2'"),
        (SCORES + "carl u1 0\n", "scores:5: 'carl u1' is not among the 4 trials"),
        (SCORES + "anna u1 2.5\n", "scores:5: duplicate score of 'anna u1'"),
        ("u1 anna 1\n", "scores:1: 'u1 anna' is not among the 4 trials"),
        ("anna u1 high\n", "scores:1: expected a score, found 'high'"),
        ("anna u1 nan\n", "scores:1: the score nan is not finite"),
        ("anna u1 -1e308\n", "scores:1: expected a score from -1e+100 to 1e+100, found -1e308"),
        ("anna u1 1 2\n", "scores:1: expected 'enrolment test score', found 'anna u1 1 2'"),
        ("", "scores: 4 of 4 trials have no score, the first is 'anna u1'"),
    ],
)
def test_wrong_scores(directory: Path, text: str, complaint: str):
    (directory / "scores").write_text(text)
    with pytest.raises(InputError) as error:
        read_trial_scores(directory / "scores", read_trials(directory / "trials"))
    assert complaint in str(error.value)


def test_scores_come_in_the_order_of_the_trials(directory: Path):
    scores = read_trial_scores(directory / "scores", read_trials(directory / "trials"))
    np.testing.assert_array_equal(scores, [2.5, -1, -1, 1.5])


@pytest.mark.hostile("Scores that are not finite are not written")
def test_scores_to_write_are_finite(directory: Path):
    with pytest.raises(InputError, match="1 of 4 scores are not finite, the first is of 'bert u1'"):
        write_scores(directory / "new", read_pairs(directory / "trials"), np.array([1, 2, np.nan, 3]))
    assert not (directory / "new").exists()


def test_the_examples_run(directory: Path):
    with contextlib.chdir(directory):
        result = doctest.testmod(trial_files)
    assert result.attempted == 3 and result.failed == 0
