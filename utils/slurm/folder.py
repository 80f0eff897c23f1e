"""The files of one launch, in a folder of its own: exp/a/q/x/<token> for the logs exp/a/log/x.JOB.log.

launch.json   what is launched, by whom; locked as long as the launcher lives
command       what the jobs run, with the job variable in it
1.sh ...      batch scripts
slurm.log     the messages of SLURM itself, of all jobs
ended.<n>     the status of job n, written when its log is complete (a job may print a line like a footer itself)
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import socket
from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any

from utils.durable import rename, sync
from utils.errors import InputError
from utils.json_files import json_text
from utils.locking import lock_file
from utils.slurm.launch_request import LaunchRequest

NOTE, COMMAND, SLURM_LOG = "launch.json", "command", "slurm.log"


class LaunchFolder:
    """Where a launch keeps its files.

    Attributes:
        name: of its jobs in the queue; no other launch has it.
        path: absolute; exists after `make`.
    """

    def __init__(self, request: LaunchRequest):
        self.request = request
        log = request.log_of("*")
        base = re.sub(r"[^\w-]+", "_", log.name.removesuffix(".log").replace("*", "")).strip("_") or "job"
        token = secrets.token_hex(4)
        self.name = f"{base}-{token}"
        above = log.parent.parent if log.parent.name == "log" else log.parent
        self.path = (above / "q" / base / token).absolute()

    def marker(self, number: int) -> Path:
        """The file that says that a job has ended."""
        return self.path / f"ended.{number}"

    def make(self, jobs_named: Callable[[str], Sized]) -> None:
        """Make the folder, and remove those of launches that are over.

        Args:
            jobs_named: the jobs in the queue under a name.
        Raises InputError while another launch into the same logs, or a job of one, is alive.
        """
        self.path.mkdir(parents=True)
        try:
            (self.path / COMMAND).write_text(self.request.command, encoding="utf-8", errors="surrogateescape")
            self._write_note()
            for note in sorted(self.path.parent.glob(f"*/{NOTE}")):
                if note.parent != self.path:
                    self._look_at(note, jobs_named)
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def _write_note(self) -> None:
        """The note gets its name when it is locked and complete, so that launches at the same time see each other."""
        note = {
            **{"name": self.name, "host": socket.gethostname(), "pid": os.getpid()},
            **{"log": self.request.log, "first": self.request.first, "last": self.request.last},
        }
        partial = self.path / f"{NOTE}.partial"
        self._lock = lock_file(partial)
        os.write(self._lock, f"{json_text(note, partial)}\n".encode())
        sync(partial)
        rename(partial, self.path / NOTE)

    def _look_at(self, note: Path, jobs_named: Callable[[str], Sized]) -> None:
        """Refuse beside a launch that is alive; remove the folder of one that is over."""
        try:
            earlier = json.loads(note.read_text(encoding="utf-8"))
            jobs, alive = jobs_named(earlier["name"]), _is_locked(note)
        except FileNotFoundError:  # another launch has just removed it
            return
        if self._overlaps(earlier) and (jobs or alive):
            owner = f"process {earlier['pid']} on {earlier['host']}" + ("" if alive else ", which is gone")
            raise InputError(
                f"{self.request.log}: another launch ({owner}) has {len(jobs)} jobs in the queue; wait for it, "
                f"stop it, or cancel its jobs: scancel --me --name={earlier['name']}"
            )
        if not jobs and not alive:
            shutil.rmtree(note.parent, ignore_errors=True)

    def _overlaps(self, earlier: dict[str, Any]) -> bool:
        request = self.request
        return earlier["log"] == request.log and earlier["first"] <= request.last and request.first <= earlier["last"]


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # two that look at once are no owner to each other
    except (BlockingIOError, PermissionError):  # the second: another user's launch, which cannot be asked
        return True
    return False
