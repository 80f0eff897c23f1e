"""Submission by submitit: it builds the batch script and reads the job's number. What runs is a command, no pickle."""

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from submitit.core.utils import FailedSubmissionError
from submitit.slurm.slurm import SlurmExecutor

from utils.errors import InputError
from utils.shards import format_numbers
from utils.slurm.array_task import ArrayTask
from utils.slurm.folder import SLURM_LOG, LaunchFolder
from utils.slurm.launch_request import LaunchRequest
from utils.slurm.scheduler import Scheduler, SchedulerAway

JOB_SCRIPT = Path(__file__).parents[1] / "launcher/slurm_job.pl"
NOTICE = "B:USR1@60"  # a minute before its time limit the job is told (launcher/JobShell.pm)
TRY_AGAIN = re.compile(
    "unable to contact|communication|connection refused|timed out|not responding|temporarily|try again|zero bytes", re.I
)
TOO_MANY = re.compile("submit limit|MaxSubmitJob|too many|MaxJobCount|maximum job", re.I)


class TooManyJobs(Exception):
    """The cluster takes no more jobs of this user before some have ended."""


class Batch(SlurmExecutor):
    """Writes batch scripts into the folder of a launch and submits them, all under its name.

    submitit's own submission would wait for pickled results: only its script and its reading of sbatch are used.
    """

    def __init__(self, folder: LaunchFolder, request: LaunchRequest, scheduler: Scheduler):
        super().__init__(folder.path)
        self.name, self.request, self.scheduler = folder.name, request, scheduler
        self.scripts = itertools.count(1)
        self.known: set[str] = set()
        self.unsure = False  # the last submission may have come through although it did not answer

    @property
    def has_submitted(self) -> bool:
        """May there be jobs?"""
        return bool(self.known) or self.unsure

    def submit(self, tasks: Sequence[ArrayTask], offset: int) -> None:
        """Submit tasks as one job or array, and note their job ids; array ids are numbers minus `offset`.

        Raises SchedulerAway and TooManyJobs where a later try may succeed, InputError where sbatch refuses for good.
        """
        job = self._arrived() if self.unsure else None
        if job is None:
            words = [*self.request.sbatch, *self._own_words(tasks, offset), str(self._write_script(tasks, offset))]
            self.unsure = True
            answer = self.scheduler.call(*words)
            self.unsure = False
            if answer.returncode:
                self._refused(answer.stderr.strip() or answer.stdout.strip(), words)
            try:
                job = self._get_job_id_from_submission_command(answer.stdout)
            except FailedSubmissionError as error:
                raise InputError(f"{shlex.join(words)}: expected a job's number, found {answer.stdout!r}") from error
        self.unsure = False
        self.known.add(job)
        for task in tasks:
            task.job_id = job if self.request.name is None else f"{job}_{task.number - offset}"

    def _arrived(self) -> str | None:
        """The job of a submission that did not answer, if there is one."""
        jobs = {job.partition("_")[0] for job in self.scheduler.named(self.name)} - self.known
        return min(jobs, default=None)

    def _own_words(self, tasks: Sequence[ArrayTask], offset: int) -> list[str]:
        """The words that identify the jobs, last, so that neither other words nor SBATCH_* variables override them."""
        words = [f"--job-name={self.name}", f"--output={output_pattern(self.folder / SLURM_LOG)}"]
        if self.request.name is not None:
            most = self.request.settings.max_jobs_run
            numbers = [task.number - offset for task in tasks]
            words.append(f"--array={format_numbers(numbers)}" + (f"%{most}" if most else ""))
        return words

    def _write_script(self, tasks: Sequence[ArrayTask], offset: int) -> Path:
        request = self.request
        self.parameters = {
            **{"job_name": self.name, "nodes": None, "time": None, "wckey": None, "use_srun": False},
            **{"stderr_to_stdout": True, "additional_parameters": {"signal": NOTICE}, "setup": self._setup()},
        }
        number = str(tasks[0].number) if request.name is None else f"$((SLURM_ARRAY_TASK_ID + {offset}))"
        words = [str(JOB_SCRIPT), str(self.folder), request.name or "", str(request.n_threads), request.log]
        text = f'exec perl {shlex.join(words)} "{number}"'
        script = self.folder / f"{next(self.scripts)}.sh"
        script.write_text(self._make_submission_file_text(text, ""), encoding="utf-8", errors="surrogateescape")
        return script

    @staticmethod
    def _setup() -> list[str]:
        here = shlex.quote(str(Path.cwd()))
        return [
            f'cd -- {here} || {{ echo "$(hostname) does not see the directory" {here}; exit 1; }}',
            "[ ! -r path.sh ] || . ./path.sh",
        ]

    def _refused(self, answer: str, words: Sequence[str]) -> None:
        if TRY_AGAIN.search(answer):
            self.unsure = True
            raise SchedulerAway(answer)
        if TOO_MANY.search(answer):
            raise TooManyJobs(answer)
        raise InputError(
            f"jobs for {self.request.log}: refused by sbatch: {answer}; ask for less, or for another partition, in "
            f"cmd.sh, in conf/slurm.conf or after the launcher's name; what was asked: {shlex.join(words)}"
        )


def output_pattern(path: Path) -> str:
    """What --output needs to mean this very file. sbatch does not keep backslashes: what SLURM says is then lost."""
    return "/dev/null" if "\\" in str(path) else str(path).replace("%", "%%")


def chunks(tasks: Sequence[ArrayTask], max_array_size: int) -> Iterator[tuple[list[ArrayTask], int]]:
    """Tasks that fit into one array each, with the offset of their numbers: array ids are 1 to `max_array_size` - 1."""
    size = max_array_size - 1
    if size < 1:
        raise InputError(f"MaxArraySize = {max_array_size}: this cluster has no job arrays, which slurm.pl needs")
    for part, members in itertools.groupby(tasks, key=lambda task: (task.number - 1) // size):
        yield list(members), part * size
