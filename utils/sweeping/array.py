"""The points that are to run, as one array of jobs through a launcher.

.<out>.parts/<identity>/shards.jsonl   the table of the sweep: each point is a shard, numbered as in the sweep
<out>/log/array.<n>.<job>.log          the logs of the n-th array, as launchers write them
<out>/log/<point>.log                  a link to the log of the point's last job
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from utils.command import logger
from utils.parts import Item, Work
from utils.shards import format_numbers
from utils.stage_dir import signature
from utils.sweeping.sweep_file import Point, Sweep

log = logger(__name__)
SCRIPT = Path(__file__).parents[1] / "launcher/array.sh"


def log_of(out: Path, point: Point) -> Path:
    """The log of a point's last job."""
    return out / "log" / f"{point.name}.log"


def run_array(launcher: str, points: Sequence[Point], sweep: Sweep) -> None:
    """Run a job for each of these points of a sweep, and wait for all."""
    work = write_work(sweep)
    shards = sorted(map(sweep.points.index, points))
    logs = _new_logs(sweep.out / "log")
    for job, shard in enumerate(shards, 1):
        link = log_of(sweep.out, sweep.points[shard])
        link.unlink(missing_ok=True)
        link.symlink_to(logs.name.replace("JOB", str(job)))
    log.info("%d jobs through '%s', logs in %s", len(shards), launcher, logs)
    job = ["python3", "-m", "utils.sweeping.job", "--out", str(sweep.out), "--identity", work.identity]
    job += ["--shards", format_numbers(shards), "--nj", str(len(shards)), "--job", "JOB"]
    status = _wait(["bash", str(SCRIPT), launcher, str(len(shards)), str(logs), *job])
    if status:
        log.info("the launcher ended with status %d", status)


def write_work(sweep: Sweep) -> Work:
    """Write the table of a sweep: of each point its directory, its signature and the words of its command."""
    items = [
        Item(point.name, shard, [str(sweep.directory(point)), point.signature, point.words])
        for shard, point in enumerate(sweep.points)
    ]
    return Work.write(sweep.out, signature({"points": items}, []), items)


def _new_logs(directory: Path) -> Path:
    """The name of the next array's logs, with JOB for a job's number."""
    directory.mkdir(parents=True, exist_ok=True)
    numbers = [int(path.name.split(".")[1]) for path in directory.glob("array.*.log")]
    return directory / f"array.{1 + max(numbers, default=0)}.JOB.log"


def _wait(words: Sequence[str]) -> int:
    """Run the launcher to its end. A signal that stops us stops it first, with its jobs; then we die by the signal."""
    stopped_by: list[int] = []
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL)

    def stop(number: int, frame: FrameType | None) -> None:
        stopped_by.append(number)
        process.terminate()

    caught = [one for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) != signal.SIG_IGN]
    before = {one: signal.signal(one, stop) for one in caught}
    status = process.wait()
    for one, handler in before.items():
        signal.signal(one, handler)
    if stopped_by:
        signal.signal(stopped_by[0], signal.SIG_DFL)
        os.kill(os.getpid(), stopped_by[0])
    return status
