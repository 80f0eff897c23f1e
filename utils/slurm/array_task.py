"""One job of a request, and what its log says of it."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

FOOTER = re.compile(rb"# Ended \(code (\d+)(?:; signal (\d+))?\)")


@dataclass
class ArrayTask:
    """A job from its submission to its end.

    Attributes:
        marker: the file with its status, which is written when its log is complete.
        job_id: SLURM's, such as 123_4; None before the submission.
        state, reason, node: the last that the scheduler has said.
        since: when it was first seen in this state, for this reason.
        ended: when it was first seen to have ended; missing: how many times in a row the scheduler did not know it.
        restarts: how often it has been run again.
        status: how it ended: 0, its exit status, or 1 with a `problem`; None while it is open.
    """

    number: int
    log: Path
    marker: Path
    job_id: str | None = None
    state: str = ""
    reason: str = ""
    node: str = ""
    since: float = 0.0
    ended: float | None = None
    missing: int = 0
    restarts: int = 0
    status: int | None = None
    problem: str | None = None

    @property
    def open(self) -> bool:
        """Is it not known yet how it ended?"""
        return self.status is None

    def exit_code(self) -> int | None:
        """How it ended, as soon as its marker and the footer of its log say the same here."""
        try:
            code = int(self.marker.read_bytes())
        except (OSError, ValueError):
            return None
        return code if exit_code(self.log) == code else None


def exit_code(log: Path) -> int | None:
    """The status in a log's footer (128 + signal for a killed job), which launcher/JobLog.pm writes; None without."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            end = file.read()
    except OSError:
        return None
    last = end.rstrip(b"\n").rpartition(b"\n")[2]
    found = FOOTER.match(last) if end.endswith(b"\n") else None
    if found is None:
        return None
    code, killed_by = int(found[1]), int(found[2] or 0)
    return code or (128 + killed_by if killed_by else 0)


def add_note(log: Path, text: str) -> None:
    """One more line in a log, which then has no footer at its end; a log that is not there is let be."""
    if log.is_file():
        with log.open("a", encoding="utf-8") as file:
            file.write(f"# {text}\n")
