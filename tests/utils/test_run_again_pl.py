"""Jobs that ask to be run again, and what signals mean to them: the shell that both launchers give a job."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.processes import PATIENCE, wait_for

RUN_PL = Path(__file__).parents[2] / "utils/run.pl"
COUNT = "echo x >>count.JOB; test $(wc -l <count.JOB) -ge 3 || exit 85"


def run(directory: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([RUN_PL, *words], cwd=directory, capture_output=True, text=True)


def test_a_job_that_asks_is_run_again_and_its_log_continued(tmp_path: Path) -> None:
    (tmp_path / "x.1.log").write_text("of an earlier run\n")
    done = run(tmp_path, "JOB=1:2", "x.JOB.log", *COUNT.split())
    assert (done.returncode, done.stderr) == (0, "")
    for job in (1, 2):
        lines = (tmp_path / f"x.{job}.log").read_text().splitlines()
        assert sum(line.startswith("# Ended (code 85)") for line in lines) == 2
        assert lines.count("# Run again") == 2 and "of an earlier run" not in lines
        assert lines[-1].startswith("# Ended (code 0)")


@pytest.mark.parametrize("most, status, runs", [(0, 1, 1), (1, 1, 2), (2, 0, 3)])
def test_not_more_often_than_allowed(tmp_path: Path, most: int, status: int, runs: int) -> None:
    done = run(tmp_path, "--max-restarts", str(most), "JOB=1", "x.JOB.log", *COUNT.split())
    assert (done.returncode, (tmp_path / "count.1").read_text()) == (status, "x\n" * runs)


def test_other_statuses_are_failures(tmp_path: Path) -> None:
    assert run(tmp_path, "x.log", "echo", "x", ">>count", ";", "exit", "84").returncode == 1
    assert (tmp_path / "count").read_text() == "x\n"


def job(directory: Path, command: str) -> tuple[subprocess.Popen, int]:
    """A launcher whose job says "ready", and the process group of the job."""
    text = f"echo $BASHPID >pid.tmp; mv pid.tmp pid; {command}"
    launcher = subprocess.Popen([RUN_PL, "--max-restarts", "0", "x.log", *text.split()], cwd=directory)
    assert wait_for((directory / "pid").exists)
    assert wait_for(lambda: "ready" in (directory / "x.log").read_text().splitlines())
    return launcher, int((directory / "pid").read_text())


HANDLER = (
    "import signal,sys,time; signal.signal({}, lambda *_: sys.exit(85)); print('ready', flush=True); time.sleep(600)"
)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_program_that_listens_ends_the_job_with_its_own_status(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "listen.py").write_text(HANDLER.format(int(number)))
    launcher, group = job(
        tmp_path, "python3 listen.py; echo rest; exit 0" if number == signal.SIGTERM else "python3 listen.py"
    )
    os.killpg(group, number)
    assert launcher.wait(PATIENCE) == 1
    log = (tmp_path / "x.log").read_text()
    assert "# Ended (code 85)" in log and "\nrest\n" not in log


def test_usr1_is_nothing_to_a_program_that_does_not_listen(tmp_path: Path) -> None:
    launcher, group = job(tmp_path, "echo ready; sleep 1; echo rest")
    os.killpg(group, signal.SIGUSR1)
    assert launcher.wait(PATIENCE) == 0
    assert "\nrest\n" in (tmp_path / "x.log").read_text()


@pytest.mark.parametrize("command", ["echo ready; sleep 600; echo rest", "sleep 600 & echo ready; wait; echo rest"])
def test_term_is_never_a_success(tmp_path: Path, command: str) -> None:
    launcher, group = job(tmp_path, command)
    os.killpg(group, signal.SIGTERM)
    assert launcher.wait(PATIENCE) == 1
    assert "\nrest\n" not in (tmp_path / "x.log").read_text()
