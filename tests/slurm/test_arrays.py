"""utils/slurm.pl on a real SLURM: arrays, in chunks too, how many jobs run at once, and --pick."""

import re
from pathlib import Path

import pytest

from tests.slurm.cluster import Launch, fact, printed, words
from tests.slurm.conftest import MAX_ARRAY_SIZE

# Notes begin and end of each job, in the order in which they happen.
JOB = "echo begin >>order; sleep 0.5; echo end >>order"


def most_at_once(order: Path) -> int:
    """How many jobs have run at the same time at most."""
    running = most = 0
    for line in order.read_text().split():
        running += 1 if line == "begin" else -1
        most = max(most, running)
    assert running == 0
    return most


def test_at_most_so_many_jobs_run_at_once(launch: Launch, tmp_path: Path) -> None:
    assert launch("--max-jobs-run", "1", "JOB=1:3", "x.JOB.log", *words(JOB)).result().status == 0
    assert most_at_once(tmp_path / "order") == 1


def test_without_a_limit_all_processors_are_used(launch: Launch, tmp_path: Path) -> None:
    assert launch("JOB=1:4", "x.JOB.log", *words(JOB)).result().status == 0
    assert most_at_once(tmp_path / "order") == 2


def test_an_array_larger_than_slurm_takes_goes_in_chunks(launch: Launch, tmp_path: Path) -> None:
    jobs = 2 * MAX_ARRAY_SIZE + 3
    assert launch(f"JOB=1:{jobs}", "exp/log/x.JOB.log", *words("echo JOB is $((JOB*2))")).result(90).status == 0
    logs = {number: tmp_path / f"exp/log/x.{number}.log" for number in range(1, jobs + 1)}
    assert {number: printed(log) for number, log in logs.items()} == {n: [f"{n} is {2 * n}"] for n in logs}
    assert len({fact(log, "SLURM_ARRAY_JOB_ID") for log in logs.values()}) == 3


def test_numbers_may_lie_beyond_the_largest_index(launch: Launch, tmp_path: Path) -> None:
    assert launch("--max-jobs-run", "1", "N=1000:1002", "x.N.log", "echo", "N", ">>order").result().status == 0
    assert (tmp_path / "order").read_text().split() == ["1000", "1001", "1002"]


def test_at_most_so_many_jobs_of_all_chunks_run_at_once(launch: Launch, tmp_path: Path) -> None:
    """A chunk ends at MAX_ARRAY_SIZE - 1."""
    jobs = f"JOB={MAX_ARRAY_SIZE - 2}:{MAX_ARRAY_SIZE + 1}"
    assert launch("-tc", "1", jobs, "x.JOB.log", *words(JOB)).result().status == 0
    assert most_at_once(tmp_path / "order") == 1


def test_one_bad_task_stops_no_sibling_and_is_repaired_alone(launch: Launch, tmp_path: Path) -> None:
    job = "echo JOB >>ran; test JOB != 2 -o -e repaired"
    result = launch("JOB=1:6", "log/x.JOB.log", *words(job)).result()
    assert (result.status, sorted((tmp_path / "ran").read_text().split())) == (1, list("123456"))
    assert result.said.splitlines()[-1].startswith("slurm.pl: 1 / 6 failed, log is in log/x.*.log")
    old = {n: fact(tmp_path / f"log/x.{n}.log", "SLURM_JOB_ID") for n in (1, 2)}
    (tmp_path / "ran").unlink()
    (tmp_path / "repaired").touch()
    assert launch("--pick", "failed", "JOB=1:6", "log/x.JOB.log", *words(job)).result().status == 0
    assert (tmp_path / "ran").read_text().split() == ["2"]
    assert fact(tmp_path / "log/x.1.log", "SLURM_JOB_ID") == old[1]
    assert fact(tmp_path / "log/x.2.log", "SLURM_JOB_ID") != old[2]


@pytest.mark.parametrize(
    ("pick", "ran", "status"), [("failed", "234", 0), ("incomplete", "34", 1), ("all", "12345", 0)]
)
def test_pick_submits_what_is_missing(launch: Launch, tmp_path: Path, pick: str, ran: str, status: int) -> None:
    """Of five jobs one has failed, one has no log and one has a log without a footer."""
    assert launch("JOB=1:5", "x.JOB.log", *words("exit $((JOB==2))")).result().status == 1
    (tmp_path / "x.3.log").unlink()
    cut = tmp_path / "x.4.log"
    cut.write_text("".join(cut.read_text().splitlines(keepends=True)[:-2]))
    result = launch("--pick", pick, "JOB=1:5", "x.JOB.log", "echo", "JOB", ">>ran").result()
    assert ("".join(sorted((tmp_path / "ran").read_text().split())), result.status) == (ran, status)
    if status:
        assert result.said.splitlines()[-1].startswith("slurm.pl: 1 / 5 failed")


def test_nothing_is_submitted_where_nothing_is_missing(launch: Launch) -> None:
    assert launch("JOB=1:2", "x.JOB.log", "true").result().status == 0
    broken = launch("--pick", "failed", "-p", "nowhere", "JOB=1:2", "x.JOB.log", "false").result()
    assert (broken.status, broken.said) == (0, "")


def test_a_job_that_asks_to_be_run_again_is(launch: Launch, tmp_path: Path) -> None:
    job = "echo run JOB >>ran; test $(grep -c JOB ran) -ge 3 || exit 85"
    assert launch("JOB=1:2", "x.JOB.log", *words(job)).result().status == 0
    assert sorted((tmp_path / "ran").read_text().splitlines()) == ["run 1"] * 3 + ["run 2"] * 3
    log = (tmp_path / "x.1.log").read_text()
    assert log.count("# Started at") == 3
    assert re.findall(r"# Ended \(code (\d+)\)", log) == ["85", "85", "0"]


def test_a_job_that_asks_too_often_has_failed(launch: Launch, tmp_path: Path) -> None:
    result = launch("--max-restarts", "1", "x.log", *words("echo again >>ran; exit 85")).result()
    assert (result.status, len((tmp_path / "ran").read_text().split())) == (1, 2)
    assert "it asks to be run again" in result.said
