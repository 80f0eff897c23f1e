"""Locks hold on NFS too: wherever this project takes one, it is on a file opened for writing."""

import fcntl
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import wait_for
from tests.utils.test_stage_dir import Options, run
from utils.errors import InputError
from utils.journal import Journal
from utils.locking import lock_file, remove_lock
from utils.slurm.folder import LaunchFolder
from utils.slurm.launch_request import LaunchRequest, Settings
from utils.sweep import _alone
from utils.sweeping.point_dir import locked

ROOT = Path(__file__).parents[2]
# In front of the real flock: refuses, as NFS does, a descriptor that is not open for writing.
FLOCK = """#!/bin/bash
read -r _ flags < <(grep ^flags: "/proc/self/fdinfo/${!#}")
case $flags in *[12]) ;; *) echo "flock: ${!#}: Bad file descriptor" >&2; exit 65 ;; esac
echo locked >>"$FLOCK_CALLS"
PATH=${PATH#*:} exec flock "$@"
"""
locks: list[int] | None = None  # access modes of the descriptors that are locked, while a test watches


def note_flock(event: str, arguments: tuple) -> None:
    if event == "fcntl.flock" and locks is not None:
        locks.append(fcntl.fcntl(arguments[0], fcntl.F_GETFL) & os.O_ACCMODE)


sys.addaudithook(note_flock)


@pytest.fixture
def watched() -> Iterator[list[int]]:
    global locks
    locks = []
    yield locks
    locks = None


def write_stage(folder: Path) -> None:
    run(Options(folder / "out"))


def run_point(folder: Path) -> None:
    with locked(folder / "point"):
        pass


def sweep(folder: Path) -> None:
    with _alone(folder / "sweep"):
        pass


def launch(folder: Path) -> None:
    for job in (1, 2):  # the second asks whether the first is alive
        request = LaunchRequest(None, job, job, str(folder / "log/x.log"), "true", ("sbatch",), 1, Settings())
        LaunchFolder(request).make(lambda name: [])


def write_journal(folder: Path) -> None:
    with Journal(folder / "journal"):
        pass


@pytest.mark.parametrize("work", [write_stage, run_point, sweep, launch, write_journal])
def test_python_locks_files_that_are_open_for_writing(tmp_path, watched, work):
    work(tmp_path)
    assert watched and os.O_RDONLY not in watched


def test_shell_locks_files_that_are_open_for_writing(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/flock").write_text(FLOCK)
    (tmp_path / "bin/flock").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "FLOCK_CALLS": str(tmp_path / "calls")}
    script = '. utils/lock_dir.sh; lock_dir "$1/exp"'
    second = f"{script}; bash -c '{script}' second \"$1\""  # meets the lock of the first
    result = subprocess.run(
        ["bash", "-c", second, "first", str(tmp_path)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1 and "exp is in use by process" in result.stderr
    assert len((tmp_path / "calls").read_text().splitlines()) == 4


def test_every_shell_script_opens_what_it_locks_for_writing():
    scripts = [path for path in (ROOT / "utils").glob("*.sh") if "flock" in path.read_text()]
    opened = [mode for path in scripts for mode in re.findall(r"exec \{\w+\}(\S+)", path.read_text())]
    assert {path.name for path in scripts} == {"lock_dir.sh", "setup_env.sh"}
    assert opened and all(mode.startswith(">") for mode in opened)


def test_a_lock_excludes_others_until_it_is_given_up(tmp_path):
    path = tmp_path / ".lock"
    first = lock_file(path)
    with pytest.raises(BlockingIOError):
        lock_file(path)
    os.close(first)
    second = lock_file(path)
    remove_lock(path, second)
    assert not path.exists()


def test_who_waits_for_a_lock_that_its_owner_removes_gets_the_one_that_others_see(tmp_path):
    path = tmp_path / ".lock"
    first = lock_file(path)
    waited: list[int] = []
    waiting = threading.Thread(target=lambda: waited.append(lock_file(path, wait=True)))
    waiting.start()
    assert wait_for(lambda: " -> FLOCK" in Path("/proc/locks").read_text())
    remove_lock(path, first)
    waiting.join(60)
    with pytest.raises(BlockingIOError):
        lock_file(path)
    os.close(waited[0])


def test_no_lock_is_taken_through_a_link(tmp_path):
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=".lock: a link"):
        lock_file(tmp_path / ".lock")
    assert not (tmp_path / "elsewhere").exists()
