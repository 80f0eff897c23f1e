"""A simulated cluster under the real waiting of utils/slurm.pl: how often would the scheduler be asked?

Only SLURM's programs and time are simulated. Batch scripts are written, numbers read, logs looked at and states judged
by the launcher's own code; logs are real files. Jobs run for some minutes; of a hundred one fails, one is killed and
leaves no footer, one asks to be run again, and footers reach the launcher's file system some seconds late.
"""

import heapq
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from utils.run_again import RUN_AGAIN
from utils.slurm.array_task import ArrayTask
from utils.slurm.batch import Batch, chunks
from utils.slurm.folder import LaunchFolder
from utils.slurm.launch_request import LaunchRequest, Settings
from utils.slurm.scheduler import Scheduler
from utils.slurm.watch import Watch

MAX_ARRAY_SIZE = 1001
SHORTEST, LONGEST = 300.0, 1500.0  # seconds of a job
LATE = 5.0  # seconds until a footer can be read on the launcher's side
REMEMBERED = 300.0  # seconds for which squeue shows a job that has ended: SLURM's MinJobAge
FATES = {17: 1, 43: RUN_AGAIN, 71: None}  # last digits of a job's number -> the status in its footer, None: no footer
FOOTER = "# Ended (code {}) at Mon Nov 02 09:30:12 UTC 2026, elapsed time 12 seconds\n"


class Job(NamedTuple):
    """A simulated job: when it begins and ends, and how."""

    begin: float
    end: float
    state: str


class Calls(NamedTuple):
    """Questions to the scheduler (squeue, sacct) and submissions (sbatch) in one launch."""

    minutes: float
    questions: int
    most_in_a_minute: int  # of the questions
    submissions: int


class SimulatedSlurm:
    """`n_slots` jobs run at once; `clock`, `sleep` and `run` are what the launcher gets for time and programs."""

    def __init__(self, tasks: Sequence[ArrayTask], n_slots: int):
        self.tasks = {task.number: task for task in tasks}
        self.now = 0.0
        self.slots = [0.0] * min(n_slots, len(tasks))
        self.jobs: dict[str, Job] = {}
        self.footers: list[tuple[float, int, int]] = []  # when they can be read, of which job, status; as a heap
        self.calls: list[tuple[float, str]] = []

    def clock(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, and jobs write their logs."""
        self.now += seconds
        while self.footers and self.footers[0][0] <= self.now:
            _, number, status = heapq.heappop(self.footers)
            self.tasks[number].log.write_text(FOOTER.format(status))
            self.tasks[number].marker.write_text(f"{status}\n")

    def run(self, words: Sequence[str], timeout: float) -> subprocess.CompletedProcess:
        """A program of SLURM's."""
        self.calls.append((self.now, words[0]))
        if words[0] == "sacct":
            raise FileNotFoundError(words[0])
        answer = {"sbatch": self._sbatch, "squeue": self._squeue}[words[0]](words)
        return subprocess.CompletedProcess(words, 0, answer, "")

    def _sbatch(self, words: Sequence[str]) -> str:
        text = Path(words[-1]).read_text(encoding="utf-8")
        offset = int(re.search(r"SLURM_ARRAY_TASK_ID \+ (\d+)", text)[1])
        job_id = sum(name == "sbatch" for _, name in self.calls)
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", next(word for word in words if word.startswith("--array="))):
            for index in range(int(first), int(last or first) + 1):
                self.jobs[f"{job_id}_{index}"] = self._start(index + offset)
        return f"Submitted batch job {job_id}\n"

    def _start(self, number: int) -> Job:
        """The next free slot takes the job; how long it runs and how it ends follows from its number."""
        begin = max(self.now, heapq.heappop(self.slots))
        end = begin + SHORTEST + (number * 7919) % int(LONGEST - SHORTEST)
        heapq.heappush(self.slots, end)
        fate = FATES.get(number % 100, 0)
        if fate == RUN_AGAIN and self.tasks[number].log.exists():  # it did so before
            fate = 0
        if fate is not None:
            heapq.heappush(self.footers, (end + LATE, number, fate))
        return Job(begin, end, {0: "COMPLETED", None: "OUT_OF_MEMORY"}.get(fate, "FAILED"))

    def _squeue(self, words: Sequence[str]) -> str:
        wanted = set(next(word for word in words if word.startswith("--jobs=")).removeprefix("--jobs=").split(","))
        lines = []
        for job_id, job in self.jobs.items():
            if job_id.partition("_")[0] in wanted and self.now < job.end + REMEMBERED:
                state = job.state if self.now >= job.end else "RUNNING" if self.now >= job.begin else "PENDING"
                reason = "Resources" if state == "PENDING" else "None"
                lines.append(f"{job_id}|{state}|{'' if state == 'PENDING' else 'node1'}|{reason}\n")
        return "".join(lines)


def count_calls(n_jobs: int, n_slots: int) -> Calls:
    """Wait for `n_jobs` on a cluster that runs `n_slots` at once, with the waits of slurm.pl as it is shipped."""
    with tempfile.TemporaryDirectory() as name, _programs(Path(name)):
        settings = Settings()
        request = LaunchRequest("JOB", 1, n_jobs, str(Path(name) / "JOB.log"), "true", ("sbatch",), 1, settings)
        folder = LaunchFolder(request)
        folder.make(lambda name: ())
        tasks = [ArrayTask(number, request.log_of(number), folder.marker(number)) for number in range(1, n_jobs + 1)]
        cluster = SimulatedSlurm(tasks, n_slots)
        scheduler = Scheduler(settings.command_timeout, cluster.run)
        batch = Batch(folder, request, scheduler)
        parts = chunks(tasks, MAX_ARRAY_SIZE)
        Watch(parts, batch.submit, scheduler, settings, lambda line: None, cluster.clock, cluster.sleep).run()
    expected = Counter(int(FATES.get(task.number % 100, 0) in (1, None)) for task in tasks)
    if Counter(task.status for task in tasks) != expected:
        raise AssertionError(f"the launcher has misjudged jobs: {expected} was expected")
    questions = Counter(int(when // 60) for when, program in cluster.calls if program != "sbatch")
    n_questions = sum(questions.values())
    return Calls(cluster.now / 60, n_questions, max(questions.values()), len(cluster.calls) - n_questions)


@contextmanager
def _programs(folder: Path) -> Iterator[None]:
    """submitit wants to see srun on PATH, and never calls it here."""
    (folder / "srun").touch(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}:{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before
