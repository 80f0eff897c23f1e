"""utils/lock_dir.sh: one run at a time in a directory, also after a run that was killed."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import PATIENCE, children, is_alive, wait_for

ROOT = Path(__file__).parents[2]
RECIPE = f"""
set -euo pipefail
. '{ROOT}/utils/lock_dir.sh'
lock_dir "$1"
echo locked
"""


class Recipes:
    """Small recipes that lock one directory and then do something."""

    def __init__(self, work: Path, locked: Path):
        self.work, self.locked = work, locked
        self.running: list[subprocess.Popen] = []

    def start(self, then: str) -> subprocess.Popen:
        """Start one; it holds the lock when this returns. `then` may leave process ids in files *.pid."""
        script = self.work / f"run {len(self.running)}.sh"
        script.write_text(RECIPE + then)
        process = subprocess.Popen(["bash", script, self.locked], cwd=self.work, stdout=subprocess.PIPE, text=True)
        self.running.append(process)
        assert process.stdout.readline() == "locked\n"
        return process

    def run(self, then: str = "") -> subprocess.CompletedProcess:
        """Run one to its end."""
        script = self.work / "second.sh"
        script.write_text(RECIPE + then)
        command = ["bash", script, self.locked]
        return subprocess.run(command, cwd=self.work, capture_output=True, text=True, timeout=PATIENCE)

    def pids(self) -> list[int]:
        return [int(file.read_text()) for file in self.work.glob("*.pid") if file.read_text()]


@pytest.fixture(params=["exp", 'an exp\'s "dir" $(touch hacked) é'], ids=["plain", "weird"])
def recipes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Recipes]:
    recipes = Recipes(tmp_path, tmp_path / "deep" / request.param)
    yield recipes
    for pid in filter(is_alive, recipes.pids()):
        os.kill(pid, signal.SIGKILL)
    for process in recipes.running:
        process.kill()
        process.wait()
    assert not (tmp_path / "hacked").exists()


def test_runs_one_after_another(recipes: Recipes) -> None:
    for _ in range(2):
        result = recipes.run()
        assert (result.returncode, result.stdout, result.stderr) == (0, "locked\n", "")


def test_a_second_run_refuses_and_names_the_first(recipes: Recipes) -> None:
    first = recipes.start("sleep 60")
    result = recipes.run()
    assert (result.returncode, result.stdout) == (1, "")
    assert f"{recipes.locked} is in use by process {first.pid} on " in result.stderr
    assert "run 0.sh" in result.stderr
    assert first.poll() is None


def test_other_directories_are_free(recipes: Recipes, tmp_path: Path) -> None:
    recipes.start("sleep 60")
    recipes.locked = tmp_path / "other"
    assert recipes.run().returncode == 0


def test_what_a_killed_run_left_behind_is_killed(recipes: Recipes) -> None:
    """The main process is dead, and not even collected by its parent; a child of a child still writes."""
    (recipes.work / "orphan.sh").write_text("echo $$ >orphan.pid; while true; do date >>written; sleep 0.05; done")
    first = recipes.start("bash -c 'bash orphan.sh; true'")
    assert wait_for(lambda: (recipes.work / "written").exists())
    first.kill()
    assert wait_for(lambda: not is_alive(first.pid))
    result = recipes.run("wc -c <written; sleep 0.5; wc -c <written")
    assert result.returncode == 0, result.stderr
    assert f"process {first.pid} is dead" in result.stderr
    assert not any(map(is_alive, recipes.pids()))
    _, before, after = result.stdout.split()
    assert before == after


def test_jobs_of_a_killed_launcher_are_killed(recipes: Recipes) -> None:
    """Recipe and launcher are killed at once: only the job's own process is left, with the lock that it inherited."""
    (recipes.work / "job.sh").write_text("echo $$ >job.pid; exec sleep 60")
    first = recipes.start(f"'{ROOT}/utils/run.pl' x.log bash job.sh; echo not reached")
    assert wait_for(lambda: len(recipes.pids()) == 1)
    (launcher,) = children(first.pid)
    for pid in (first.pid, launcher):
        os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: not is_alive(launcher))
    assert is_alive(recipes.pids()[0])
    assert recipes.run().returncode == 0
    assert not is_alive(recipes.pids()[0])


def test_a_pid_given_anew_does_not_count(recipes: Recipes) -> None:
    """The record names a living process, but one that was started at another time than the run."""
    first = recipes.start("sleep 60 & echo $! >orphan.pid; wait")
    assert wait_for(lambda: len(recipes.pids()) == 1)
    first.kill()
    assert wait_for(lambda: not is_alive(first.pid))
    record = recipes.locked / ".lock"
    machine, _, _, rest = record.read_text().split(maxsplit=3)
    record.write_text(f"{machine} {os.getpid()} 1 {rest}")
    assert recipes.run().returncode == 0
    assert is_alive(os.getpid())


def orphaned(recipes: Recipes) -> Path:
    """The record of a run that was killed; a process that it has left behind holds the lock."""
    first = recipes.start("sleep 60 & echo $! >orphan.pid; wait")
    assert wait_for(lambda: len(recipes.pids()) == 1)
    first.kill()
    assert wait_for(lambda: not is_alive(first.pid))
    return recipes.locked / ".lock"


@pytest.mark.hostile("A lock of another machine or container, which may have the same host name")
@pytest.mark.parametrize("change", ["boot", "namespace", "no machine"])
def test_on_another_machine_it_refuses_and_names_the_host(recipes: Recipes, change: str) -> None:
    record = orphaned(recipes)
    machine, pid, start, host, command = record.read_text().split(maxsplit=4)
    boot, _, namespace = machine.partition(":")
    other = {"boot": f"{boot[::-1]}:{namespace} ", "namespace": f"{boot}:1 ", "no machine": ""}[change]
    record.write_text(f"{other}{pid} {start} {host} {command}" if other else f"{host} {pid} {start} {command}")
    result = recipes.run()
    assert (result.returncode, result.stdout) == (1, "")
    assert f"is in use by process {pid} on {host}, another machine or container: bash" in result.stderr
    assert all(map(is_alive, recipes.pids()))


@pytest.mark.hostile("HOSTNAME that is another than when the lock was taken")
def test_the_host_name_does_not_count(recipes: Recipes, monkeypatch: pytest.MonkeyPatch) -> None:
    record = orphaned(recipes)
    machine, pid, start, _, command = record.read_text().split(maxsplit=4)
    record.write_text(f"{machine} {pid} {start} elsewhere {command}")
    monkeypatch.setenv("HOSTNAME", "a name of today")
    assert recipes.run().returncode == 0
    assert not any(map(is_alive, recipes.pids()))


@pytest.mark.hostile("A .lock that is a link to a file of the user's, a FIFO or a directory")
@pytest.mark.parametrize("name", [".lock", ".lock.turn"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "FIFO", "directory"])
def test_no_lock_goes_through_a_link(recipes: Recipes, tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "precious").write_text("mine\n")
    recipes.locked.mkdir(parents=True)
    path = recipes.locked / name
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / ("precious" if kind == "link" else "nowhere"))
    result = recipes.run()
    assert (result.returncode, result.stdout) == (1, "")
    assert f"{name}: a link, or no regular file" in result.stderr and result.stderr.count("\n") == 1
    assert (tmp_path / "precious").read_text() == "mine\n" and not (tmp_path / "nowhere").exists()


@pytest.mark.hostile("A machine on which /proc is not mounted")
def test_without_proc_it_says_so(recipes: Recipes) -> None:
    script = recipes.work / "run.sh"
    script.write_text(RECIPE)
    command = ["unshare", "--mount", "sh", "-c", 'umount -l /proc && exec bash "$@"', "sh", str(script), recipes.locked]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.stderr.startswith(("unshare", "umount")):
        pytest.skip("only root can unmount /proc, and not everywhere")
    assert (result.returncode, result.stdout) == (1, "")
    assert "/stat: cannot be read; mount /proc" in result.stderr and result.stderr.count("\n") == 1
    assert not recipes.locked.exists()


def test_many_at_once_are_let_in_one_at_a_time(recipes: Recipes) -> None:
    script = recipes.work / "many.sh"
    script.write_text(RECIPE + "mkdir inside; sleep 0.2; rmdir inside")
    command = ["bash", script, recipes.locked]
    started = [subprocess.Popen(command, cwd=recipes.work, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    errors = [process.communicate(timeout=PATIENCE)[1] for process in started]
    codes = [process.returncode for process in started]
    assert 0 in codes
    assert all((code == 0) != ("is in use by process" in error) for code, error in zip(codes, errors, strict=True)), (
        errors
    )


def test_a_directory_that_cannot_be_made(recipes: Recipes) -> None:
    recipes.locked.parent.mkdir()
    recipes.locked.write_text("a file")
    result = recipes.run()
    assert (result.returncode, result.stdout) == (1, "")
    assert str(recipes.locked.name[:6]) in result.stderr
