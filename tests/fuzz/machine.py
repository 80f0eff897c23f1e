"""Runs trials by the zygote and judges each outcome by what every command promises for every input."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 2200  # characters of a message
MEGABYTES, SECONDS, PATIENCE = 600, 10, 40  # promised, promised, and until a trial that waits for something is ended
Command = tuple[str, Sequence[str]]  # a module, and the words for its main


@dataclass(frozen=True)
class Outcome:
    """What a trial left.

    Attributes:
        status: of the last command that ran; None: its process was ended by `signal`, or never came to its end.
        seconds, megabytes: processor time, and memory beyond that of the libraries.
    """

    status: int | None
    signal: int
    stderr: str
    seconds: float
    megabytes: float

    def faults(self) -> list[str]:
        """Every promise that is broken, in words."""
        found = []
        if self.status not in (0, 1):
            found.append(f"ended by signal {self.signal}" if self.signal else f"exit status {self.status}")
        if "Traceback (most recent call last)" in self.stderr:
            found.append("traceback: " + self.stderr.strip().splitlines()[-1][:200])
        if self.status == 1 and not self.stderr.strip():
            found.append("failed without a word")
        if self.seconds > SECONDS:
            found.append(f"{self.seconds:.0f} s of processor time")
        if self.megabytes > MEGABYTES:
            found.append(f"{self.megabytes:.0f} MB of memory")
        last = self.stderr.strip().splitlines()[-1:]
        if self.status == 1 and last and len(last[0]) > LONGEST:
            found.append(f"a message of {len(last[0])} characters")
        return found


class Machine:
    """The zygote, and trials one after another."""

    def __init__(self, folder: Path) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.zygote"],
            cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    def run(self, commands: Sequence[Command], cwd: Path = ROOT) -> Outcome:
        """Run the commands, each only if the one before it succeeded."""
        stderr, figures = self.folder / "stderr", self.folder / "figures"
        figures.unlink(missing_ok=True)
        request = {"commands": commands, "cwd": str(cwd), "stderr": str(stderr), "figures": str(figures)}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        child = int(self.process.stdout.readline())
        watch = threading.Timer(PATIENCE, os.killpg, (child, signal.SIGKILL))
        watch.start()
        answer = json.loads(self.process.stdout.readline())
        watch.cancel()
        found = json.loads(figures.read_text()) if figures.is_file() else {"statuses": [None], "megabytes": 0}
        text = stderr.read_text("utf-8", "replace") if stderr.is_file() else ""
        return Outcome(found["statuses"][-1], max(-answer["exit"], 0), text, answer["seconds"], found["megabytes"])


def kind_of(fault: str) -> str:
    """Words that tell faults of one kind from those of another: what is quoted, numbers and paths are left out."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\d+|/\S+", "#", fault)
