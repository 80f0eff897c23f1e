"""The points that are to run, as one array of jobs through a launcher.

    <out>/log/array.<n>.json       the n-th array: what each of its jobs runs
    <out>/log/array.<n>.<job>.log  its logs, as launchers write them
    <out>/log/<point>.log          a link to the log of the point's last job

Job numbers mean something within one array only, so each array has a number of its own.
"""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from utils.command import logger
from utils.errors import InputError
from utils.json_files import read_json
from utils.sweeping.plan import Plan, Point

log = logger(__name__)
SCRIPT = Path(__file__).parents[1] / "launcher/array.sh"


class Task(NamedTuple):
    """What one job of an array runs, and where."""

    name: str
    directory: str
    signature: str
    words: list[str]


def log_of(out: Path, point: Point) -> Path:
    """The log of a point's last job."""
    return out / "log" / f"{point.name}.log"


def run_array(launcher: str, points: Sequence[Point], plan: Plan) -> None:
    """Run a job for each of these points of a sweep, and wait for all."""
    tasks = [Task(point.name, str(plan.directory(point)), point.signature, list(point.words)) for point in points]
    array = _write_array(plan.out / "log", tasks)
    for job, point in enumerate(points, 1):
        link = log_of(plan.out, point)
        link.unlink(missing_ok=True)
        link.symlink_to(f"{array.stem}.{job}.log")
    logs = array.with_suffix(".JOB.log")
    log.info("%d jobs through '%s', logs in %s", len(tasks), launcher, logs)
    job = ["python3", "-m", "utils.sweeping.job", "--array", str(array), "--job", "JOB"]
    status = _wait(["bash", str(SCRIPT), launcher, str(len(tasks)), str(logs), *job])
    if status:
        log.info("the launcher ended with status %d", status)


def read_task(array: Path, job: int) -> Task:
    """What job number `job` of an array runs."""
    tasks = read_json(array, ["tasks"])["tasks"]
    if not 1 <= job <= len(tasks):
        raise InputError(f"--job {job}: {array} has {len(tasks)} jobs")
    return Task(**tasks[job - 1])


def _write_array(logs: Path, tasks: Sequence[Task]) -> Path:
    logs.mkdir(parents=True, exist_ok=True)
    numbers = [path.name.split(".")[1] for path in logs.glob("array.*.json")]
    array = logs / f"array.{1 + max(map(int, numbers), default=0)}.json"
    content: dict[str, Any] = {"tasks": [task._asdict() for task in tasks]}
    array.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return array


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
