"""The waiting: submits what may be submitted, reads footers, asks the scheduler, and judges each task once.

A job's marker with status 0 is believed at once: it is the last thing that a job writes. For anything else the
scheduler is asked, with one call for all tasks, at most every `poll_first` and at least every `poll_slowest` seconds:
how often does not depend on the number of tasks.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

from utils.errors import InputError
from utils.run_again import RUN_AGAIN
from utils.slurm.advice import (
    ACTIVE,
    BY_SIGKILL,
    HELD,
    HELD_STATES,
    HOPELESS,
    KILLED,
    LOST,
    PLAIN,
    WAITING,
    what_to_change,
    what_to_do,
)
from utils.slurm.array_task import ArrayTask, add_note
from utils.slurm.batch import TooManyJobs
from utils.slurm.launch_request import Settings
from utils.slurm.scheduler import JobInfo, Scheduler, SchedulerAway

TICKS = (0.05, 0.5)  # seconds between two looks at the logs, at first and at last
GROWTH = 1.2
Chunk = tuple[list[ArrayTask], int]


class Watch:
    """Brings tasks to their end.

    Parameters:
        chunks: what to submit, in order. submit: submits one of them.
        say: prints a line for the user.
        clock, sleep: time in seconds; `sleep` may raise to end the waiting.
    """

    def __init__(
        self,
        chunks: Iterable[Chunk],
        submit: Callable[[Sequence[ArrayTask], int], None],
        scheduler: Scheduler,
        settings: Settings,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.waiting = deque(chunks)
        self.submit, self.scheduler, self.settings, self.say = submit, scheduler, settings, say
        self.clock, self.sleep = clock, sleep
        self.submitted: list[ArrayTask] = []  # and open
        self.offsets = {task.number: offset for tasks, offset in self.waiting for task in tasks}
        self.poll_delay = settings.poll_first
        self.next_poll = self.next_submission = clock()
        self.away_since: float | None = None
        self.told: dict[str, float] = {}  # reason to wait -> time of its next message

    def run(self) -> None:
        """Return when every task has a status."""
        tick = TICKS[0]
        while self.waiting or self.submitted:
            self._submit_next()
            self._read_logs()
            if self.submitted and self.clock() >= self.next_poll:
                self._ask_scheduler()
            if self.waiting or self.submitted:
                self.sleep(tick)
                tick = min(TICKS[1], tick * GROWTH)

    def _submit_next(self) -> None:
        while self.waiting and self.clock() >= self.next_submission and not self._must_drain():
            tasks, offset = self.waiting[0]
            try:
                self.submit(tasks, offset)
            except SchedulerAway as error:
                self._wait_for_controller(error)
                return
            except TooManyJobs as error:
                if not self.submitted:
                    raise InputError(f"sbatch refuses {len(tasks)} jobs: {error}; ask for fewer at once") from error
                self.next_submission = self.clock() + self.settings.poll_slowest
                return
            self._controller_is_back()
            self.waiting.popleft()
            self.submitted += tasks
            if any(task.restarts for task in tasks):
                self.next_submission = self.clock() + self.poll_delay  # others may join the next one
            else:
                self._ask_soon()

    def _must_drain(self) -> bool:
        """SLURM limits the jobs of one array that run at once: with such a limit one array follows the other."""
        return self.settings.max_jobs_run is not None and bool(self.submitted)

    def _ask_soon(self) -> None:
        self.poll_delay = self.settings.poll_first
        self.next_poll = min(self.next_poll, self.clock()) + self.poll_delay

    def _read_logs(self) -> None:
        """Close the tasks whose log says that they succeeded, in order, up to the first whose log has no footer yet.

        The log of a task that has ended may arrive late: it is read here, without asking the scheduler.
        """
        for task in self.submitted:
            code = task.exit_code()
            if code is None:
                break
            if code == 0:
                task.status = 0
        for task in [task for task in self.submitted if task.open and task.ended is not None]:
            self._close(task)
        self._forget_closed()

    def _forget_closed(self) -> None:
        self.submitted = [task for task in self.submitted if task.open]

    def _ask_scheduler(self) -> None:
        self.poll_delay = min(self.settings.poll_slowest, 1.5 * self.poll_delay)
        self.next_poll = self.clock() + self.poll_delay
        try:
            self._judge_all()
            self._cancel_hopeless()
        except SchedulerAway as error:
            self._wait_for_controller(error)
            return
        self._controller_is_back()
        self._tell_what_waits()
        self._forget_closed()

    def _judge_all(self) -> None:
        states = self.scheduler.states(task.job_id for task in self.submitted)
        for task in self.submitted:
            task.missing = 0 if task.job_id in states else task.missing + 1
        # squeue may lag for a moment
        if any(task.missing == 1 for task in self.submitted):
            self._ask_again()
        lost = [task for task in self.submitted if task.missing > 1]
        recorded = self.scheduler.accounting(task.job_id for task in lost)
        for task in lost:
            states[task.job_id] = recorded.get(task.job_id, JobInfo(LOST, task.node, ""))
        for task in list(self.submitted):
            if task.job_id in states:
                self._judge(task, states[task.job_id])

    def _judge(self, task: ArrayTask, info: JobInfo) -> None:
        """Bring a task up to date with what the scheduler says; close it if it has ended."""
        now = self.clock()
        if (info.state, info.reason) != (task.state, task.reason):
            task.state, task.reason, task.since = info.state, info.reason, now
        task.node = info.node or task.node
        if info.state in ACTIVE:
            task.ended = None
            return
        task.ended = now if task.ended is None else task.ended
        self._close(task)

    def _close(self, task: ArrayTask) -> None:
        """Close a task that has ended by the footer of its log, or without one after `log_wait` seconds."""
        code = task.exit_code()
        if code is None and self.clock() - task.ended < self.settings.log_wait:
            return
        if code == RUN_AGAIN and task.state != "CANCELLED":
            self._run_again(task)
        elif code is not None and (code == 0 or task.state in (*PLAIN, LOST)):
            task.status, task.problem = code, KILLED if code == BY_SIGKILL else None
        else:
            task.status, task.problem = code or 1, what_to_do(task.state)

    def _run_again(self, task: ArrayTask) -> None:
        if task.restarts >= self.settings.max_restarts:
            task.status = RUN_AGAIN
            task.problem = f"it asks to be run again, and was {task.restarts} times; see its log"
            return
        task.restarts += 1
        task.marker.unlink(missing_ok=True)
        add_note(task.log, f"{task.state}, asks to be run again: submitted again, restart {task.restarts}")
        task.job_id, task.state, task.ended = None, "", None
        self.submitted = [other for other in self.submitted if other is not task]
        self._wait_again(task)

    def _wait_again(self, task: ArrayTask) -> None:
        """Tasks that run again share an array where their numbers fit into one."""
        offset = self.offsets[task.number]
        for tasks, other in self.waiting:
            if other == offset:
                tasks.append(task)
                tasks.sort(key=lambda task: task.number)
                return
        self.waiting.append(([task], offset))

    def _ask_again(self) -> None:
        """Poll early: the scheduler will soon know more."""
        self.poll_delay = min(self.poll_delay, 4 * self.settings.poll_first)
        self.next_poll = min(self.next_poll, self.clock() + self.poll_delay)

    def _cancel_hopeless(self) -> None:
        """Tasks that can never start are cancelled and closed."""
        stuck = [task for task in self.submitted if task.open and self._is_hopeless(task)]
        self.scheduler.cancel([task.job_id for task in stuck])
        for task in stuck:
            if task.exit_code() == 0:  # it ran, and SLURM has lost the news of its end
                task.status = 0
                continue
            task.state = f"{task.state} ({task.reason}) for {self.clock() - task.since:.0f} s, cancelled"
            task.status, task.problem = 1, what_to_change(task.reason)

    def _is_hopeless(self, task: ArrayTask) -> bool:
        if task.state in HELD_STATES:
            return True
        if task.state != "PENDING":
            return False
        waited = self.clock() - task.since
        return bool(
            HELD.search(task.reason) or (HOPELESS.search(task.reason) and waited >= self.settings.pending_limit)
        )

    def _tell_what_waits(self) -> None:
        """One line for each reason that tasks have been waiting for long, twice as rarely each time."""
        now, limit = self.clock(), self.settings.pending_limit
        long = [task for task in self.submitted if task.state in WAITING and now - task.since >= limit]
        for reason, many in sorted(Counter(task.reason for task in long).items()):
            if now >= self.told.get(reason, 0.0):
                first = next(task for task in long if task.reason == reason)
                seconds = now - first.since
                who = f"job {first.number}" + (f" and {many - 1} more" if many > 1 else "")
                self.say(
                    f"{who} (SLURM {first.job_id}): {first.state} ({reason}) for {seconds:.0f} s, still waiting; "
                    f"its log will be {first.log}; scontrol show job {first.job_id} tells more"
                )
                self.told[reason] = now + seconds

    def _wait_for_controller(self, error: SchedulerAway) -> None:
        """slurmctld does not answer: say so once, ask ever less often, and give up after `controller_wait` seconds."""
        now = self.clock()
        if self.away_since is None:
            self.away_since = now
            self.say(f"the scheduler does not answer ({error}); jobs that run go on, waiting for it")
        if now - self.away_since >= self.settings.controller_wait:
            ids = ", ".join(sorted({str(task.job_id).partition("_")[0] for task in self.submitted}))
            seconds = now - self.away_since
            raise InputError(
                f"the scheduler has been away for {seconds:.0f} s ({error}); jobs {ids or '(none)'} may still run: "
                "when it is back, cancel them or wait for them, then run again with --pick incomplete"
            )
        self.next_submission = self.next_poll = now + self.poll_delay
        self.poll_delay = min(self.settings.poll_slowest, 1.5 * self.poll_delay)

    def _controller_is_back(self) -> None:
        if self.away_since is not None:
            self.say(f"the scheduler answers again, after {self.clock() - self.away_since:.0f} s")
            self.away_since = None
