"""Run points of a sweep: a job of the array that utils/sweep.py starts, or of an array of one's own.

    python3 -m utils.sweeping.job --out exp/demo/sweep/mdn --identity 3f2a... --shards 0-3

The points are those of the table in `.<out>.parts/<identity>`, numbered as in the sweep. The exit status is that of the
first command that fails.
"""

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from utils.command import logger, run_command
from utils.options import option
from utils.parts import Item, Work
from utils.run_again import RunAgain, StopRequest
from utils.shards import MOST_JOBS, SHARDS_HELP, chosen_shards
from utils.sweeping.point_dir import begin, finish, is_finished, locked

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    out: Path = option(help="directory of the sweep")
    identity: str = option(help="which of its tables, .<out>.parts/<identity>")
    shards: str | None = option(None, SHARDS_HELP)
    nj: int = option(1, "number of jobs that share them", least=1, most=MOST_JOBS)
    job: int = option(0, "take the shards of this job, from 1; 0 takes all", least=0, most=MOST_JOBS)


def work(options: Options) -> None:
    """Run the commands of this job's points, each in its directory; mark those as finished that succeed."""
    table = Work.load(options.out, options.identity, "utils/sweep.py")
    numbers = chosen_shards(table.n_shards, options.shards, options.job, options.nj)
    failed = []
    with StopRequest() as asked:  # a launcher signals the whole process group: the command decides what to do
        for item in (item for _, items in table.shards(numbers) for item in items):
            if asked():
                raise RunAgain(f"stopped before {item.id}")
            if status := run_point(item):
                failed.append(status)
    if failed:
        sys.exit(failed[0] if failed[0] > 0 else 128 - failed[0])


def run_point(item: Item) -> int:
    """Run the command of one point, unless another job has done so. Returns its status."""
    directory, signature, words = Path(item.content[0]), *item.content[1:]
    with locked(directory) as lock:
        if is_finished(directory, signature):  # by a job that we have waited for
            return 0
        begin(directory, signature)
        log.info("%s: %s", item.id, shlex.join(words))
        status = subprocess.run(words, stdin=subprocess.DEVNULL, pass_fds=[lock]).returncode
        if status == 0:
            finish(directory)
    return status


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
