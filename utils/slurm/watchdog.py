"""Cancels the jobs of a launcher that has been killed without being able to do so itself."""

import contextlib
import os
import time
from pathlib import Path

from utils.slurm.scheduler import Scheduler, SchedulerAway

TRIES = 60  # in most of an hour
GOODBYE = b"done"
NAME = "slurm_watchdog"  # of the process: utils/guard.pl leaves it alone


class Watchdog:
    """A process of its own, in a session of its own, that lives as long as the launcher.

    It waits at a pipe. If that closes without a goodbye, the launcher is dead, and all jobs of its name are cancelled.
    """

    def __init__(self, name: str, timeout: float):
        reader, self._writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writer)
            try:
                _guard(reader, name, timeout)
            finally:
                os._exit(0)
        os.close(reader)

    def dismiss(self) -> None:
        """Nothing is left to guard."""
        os.write(self._writer, GOODBYE)
        os.close(self._writer)
        os.waitpid(self._pid, 0)


def _guard(reader: int, name: str, timeout: float) -> None:
    os.setsid()
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(NAME)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    if os.read(reader, len(GOODBYE)) == GOODBYE:
        return
    scheduler = Scheduler(timeout)
    for attempt in range(TRIES):
        with contextlib.suppress(SchedulerAway):
            scheduler.cancel_named(name)
            # once more: a submission that was on its way may have arrived meanwhile
            if attempt and not scheduler.named(name):
                return
        time.sleep(min(60.0, 0.5 * 1.5**attempt))
