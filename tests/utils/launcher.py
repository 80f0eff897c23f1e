"""utils/run.pl for tests: running it, and what the log of a job says."""

import os
import re
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.processes import PATIENCE

RUN_PL = Path(__file__).parents[2] / "utils/run.pl"
DATE = r"\w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}"
Run = Callable[..., subprocess.CompletedProcess]


def run_launcher(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    """run.pl with these words in a directory, with these variables too."""
    env = {**os.environ, **environment}
    return subprocess.run([RUN_PL, *words], capture_output=True, text=True, timeout=PATIENCE, cwd=cwd, env=env)


def words(shell: str) -> list[str]:
    """The words of a COMMAND that bash is to see as this line: those with white space would be quoted."""
    return shell.split()


def output_of(log: Path) -> str:
    """What the job itself printed: the log without its header and footer."""
    lines = log.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(f"# Started at {DATE}", lines[1])
    assert lines[2] == "#"
    assert re.fullmatch(r"# Accounting: time=\d+ threads=1", lines[-3])
    return "\n".join(lines[3:-3])


def half_a_gigabyte() -> None:
    """The memory of a process that is about to start is limited: for preexec_fn."""
    resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
