"""Submit the jobs of one call of utils/slurm.pl, wait for them, and say what has become of them."""

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from utils.errors import InputError
from utils.slurm.array_task import ArrayTask, add_note, exit_code
from utils.slurm.batch import Batch, chunks
from utils.slurm.folder import SLURM_LOG, LaunchFolder
from utils.slurm.launch_request import LaunchRequest
from utils.slurm.scheduler import Scheduler, SchedulerAway
from utils.slurm.stopping import Sleeper
from utils.slurm.watch import Watch
from utils.slurm.watchdog import Watchdog

PROGRAMS = ("squeue", "scancel", "scontrol", "srun")  # srun is asked for by submitit alone
MOST_MESSAGES = 20
DEFAULT_MAX_ARRAY_SIZE = 1001  # SLURM's own
CANCEL_WAIT = 60.0  # most seconds for cancelled jobs to leave the queue
Answer = TypeVar("Answer")


class Launch:
    """One call of slurm.pl. Raises InputError where there is no SLURM."""

    def __init__(self, request: LaunchRequest, sleeper: Sleeper):
        missing = [program for program in (request.sbatch[0], *PROGRAMS) if shutil.which(program) is None]
        if missing:
            raise InputError(
                f"found no {', '.join(missing)} in PATH: start this on a node of a SLURM cluster, or use run.pl"
            )
        self.request, self.sleeper = request, sleeper
        self.scheduler = Scheduler(request.settings.command_timeout)
        self.folder = LaunchFolder(request)
        numbers = range(request.first, request.last + 1)
        self.tasks = [ArrayTask(number, request.log_of(number), self.folder.marker(number)) for number in numbers]

    def run(self) -> int:
        """Run the picked jobs. Returns the exit status; whatever is raised, no job is left behind."""
        to_run = [task for task in self.tasks if self._is_picked(task)]
        if to_run:
            self.folder.make(lambda name: self._patiently(lambda: self.scheduler.named(name)))
            self._remove_logs(to_run)
            self.batch = Batch(self.folder, self.request, self.scheduler)
            watchdog = Watchdog(self.folder.name, self.request.settings.command_timeout)
            try:
                self._bring_to_end(to_run)
            except BaseException:
                if self._cancel_all(to_run):
                    watchdog.dismiss()  # else it goes on trying
                self._say_problems()
                raise
            watchdog.dismiss()
        return self._report()

    def _is_picked(self, task: ArrayTask) -> bool:
        """By the log of an earlier run, as --pick says; a task that is not picked keeps its status."""
        pick, code = self.request.settings.pick, exit_code(task.log)
        if pick == "all" or code is None or (pick == "failed" and code):
            return True
        task.status = code
        return False

    def _remove_logs(self, tasks: Sequence[ArrayTask]) -> None:
        """A job continues a log that is there: those of earlier runs are removed first."""
        tasks[0].log.parent.mkdir(parents=True, exist_ok=True)
        for task in tasks:
            task.log.unlink(missing_ok=True)

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """The answer of the scheduler, as soon as it gives one."""
        deadline = time.monotonic() + self.request.settings.controller_wait
        while True:
            try:
                return ask()
            except SchedulerAway as error:
                if time.monotonic() > deadline:
                    raise InputError(f"the scheduler does not answer: {error}; run again when it does") from error
                self.sleeper(self.request.settings.poll_first)

    def _bring_to_end(self, tasks: Sequence[ArrayTask]) -> None:
        size = self._patiently(lambda: self.scheduler.setting("MaxArraySize")) if self.request.last > 1 else None
        parts = chunks(tasks, int(size or DEFAULT_MAX_ARRAY_SIZE))
        Watch(parts, self.batch.submit, self.scheduler, self.request.settings, say, sleep=self.sleeper).run()
        with contextlib.suppress(SchedulerAway):  # what SLURM believes to wait, although its log is complete
            self.scheduler.cancel_named(self.folder.name, state="PENDING")

    def _cancel_all(self, tasks: Sequence[ArrayTask]) -> bool:
        """Cancel, wait until the jobs are gone, and leave their logs without footer. Returns whether they are gone."""
        if not self.batch.has_submitted:
            return True
        deadline = time.monotonic() + min(CANCEL_WAIT, self.request.settings.controller_wait)
        left = True
        while left and time.monotonic() < deadline:
            with contextlib.suppress(SchedulerAway, InputError):
                self.scheduler.cancel_named(self.folder.name)
                left = bool(self.scheduler.named(self.folder.name))
            if left:
                time.sleep(0.2)
        if left:
            say(
                f"some jobs are not cancelled yet; a process in the background keeps trying; to do it by hand: "
                f"scancel --me --name={self.folder.name}"
            )
        for task in tasks:
            if task.open:
                add_note(task.log, "Cancelled with its launcher")
        return not left

    def _say_problems(self) -> None:
        """Name the tasks that did not end by themselves, and what to do."""
        failed = [task for task in self.tasks if task.problem]
        for task in failed[:MOST_MESSAGES]:
            where = f" on {task.node}" if task.node else ""
            say(f"job {task.number} (SLURM {task.job_id}{where}): {task.state}, log is in {task.log}: {task.problem}")
        if len(failed) > MOST_MESSAGES:
            say(f"and {len(failed) - MOST_MESSAGES} more like these")
        if failed:
            say(f"messages of SLURM itself are in {self.folder.path / SLURM_LOG}")

    def _report(self) -> int:
        """Say what failed, as run.pl does. Returns the exit status."""
        self._say_problems()
        failed = [task for task in self.tasks if task.status]
        if failed and self.request.first == self.request.last:
            say(f"job failed, log is in {failed[0].log}")
        elif failed:
            say(f"{len(failed)} / {len(self.tasks)} failed, log is in {self.request.log_of('*')}")
        return 1 if failed else 0


def say(line: str) -> None:
    """Print a line for the user; where the reader of a pipe is gone, it is lost."""
    with contextlib.suppress(OSError):
        print(f"slurm.pl: {line}", file=sys.stderr, flush=True)
