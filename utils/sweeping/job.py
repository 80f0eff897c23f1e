"""Run one point of a sweep: a job of the array that utils/sweep.py starts.

Its exit status is that of the point's command.
"""

import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from utils.command import logger, run_command
from utils.options import option
from utils.sweeping.array import read_task
from utils.sweeping.point_dir import begin, finish, is_done, locked

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    array: Path = option(help="<out>/log/array.<n>.json of a sweep")
    job: int = option(help="which of its jobs to run, from 1", least=1)


def work(options: Options) -> None:
    """Run the command of one point in its directory, and mark that as done if it succeeds."""
    task = read_task(options.array, options.job)
    directory = Path(task.directory)
    # a launcher signals the whole process group: the command decides what to do, and its status is ours
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    with locked(directory) as lock:
        if is_done(directory, task.signature):  # by a job that we have waited for
            return
        begin(directory, task.signature)
        log.info("%s: %s", task.name, shlex.join(task.words))
        status = subprocess.run(task.words, stdin=subprocess.DEVNULL, pass_fds=[lock]).returncode
        if status == 0:
            finish(directory)
    if status:
        sys.exit(status if status > 0 else 128 - status)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
