"""utils/slurm.pl on a real SLURM: what the cluster cannot give or will not give for long."""

import re
import time
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, Launch, fact, output, printed, words

# Saves what it has and asks to be run again, when it is told to make way or that its time is short; then it finishes.
TRAINER = """
import pathlib, signal, sys, time
state = pathlib.Path("state")
def save(*_):
    for number in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # SLURM and slurm_job.pl may both tell it
    state.write_text("saved")
    sys.exit(85)
if state.exists():
    print("resumed")
    sys.exit()
signal.signal(signal.SIGUSR1, save)
signal.signal(signal.SIGTERM, save)
pathlib.Path("trains").touch()
print("begun", flush=True)
time.sleep(200)
"""


def test_what_the_cluster_can_never_give_is_cancelled_and_said(launch: Launch) -> None:
    result = launch("--num-threads", "4", "JOB=1:2", "log/x.JOB.log", "true").result(20)
    assert result.status == 1
    named = (
        r"slurm\.pl: job 1 \(SLURM \d+_1[^)]*\): PENDING \(PartitionConfig\).*log is in log/x\.1\.log: .*ask for less"
    )
    assert re.search(named, result.said), result.said
    assert result.said.splitlines()[-1].startswith("slurm.pl: 2 / 2 failed")


@pytest.mark.parametrize("options", ["--mem 999G", "--gpu 3"])
def test_what_slurm_refuses_at_once_is_said(launch: Launch, options: str) -> None:
    result = launch(*words(options), "one.log", "true").result(20)
    assert result.status == 1
    assert "Requested node configuration is not available" in result.said, result.said
    assert "ask for less" in result.said
    assert "Traceback" not in result.said


def test_a_held_job_is_said_and_cancelled(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    launcher = launch("JOB=1:2", "x.JOB.log", *words("touch here.JOB; until test -e go; do sleep 0.1; done"))
    launcher.wait_for_file("here.2")
    output("scontrol", "requeuehold", next(job for job in cluster.queue() if job.endswith("_2")))
    (tmp_path / "go").touch()
    result = launcher.result()
    assert result.status == 1
    assert re.search(r"job 2 \(SLURM \d+_2[^)]*\): PENDING \(.*[Hh]eld.*\).*log is in x\.2\.log: ", result.said), (
        result.said
    )
    assert "1 / 2 failed" in result.said


def test_a_wait_that_will_pass_is_told_and_waited_for(launch: Launch, tmp_path: Path) -> None:
    first = launch("--num-threads", "2", "first.log", *words("touch here; until test -e go; do sleep 0.1; done"))
    first.wait_for_file("here")
    second = launch("--num-threads", "2", "--pending-limit", "1", "second.log", "echo", "ran")
    assert second.wait_for_words("Resources")
    (tmp_path / "go").touch()
    assert (first.result().status, second.result().status) == (0, 0)
    assert printed(tmp_path / "second.log") == ["ran"]


@pytest.fixture
def trainer(tmp_path: Path) -> list[str]:
    """The command that trains."""
    (tmp_path / "train.py").write_text(TRAINER)
    return ["python3", "train.py"]


def test_time_limits(launch: Launch, tmp_path: Path, trainer: list[str]) -> None:
    """Both at once, as SLURM looks at limits every 30 s: a job that saves its state in time, and one that does not."""
    training = launch("--time", "1", "JOB=1", "log/train.JOB.log", *trainer)
    sleeping = launch("--time", "1", "JOB=1", "log/sleep.JOB.log", *words("touch asleep; sleep 200"))
    sleeping.wait_for_file("asleep")
    output("scontrol", "update", f"JobId={fact(tmp_path / 'log/sleep.1.log', 'SLURM_JOB_ID')}", "EndTime=now+1")
    assert training.result(120).status == 0
    assert printed(tmp_path / "log/train.1.log") == ["begun", "resumed"]
    result = sleeping.result(120)
    assert result.status == 1
    named = r"job 1 \(SLURM \d+_1[^)]*\): TIMEOUT.*log is in log/sleep\.1\.log: ask for more --time"
    assert re.search(named, result.said), result.said


def test_a_job_that_makes_way_saves_its_state_and_is_run_again_once(
    launch: Launch, tmp_path: Path, trainer: list[str]
) -> None:
    """It ends with the status for that, and SLURM requeues it as well."""
    training = launch(
        "-p", "preempt", "--num-threads", "2", "JOB=1:2", "train.JOB.log", *trainer, "JOB;", *words("echo JOB >>ran")
    )
    training.wait_for_file("trains")
    better = launch("-p", "main", "--num-threads", "2", "better.log", "true").result()
    assert (better.status, training.process.poll()) == (0, None)
    assert training.result().status == 0
    assert printed(tmp_path / "train.1.log") == ["begun", "resumed"]
    assert printed(tmp_path / "train.2.log") == ["resumed"]  # there is a state
    assert sorted((tmp_path / "ran").read_text().split()) == ["1", "2"]


def test_the_notice_of_a_limit_disturbs_no_job_that_does_not_know_it(launch: Launch, tmp_path: Path) -> None:
    launcher = launch("one.log", *words("touch here; until test -e go; do sleep 0.1; done; echo whole"))
    launcher.wait_for_file("here")
    output("scancel", "--batch", "--signal=USR1", fact(tmp_path / "one.log", "SLURM_JOB_ID"))
    time.sleep(0.5)
    (tmp_path / "go").touch()
    assert launcher.result().status == 0
    assert printed(tmp_path / "one.log") == ["whole"]
