"""utils/run.pl when it is stopped: no job outlives it, and interrupted jobs are told from failed ones."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import PATIENCE, children, is_alive, wait_for

RUN_PL = Path(__file__).parents[2] / "utils/run.pl"
# Each job leaves the number of its own bash and of a child in the background, then waits.
JOB = "sleep 600 & echo $BASHPID $! >JOB.tmp; mv JOB.tmp JOB.pids; wait"


class Jobs:
    """Two running jobs under a launcher of their own."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.started: list[subprocess.Popen] = []

    def start(self, *prefix: str, job: str = JOB, **options: object) -> subprocess.Popen:
        command = [*prefix, RUN_PL, "-tc", "2", "JOB=1:3", "x.JOB.log", *job.split()]
        process = subprocess.Popen(command, cwd=self.directory, stderr=subprocess.DEVNULL, **options)
        self.started.append(process)
        assert wait_for(lambda: len(list(self.directory.glob("*.pids"))) == 2)
        return process

    def pids(self) -> list[int]:
        return [int(pid) for file in self.directory.glob("*.pids") for pid in file.read_text().split()]

    def all_gone(self) -> bool:
        return wait_for(lambda: not any(map(is_alive, self.pids())))


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Whatever a test leaves running is stopped at its end: launchers first, which would start further jobs."""
    jobs = Jobs(tmp_path)
    yield jobs
    for process in jobs.started:
        process.terminate()
        process.wait(PATIENCE)
    for pid in filter(is_alive, jobs.pids()):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_kills_all_jobs_and_the_launcher(jobs: Jobs, number: signal.Signals) -> None:
    launcher = jobs.start()
    launcher.send_signal(number)
    assert launcher.wait(PATIENCE) == -number
    assert len(jobs.pids()) == 4
    assert jobs.all_gone()
    assert not (jobs.directory / "x.3.log").exists()  # the third was not started any more


def test_jobs_that_ignore_sigterm_are_killed_all_the_same(jobs: Jobs) -> None:
    launcher = jobs.start(job="trap '' TERM; " + JOB.replace("wait", "sleep 600"))
    launcher.terminate()
    assert launcher.wait(PATIENCE) == -signal.SIGTERM
    assert jobs.all_gone()


def test_interrupted_jobs_are_incomplete_and_picked_again(jobs: Jobs) -> None:
    launcher = jobs.start()
    launcher.terminate()
    launcher.wait(PATIENCE)
    last_line = (jobs.directory / "x.1.log").read_text().splitlines()[-1]
    assert last_line.startswith("# Killed with its launcher (SIGTERM) at ")
    again = [RUN_PL, "--pick", "incomplete", "JOB=1:3", "x.JOB.log", "echo", "again"]
    assert subprocess.run(again, cwd=jobs.directory).returncode == 0
    assert all("\nagain\n" in (jobs.directory / f"x.{n}.log").read_text() for n in (1, 2, 3))


def test_the_launcher_dies_with_its_parent(jobs: Jobs) -> None:
    parent = jobs.start("bash", "-c", '"$@"; echo not reached', "parent")
    (launcher,) = children(parent.pid)
    parent.kill()
    parent.wait()
    assert jobs.all_gone()
    assert wait_for(lambda: not is_alive(launcher))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_is_ignored_at_the_start_stays_ignored(jobs: Jobs, number: signal.Signals) -> None:
    """HUP under nohup, INT of a script that another script runs in the background."""
    launcher = jobs.start(preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
    launcher.send_signal(number)
    time.sleep(0.3)
    assert launcher.poll() is None
    assert all(map(is_alive, jobs.pids()))


def test_a_finished_launcher_leaves_jobs_of_others_alone(jobs: Jobs) -> None:
    jobs.start()
    other = subprocess.run([RUN_PL, "other.log", "true"], cwd=jobs.directory)
    assert other.returncode == 0
    assert all(map(is_alive, jobs.pids()))


def test_many_signals_at_the_start_leave_nothing_behind(tmp_path: Path) -> None:
    """A signal may come at any moment, also between the fork of a job and its becoming a process group."""
    job = "echo $BASHPID >JOB.pid; sleep 600"
    for delay in range(0, 60, 3):
        directory = tmp_path / str(delay)
        directory.mkdir()
        launcher = subprocess.Popen([RUN_PL, "JOB=1:2", "x.JOB.log", *job.split()], cwd=directory)
        time.sleep(delay / 1000)
        launcher.terminate()
        assert launcher.wait(PATIENCE) == -signal.SIGTERM
        pids = [int(file.read_text()) for file in directory.glob("*.pid") if file.read_text()]
        assert wait_for(lambda pids=pids: not any(map(is_alive, pids)))
