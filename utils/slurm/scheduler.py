"""SLURM's commands: what is in the queue, what has become of a job, cancelling. No call blocks for ever."""

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from submitit.slurm.slurm import SlurmInfoWatcher

from utils.errors import InputError

COLUMNS = "JobID|State|NodeList|Reason"
UNKNOWN_JOB = re.compile("invalid job id", re.IGNORECASE)
KEPT = ("SLURM_CONF", "SLURM_JWT")  # where the cluster is, and who asks
Run = Callable[[Sequence[str], float], subprocess.CompletedProcess]


class SchedulerAway(Exception):
    """slurmctld does not answer, or cannot take the request now: worth another try."""


class JobInfo(NamedTuple):
    """What the scheduler says of a job: state in SLURM's words, nodes, and why it waits."""

    state: str
    node: str
    reason: str


def run(words: Sequence[str], timeout: float) -> subprocess.CompletedProcess:
    """Run one of SLURM's programs, out of reach of a terminal's ^C. Raises SchedulerAway after `timeout` seconds."""
    # what a surrounding job has set would speak for its own jobs, not for these
    inherited = {key: value for key, value in os.environ.items() if key in KEPT or not key.startswith("SLURM_")}
    try:
        return subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=inherited,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise SchedulerAway(f"{words[0]} has not answered for {timeout:g} s") from error


class Scheduler:
    """The jobs of this user on one cluster.

    Parameters:
        timeout: seconds for one call.
        run: runs a program with a timeout.
    """

    def __init__(self, timeout: float, run: Run = run):
        self.timeout, self.run = timeout, run
        self._reader = SlurmInfoWatcher()

    def call(self, *words: str) -> subprocess.CompletedProcess:
        """Run a program of SLURM's. Raises SchedulerAway where it does not answer."""
        try:
            return self.run(words, self.timeout)
        except FileNotFoundError as error:
            raise InputError(f"found no {words[0]} in PATH") from error

    def states(self, job_ids: Iterable[str]) -> dict[str, JobInfo]:
        """What the queue says of these jobs and tasks of arrays; it forgets them some minutes after their end."""
        main_ids = _main_ids(job_ids)
        return self._queue("--states=all", f"--jobs={main_ids}") if main_ids else {}

    def named(self, name: str) -> dict[str, JobInfo]:
        """What the queue has, waiting or running, under this name."""
        return self._queue("--me", f"--name={name}")

    def _queue(self, *which: str) -> dict[str, JobInfo]:
        answer = self.call("squeue", "--noheader", "--array", *which, "--format=%i|%T|%N|%r")
        if answer.returncode:
            if UNKNOWN_JOB.search(answer.stderr):
                return {}
            raise SchedulerAway(answer.stderr.strip() or f"squeue ended with status {answer.returncode}")
        return self._read(f"{COLUMNS}\n{answer.stdout}")

    def accounting(self, job_ids: Iterable[str]) -> dict[str, JobInfo]:
        """What the accounting knows of these jobs; nothing where there is none or it does not answer."""
        main_ids = _main_ids(job_ids)
        if not main_ids:
            return {}
        try:
            answer = self.call("sacct", "--parsable2", "--format=JobID,State,NodeList", f"--jobs={main_ids}")
        except (SchedulerAway, InputError):
            return {}
        return self._read(answer.stdout) if answer.returncode == 0 else {}

    def _read(self, text: str) -> dict[str, JobInfo]:
        """Lines of squeue or sacct, of which submitit reads the job ids."""
        return {
            job: JobInfo(
                (stats["State"].split() or [""])[0].upper(), stats.get("NodeList", ""), stats.get("Reason", "")
            )
            for job, stats in self._reader.read_info(text).items()
        }

    def setting(self, key: str) -> str | None:
        """A value of the cluster's configuration."""
        answer = self.call("scontrol", "show", "config")
        found = re.search(rf"^{key}\s*=\s*(\S+)", answer.stdout, re.MULTILINE)
        return found[1] if found else None

    def cancel(self, job_ids: Sequence[str]) -> None:
        """Cancel jobs or tasks of arrays."""
        if job_ids:
            self._cancel(*job_ids)

    def cancel_named(self, name: str, state: str | None = None) -> None:
        """Cancel all jobs of this name, or those in one state."""
        self._cancel("--me", f"--name={name}", *([f"--state={state}"] if state else []))

    def _cancel(self, *words: str) -> None:
        answer = self.call("scancel", *words)
        if answer.returncode and not UNKNOWN_JOB.search(answer.stderr):
            raise SchedulerAway(answer.stderr.strip() or f"scancel ended with status {answer.returncode}")


def _main_ids(job_ids: Iterable[str]) -> str:
    """Numbers of jobs and arrays, each once: the tasks of an array are asked for by its number."""
    return ",".join(sorted({job.partition("_")[0] for job in job_ids}, key=int))
