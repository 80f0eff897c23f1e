"""Stage 0 for the demo corpus when its processes are killed: no process left behind, no wait without end, no output."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.demo.__main__ import PACKAGES
from tests.processes import children, is_alive, wait_for

for package in PACKAGES:
    pytest.importorskip(
        package, reason="the packages of requirements-demo.txt and requirements-audio.txt are not installed"
    )

ROOT = Path(__file__).parents[3]


@pytest.fixture
def speaking(tmp_path):
    """The command while a worker has a child that speaks: (process, worker, all processes below it)."""
    command = [sys.executable, "-m", "local.demo", "--n_voices", "60", "--out", str(tmp_path / "all")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    found: list[int] = []

    def seen() -> bool:
        workers = children(process.pid)
        found[:] = next(([worker, *workers, *children(worker)] for worker in workers if children(worker)), [])
        return bool(found)

    assert wait_for(seen)
    yield process, found[0], found[1:]
    process.kill()
    process.wait()


def test_the_command_is_killed(speaking, tmp_path):
    process, _, below = speaking
    process.kill()
    assert wait_for(lambda: not any(map(is_alive, below)))
    assert not (tmp_path / "all").exists()


def test_a_worker_is_killed(speaking, tmp_path):
    process, worker, below = speaking
    os.kill(worker, signal.SIGKILL)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "BrokenProcessPool" in message
    assert wait_for(lambda: not any(map(is_alive, below)))
    assert list(tmp_path.iterdir()) == []
