"""Stages of a recipe on a part of its corpus, in a directory of their own: how long they take, and what they need.

    rehearsal = Rehearsal(Path("./run.sh"), ["--corpus", "demo"], directory)
    trial = rehearsal.run("text", 1, 3)
    if trial.fault: ...

The recipe runs as its user has called it, but for --data, --exp and the stages; what it says goes to a log in the
directory.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from utils.command import doing

TITLE = re.compile(r"^(\d\d):(\d\d):(\d\d) stage (\d):", re.MULTILINE)
DAY = 86400  # seconds
LOOK = 0.2  # seconds between two looks at a run
PART = "PS_PART"  # the variable by which local/prepare_audio.sh is told how many utterances to take


class Trial(NamedTuple):
    """What one run has shown.

    Attributes:
        seconds: of the clock. stages: those of each stage, to the second. peak: bytes of the process that took most.
        fault: what it said where it failed; empty where all went well, or where it was stopped.
    """

    seconds: float
    stages: dict[int, float]
    peak: int
    fault: str


class Rehearsal:
    """Runs of a recipe in a directory of their own, one at a time; `stop` ends the one that runs.

    Args:
        script: the recipe. words: as its user has typed them.
    """

    def __init__(self, script: Path, words: list[str], directory: Path):
        self.script, self.words, self.directory = script.absolute(), words, directory
        self.data, self.exp = directory / "data", directory / "exp"
        self._running: subprocess.Popen | None = None

    def run(
        self,
        first: int,
        last: int,
        *more: str,
        part: int | None = None,
        enough: Callable[[float], bool] = lambda seconds: False,
        data: Path | None = None,
    ) -> Trial:
        """Run the stages from `first` to `last`.

        Args:
            more: further words, which replace those of the user. part: utterances of a corpus of audio to work on.
            enough: given the seconds so far, should the run be stopped?
        """
        own = ["--check", "false", "--force", "false", "--data", str(data or self.data), "--exp", str(self.exp)]
        stages = ["--stage", str(first), "--stop_stage", str(last)]
        log = self.directory / f"stage_{first}.log"
        environment = os.environ | ({PART: str(part)} if part else {})
        start = time.monotonic()
        label = f"stages {first} to {last} of a part" if first < last else f"stage {first}"
        with log.open("w", encoding="utf-8") as file, doing(label):
            self._running = subprocess.Popen(
                [self.script, *self.words, *own, *stages, *more],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
            )
            stopped, peak, status = self._wait(start, enough)
        seconds, said = time.monotonic() - start, log.read_text(encoding="utf-8", errors="replace")
        return Trial(seconds, _stages(said, seconds), peak, "" if stopped or status == 0 else _fault(said))

    def _wait(self, start: float, enough: Callable[[float], bool]) -> tuple[bool, int, int]:
        """Wait for the run to end: whether it was stopped, its peak in bytes, its status."""
        stopped = False
        while True:
            pid, status, used = os.wait4(self._running.pid, os.WNOHANG)
            if pid:
                self._running.returncode = os.waitstatus_to_exitcode(status)
                self._running = None
                return stopped, used.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)
            if not stopped and enough(time.monotonic() - start):
                stopped = True
                self._running.send_signal(signal.SIGTERM)
            time.sleep(LOOK)

    def stop(self) -> None:
        """End the run, and all that it has started."""
        if self._running is not None:
            self._running.send_signal(signal.SIGTERM)
            self._running.wait()


def _stages(said: str, seconds: float) -> dict[int, float]:
    """The seconds of each stage, by the titles in what a run of so many seconds has said."""
    begun = [(int(n), int(h) * 3600 + int(m) * 60 + int(s)) for h, m, s, n in TITLE.findall(said)]
    ends = [*(time for _, time in begun[1:]), begun[0][1] + seconds if begun else 0]
    spans = {stage: (end - begin) % DAY for (stage, begin), end in zip(begun, ends, strict=False)}
    return {stage: span if span < DAY / 2 else 0.0 for stage, span in spans.items()}  # titles are cut to the second


def _fault(said: str) -> str:
    """The line of a log that tells why a run has failed."""
    lines = [line for line in said.splitlines() if line.strip()]
    told = [line.partition("ERROR: ")[2] for line in lines if "ERROR: " in line]
    return (told or lines or ["it said nothing"])[-1]


def size_of(*paths: Path) -> int:
    """The bytes of all files below some directories, those that links lead to left out."""
    files = (file for path in paths for file in path.rglob("*"))
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())
