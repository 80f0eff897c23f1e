"""Real processes: killed within an epoch they go on with the same bytes, alone and together; threads are shared."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steps.training.torchrun import _shared_processors

ROOT = Path(__file__).parents[3]
SETTINGS = "epochs=2,accumulate=2,save_every=2,average=2,batch_size=12"


def run(directory: Path, n: int, kill: str = "") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tests.steps.training.tiny", "--out", str(directory), "--n", str(n)]
    more = ["--set", SETTINGS, *(["--kill", kill] if kill else [])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, env=environment)


def files(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.name != "killed"}


@pytest.mark.parametrize("n", [1, 2])
def test_killed_within_an_epoch_it_ends_with_the_same_bytes(tmp_path, n):
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    killed = run(tmp_path / "parts", n, kill="2.3")
    assert killed.returncode == (-signal.SIGKILL if n == 1 else 1), killed.stderr
    assert n == 1 or "of 2 was killed by SIGKILL, and the others were ended" in killed.stderr
    for directory, start in (
        (tmp_path / "parts", "resumed after update 2 of epoch 2"),
        (tmp_path / "whole", "epoch 0"),
    ):
        done = run(directory, n)
        assert done.returncode == 0 and start in done.stderr, done.stderr
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


@pytest.mark.parametrize(("before", "n", "share"), [("8", 2, "4"), ("3", 2, "1"), ("1", 4, "1"), ("4,2", 2, "2")])
def test_processes_share_the_threads(monkeypatch, before, n, share):
    monkeypatch.setenv("OMP_NUM_THREADS", before)
    with _shared_processors(n):
        assert os.environ["OMP_NUM_THREADS"] == share
    assert os.environ["OMP_NUM_THREADS"] == before
