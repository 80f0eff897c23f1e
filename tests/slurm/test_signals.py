"""utils/slurm.pl on a real SLURM when it is stopped itself: however that happens, no job is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import PATIENCE, children, is_alive, wait_for
from tests.slurm.cluster import SLURM_PL, WAITS, Cluster, Launch, words

# Two of four jobs run, the others wait.
LONG = "echo $BASHPID >pid.JOB.new; mv pid.JOB.new pid.JOB; sleep 600; echo end"


def pids(directory: Path) -> list[int]:
    return [int(path.read_text()) for path in directory.glob("pid.[1-4]")]


def nothing_runs(cluster: Cluster, directory: Path) -> bool:
    return not cluster.queue() and not any(map(is_alive, pids(directory)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_all_jobs_and_ends_the_launcher(
    launch: Launch, cluster: Cluster, tmp_path: Path, number: signal.Signals
) -> None:
    launcher = launch("JOB=1:4", "x.JOB.log", *words(LONG))
    launcher.wait_for_file("pid.1")
    launcher.wait_for_file("pid.2")
    launcher.process.send_signal(number)
    assert launcher.result().status == -number
    assert wait_for(lambda: nothing_runs(cluster, tmp_path))
    assert "# Ended" not in (tmp_path / "x.1.log").read_text().splitlines()[-1]
    assert not (tmp_path / "x.3.log").exists()


def test_nohup_is_respected(launch: Launch, tmp_path: Path) -> None:
    launcher = launch("one.log", *words("touch here; until test -e go; do sleep 0.1; done"), preexec_fn=ignore_hangup)
    launcher.wait_for_file("here")
    launcher.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    (tmp_path / "go").touch()
    assert launcher.result().status == 0


def ignore_hangup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def test_kill_9_of_the_launcher_leaves_no_job(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    launcher = launch("JOB=1:4", "x.JOB.log", *words(LONG))
    launcher.wait_for_file("pid.1")
    launcher.process.kill()
    assert wait_for(lambda: nothing_runs(cluster, tmp_path))


def test_the_end_of_its_parent_ends_the_launcher(cluster: Cluster, tmp_path: Path) -> None:
    """As for a recipe that is killed: nobody waits for the launcher any more."""
    waits = [word for item in WAITS.items() for word in item]
    command = [SLURM_PL, *waits, "JOB=1:4", "x.JOB.log", *words(LONG)]
    recipe = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    parent = subprocess.Popen([sys.executable, "-c", recipe, *command], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        assert wait_for(lambda: len(pids(tmp_path)) >= 2)
        launchers = children(parent.pid)
    finally:
        parent.kill()
        parent.wait()
    assert wait_for(lambda: nothing_runs(cluster, tmp_path))
    assert wait_for(lambda: not any(map(is_alive, launchers)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_launcher_that_dies_while_it_submits_leaves_no_job(
    launch: Launch, cluster: Cluster, tmp_path: Path, number: signal.Signals
) -> None:
    for step in range(8):
        launcher = launch("JOB=1:25", "x.JOB.log", "sleep", "600")
        time.sleep(0.15 + 0.1 * step)
        os.kill(launcher.process.pid, number)
        launcher.process.wait(PATIENCE)
    time.sleep(1)
    assert wait_for(lambda: nothing_runs(cluster, tmp_path))
