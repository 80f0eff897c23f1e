"""utils/slurm.pl on a real SLURM: what the cluster cannot give or will not give for long."""

import re
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, Launch, output, printed, words

# Saves what it has and asks to be run again, when it is told that its time is short; then it finishes.
TRAINER = """
import pathlib, signal, sys, time
state = pathlib.Path("state")
def save(*_):
    state.write_text("saved")
    sys.exit(85)
if state.exists():
    print("resumed")
    sys.exit()
signal.signal(signal.SIGUSR1, save)
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


def test_time_limits(launch: Launch, tmp_path: Path) -> None:
    """Both at once, as SLURM looks at limits every 30 s: a job that saves its state in time, and one that does not."""
    (tmp_path / "train.py").write_text(TRAINER)
    trainer = launch("--time", "1", "JOB=1", "log/train.JOB.log", "python3", "train.py")
    sleeper = launch("--time", "1", "JOB=1", "log/sleep.JOB.log", "sleep", "200")
    assert trainer.result(120).status == 0
    assert printed(tmp_path / "log/train.1.log") == ["begun", "resumed"]
    result = sleeper.result(120)
    assert result.status == 1
    assert re.search(
        r"job 1 \(SLURM \d+_1[^)]*\): TIMEOUT.*log is in log/sleep\.1\.log: ask for more --time", result.said
    )
