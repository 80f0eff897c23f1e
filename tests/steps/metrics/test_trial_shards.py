"""Trials scored in jobs: the same files however many, faults that are counted, and a kill that costs nothing."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from steps.metrics.trial_shards import Unscored, run_trial_shards
from utils.errors import InputError


@dataclass(frozen=True)
class Choice:
    """Options of a command."""

    COMMAND: ClassVar[str] = "steps.test.score"
    trials: Path
    out: Path
    shard_trials: int = 3
    max_fail: float = 0.5
    nj: int = 1
    job: int = 0
    shards: str | None = None
    force: bool = False


def prepare(pairs):
    """Scores are the number of the test; those of the test t3 fail."""

    def score(rows):
        tests = [pairs.tests[pairs.test[row]] for row in rows]
        failed = {place: Unscored("no_speech", "t3: silence") for place, test in enumerate(tests) if test == "t3"}
        return np.array([np.nan if test == "t3" else float(test[1:]) for test in tests]), failed

    return score


@pytest.fixture
def choice(tmp_path) -> Choice:
    lines = [f"m{model} t{test} target\n" for model in range(4) for test in range(5) if (model + test) % 4]
    (tmp_path / "trials").write_text("".join(lines))
    return Choice(tmp_path / "trials", tmp_path / "scores")


def outputs(choice: Choice) -> list[str]:
    return [(choice.out / name).read_text() for name in ("scores", "failures.tsv")]


def test_scores_have_the_order_of_the_trials_and_do_not_depend_on_jobs(choice):
    run_trial_shards(choice, [], prepare)
    scores, failures = outputs(choice)
    listed = [line.rsplit(maxsplit=1)[0] for line in choice.trials.read_text().splitlines()]
    assert [line.rsplit(maxsplit=1)[0] for line in scores.splitlines()] == [x for x in listed if " t3" not in x]
    assert all(float(line.split()[2]) == int(line.split()[1][1:]) for line in scores.splitlines())
    assert failures.splitlines() == ["trial\treason\tdetail"] + [
        f"{trial}\tno_speech\tt3: silence" for trial in listed if " t3" in trial
    ]
    other = replace(choice, out=choice.out.with_name("jobs"))
    for job in (3, 1):  # the second one never comes
        run_trial_shards(replace(other, nj=3, job=job), [], prepare)
    parts = list(other.out.parent.rglob("part-*.npz"))
    parts[0].unlink()  # a job was killed
    run_trial_shards(other, [], prepare)
    assert outputs(other) == outputs(choice)
    assert not list(other.out.parent.rglob("part-*.npz"))
    run_trial_shards(replace(other, nj=3, job=1), [], None)  # up to date
    run_trial_shards(other, [], None)


def test_too_many_failures_are_an_error_also_afterwards(choice):
    with pytest.raises(InputError, match=r"3 of 15 trials \(20.00 %\) have no score: 3 no_speech; more"):
        run_trial_shards(replace(choice, max_fail=0.1), [], prepare)
    assert not choice.out.exists()
    run_trial_shards(choice, [], prepare)
    with pytest.raises(InputError, match="more than --max_fail 0.1"):
        run_trial_shards(replace(choice, max_fail=0.1), [], None)
