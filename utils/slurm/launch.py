"""Submit the jobs of one call of utils/slurm.pl, wait for them, and say what has become of them.

Reads the request that slurm.pl writes to standard input. For logs exp/a/log/x.JOB.log it keeps the batch scripts,
SLURM's own messages and the name of the launch in exp/a/q/x.
"""

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Sequence

from utils.errors import InputError
from utils.slurm.batch import Batch, chunks
from utils.slurm.conf import WrongUsage
from utils.slurm.request import Request, read_request
from utils.slurm.scheduler import Scheduler, SchedulerAway
from utils.slurm.task import Task, add_note
from utils.slurm.watch import Watch
from utils.slurm.watchdog import Watchdog

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOST_MESSAGES = 20
DEFAULT_MAX_ARRAY_SIZE = 1001  # SLURM's own
CANCEL_WAIT = 60.0  # most seconds for cancelled jobs to leave the queue


class Stopped(Exception):
    """A signal has asked the launcher to stop."""


class Sleeper:
    """Sleeps, and raises Stopped where a signal has come meanwhile or the parent process is gone.

    Signals wait until the next sleep: nothing is interrupted between a submission and the note of its number.
    """

    def __init__(self) -> None:
        self.parent = os.getppid()
        self.received: signal.Signals | None = None
        self.wake, alarm = os.pipe()
        os.set_blocking(alarm, False)
        signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, self._note)

    def _note(self, number: int, _: object) -> None:
        self.received = self.received or signal.Signals(number)

    def __call__(self, seconds: float) -> None:
        select.select([self.wake], [], [], seconds)
        if os.getppid() != self.parent:
            self.received = self.received or signal.SIGTERM
        if self.received:
            raise Stopped


class Launch:
    """One call of slurm.pl."""

    def __init__(self, request: Request):
        self.request = request
        self.scheduler = Scheduler(request.settings.command_timeout)
        log = request.log_of("*")
        base = log.name.removesuffix(".log").replace("*", "").strip(".") or "job"
        queue = log.parent.parent / "q" if log.parent.name == "log" else log.parent / "q"
        self.folder = queue / base
        self.name = f"{base}-{secrets.token_hex(4)}"
        self.tasks = [Task(number, request.log_of(number)) for number in range(request.first, request.last + 1)]
        self.sleeper = Sleeper()

    def run(self) -> int:
        """Run the picked jobs. Returns the exit status."""
        to_run = [task for task in self.tasks if self._is_picked(task)]
        if to_run:
            self._refuse_leftovers()
            self._prepare(to_run)
            watchdog = Watchdog(self.name, self.request.settings.command_timeout)
            try:
                self._bring_to_end(to_run)
            except Stopped:
                self._cancel_all(to_run)
                raise
            except InputError:
                self._cancel_all(to_run)
                self._say_problems()
                raise
            finally:
                watchdog.dismiss()
        return self._report()

    def _is_picked(self, task: Task) -> bool:
        """By the log of an earlier run, as --pick says; a task that is not picked keeps its status."""
        pick, code = self.request.settings.pick, task.exit_code()
        if pick == "all" or code is None or (pick == "failed" and code):
            return True
        task.status = code
        return False

    def _refuse_leftovers(self) -> None:
        """Raise InputError while jobs of an earlier launch are in the queue: they would write the same logs."""
        note = self.folder / "launch.json"
        if not note.is_file():
            return
        earlier = json.loads(note.read_text(encoding="utf-8"))
        jobs = self._patiently(lambda: self.scheduler.named(earlier["name"]))
        if jobs:
            raise InputError(
                f"{self.request.log}: {len(jobs)} jobs of an earlier launch (process {earlier['pid']} on "
                f"{earlier['host']}) are still in the queue; wait for them or run scancel --me --name={earlier['name']}"
            )

    def _patiently(self, ask):
        """The answer of the scheduler, as soon as it gives one."""
        deadline = time.monotonic() + self.request.settings.controller_wait
        while True:
            try:
                return ask()
            except SchedulerAway as error:
                if time.monotonic() > deadline:
                    raise InputError(f"the scheduler does not answer: {error}") from error
                self.sleeper(self.request.settings.poll_first)

    def _prepare(self, tasks: Sequence[Task]) -> None:
        """Logs of old are removed, so that every footer is one of this launch."""
        tasks[0].log.parent.mkdir(parents=True, exist_ok=True)
        for task in tasks:
            task.log.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        note = {"name": self.name, "host": socket.gethostname(), "pid": os.getpid()}
        (self.folder / "launch.json").write_text(json.dumps(note) + "\n", encoding="utf-8")

    def _bring_to_end(self, tasks: Sequence[Task]) -> None:
        batch = Batch(self.folder, self.name, self.request, self.scheduler)
        size = self._patiently(lambda: self.scheduler.setting("MaxArraySize")) if self.request.last > 1 else None
        parts = chunks(tasks, int(size or DEFAULT_MAX_ARRAY_SIZE))
        Watch(parts, batch.submit, self.scheduler, self.request.settings, say, sleep=self.sleeper).run()
        with contextlib.suppress(SchedulerAway):  # what SLURM believes to wait, although its log is complete
            self.scheduler.cancel_named(self.name, state="PENDING")

    def _cancel_all(self, tasks: Sequence[Task]) -> None:
        """Cancel, wait until the jobs are gone, and leave their logs without footer."""
        deadline = time.monotonic() + min(CANCEL_WAIT, self.request.settings.controller_wait)
        left = True
        while left and time.monotonic() < deadline:
            with contextlib.suppress(SchedulerAway):
                self.scheduler.cancel_named(self.name)
                left = bool(self.scheduler.named(self.name))
            if left:
                time.sleep(0.2)
        if left:
            say(f"could not cancel all jobs; when the scheduler answers again: scancel --me --name={self.name}")
        for task in tasks:
            if task.open:
                add_note(task.log, "Cancelled with its launcher")

    def _say_problems(self) -> None:
        """Name the tasks that did not end by themselves, and what to do."""
        failed = [task for task in self.tasks if task.problem]
        for task in failed[:MOST_MESSAGES]:
            where = f" on {task.node}" if task.node else ""
            say(f"job {task.number} (SLURM {task.job_id}{where}): {task.state}, log is in {task.log}: {task.problem}")
        if len(failed) > MOST_MESSAGES:
            say(f"and {len(failed) - MOST_MESSAGES} more like these")
        if failed:
            say(f"what SLURM itself says of them is in {self.folder / 'slurm.log'}")

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
    """One line for the user."""
    print(f"slurm.pl: {line}", file=sys.stderr, flush=True)


def main() -> int:
    """Run the request on standard input."""
    if sys.argv[1:]:
        say("usage: utils/slurm.pl [options] [JOB=1:n] log-file command..., which starts this module")
        return 0 if sys.argv[1:] == ["--help"] else 255
    try:
        launch = Launch(read_request(sys.stdin.buffer))
        return launch.run()
    except Stopped:
        signal.signal(launch.sleeper.received, signal.SIG_DFL)
        os.kill(os.getpid(), launch.sleeper.received)
        return 1
    except WrongUsage as error:
        say(str(error))
        return 255
    except (InputError, OSError) as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
