"""Training commands as processes of their own, to be watched and interrupted."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes import PATIENCE, children, is_alive, kill_session, session, wait_for
from tests.steps.generators.conftest import ROOT

SETTINGS = "hidden=32,folds=5,epochs=60,patience=60,lr=0.001"


class Training:
    """`steps.generators.train` in a session of its own; nothing of it is left afterwards.

    Attributes:
        said: the lines on stderr so far.
    """

    def __init__(self, *words: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "steps.generators.train", "--use_gpu", "false", *words], cwd=ROOT, text=True,
            stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True,
            # as in a terminal: where the tests run in the background INT is ignored, which a child inherits
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        self.said: list[str] = []
        self.reader = threading.Thread(target=lambda: self.said.extend(self.process.stderr))
        self.reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kill_session(self.process.pid)
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()

    def wait_for(self, text: str) -> bool:
        """Wait until it says this, or has ended."""
        return wait_for(lambda: any(text in line for line in [*self.said]) or self.process.poll() is not None)

    def end(self) -> int:
        """Wait for the end. Returns the exit status."""
        status = self.process.wait(PATIENCE)
        self.reader.join()
        return status

    def is_gone(self) -> bool:
        """Is no process of it left, a moment after its end?"""
        return wait_for(lambda: not session(self.process.pid))

    def members(self) -> list[int]:
        """The processes that train together, where there are several."""
        pids = [pid for pid in children(self.process.pid) if is_alive(pid)]
        return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def send(self, to: str, *signals: signal.Signals) -> None:
        """Signal the `command` alone, a member of the group by its number, or `all` processes as a cluster does."""
        for number in signals:
            if to == "all":
                os.killpg(self.process.pid, number)
            else:
                os.kill(self.process.pid if to == "command" else self.members()[int(to)], number)


def outputs(directory: Path) -> dict[str, bytes]:
    """Name -> content of what training has written, without what says how."""
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.name != "run_info.json"}
