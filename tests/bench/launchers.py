"""Overhead of the launchers: empty jobs through them, and the same without them, in turn."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from tests.bench.results import Row, target
from tests.bench.timing import spread, take_turns
from tests.slurm.cluster import ROOT, SLURM_PL, Cluster

RUN_PL = ROOT / "utils/run.pl"
JOB = "true"
LOOK_EVERY = 0.02  # seconds between two looks of the baseline at the files that its jobs leave


def measure_run_pl(n_jobs: int, rounds: int) -> list[Row]:
    """Overhead a job of run.pl over `bash -c`, each with a log: one job, and an array one at a time."""
    rows: list[Row] = []
    for jobs in (1, n_jobs):
        with tempfile.TemporaryDirectory() as name:
            loop = f"for ((n = 1; n <= {jobs}; n++)); do bash -c {JOB} >bare.$n.log 2>&1; done"
            ours = [RUN_PL, "--max-jobs-run", "1", f"JOB=1:{jobs}", "x.JOB.log", JOB]
            run = partial(subprocess.run, check=True, cwd=name)
            seconds = take_turns({"bare": partial(run, ["bash", "-c", loop]), "run.pl": partial(run, ours)}, rounds)
        what = f"{jobs} jobs, one at a time" if jobs > 1 else "one job, run.pl's own start included"
        overhead = (seconds["run.pl"] - seconds["bare"]) / jobs
        rows += [
            (f"`bash -c`, {what}: ms a job", spread(seconds["bare"] / jobs, 1e3), ""),
            ("run.pl: ms a job", spread(seconds["run.pl"] / jobs, 1e3), ""),
            ("run.pl / `bash -c`", spread(seconds["run.pl"] / seconds["bare"]), ""),
            ("run.pl - `bash -c`, ms a job", spread(overhead, 1e3), target(1e3 * np.median(overhead), "< 30")),
        ]
    return rows


def measure_slurm_pl(n_jobs: int, rounds: int) -> list[Row]:
    """Overhead of slurm.pl over sbatch for an array, from the call to the end of the last job."""
    with tempfile.TemporaryDirectory() as name, running_cluster(Path(name) / "slurm"):
        actions = {"bare": partial(_bare_array, Path(name), n_jobs), "slurm.pl": partial(_array, Path(name), n_jobs)}
        seconds = take_turns(actions, rounds, between=_wait_for_idle)
    overhead = seconds["slurm.pl"] - seconds["bare"]
    return [
        (f"`sbatch`, an array of {n_jobs}, and watching the files of its jobs: s", spread(seconds["bare"]), ""),
        (f"slurm.pl, an array of {n_jobs}: s", spread(seconds["slurm.pl"]), ""),
        ("slurm.pl / `sbatch`", spread(seconds["slurm.pl"] / seconds["bare"], digits=2), ""),
        ("slurm.pl - `sbatch`, s", spread(overhead, digits=2), target(float(np.median(overhead)), "< 1")),
    ]


def missing_for_slurm() -> str:
    """Why no SLURM can be started here; empty where it can."""
    missing = [program for program in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(program)]
    if missing:
        return f"no {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "not root"


@contextmanager
def running_cluster(directory: Path) -> Iterator[Cluster]:
    """The SLURM of tests/slurm/cluster.sh, with its usual limits."""
    cluster = Cluster(directory)
    os.environ["SLURM_CONF"] = str(cluster.conf)
    try:
        cluster.call("start")
        yield cluster
    finally:
        cluster.call("stop")
        del os.environ["SLURM_CONF"]


def _array(directory: Path, n_jobs: int) -> None:
    """An array through slurm.pl, with its own waits."""
    subprocess.run([SLURM_PL, f"JOB=1:{n_jobs}", "log/x.JOB.log", JOB], check=True, cwd=directory)


def _bare_array(directory: Path, n_jobs: int) -> None:
    """The same array by sbatch alone: each job leaves a file, and these are counted until all are there."""
    with tempfile.TemporaryDirectory(dir=directory) as name:
        wrapped = f"bash -c {JOB} >log.$SLURM_ARRAY_TASK_ID 2>&1; : >done.$SLURM_ARRAY_TASK_ID"
        words = ["sbatch", "--parsable", f"--array=1-{n_jobs}", "--output=/dev/null", f"--wrap={wrapped}"]
        subprocess.run(words, check=True, cwd=name, stdout=subprocess.DEVNULL)
        while sum(1 for _ in Path(name).glob("done.*")) < n_jobs:
            time.sleep(LOOK_EVERY)


def _wait_for_idle() -> None:
    """Until the queue is empty and the node has cleaned up."""
    while subprocess.run(["squeue", "--noheader"], check=True, capture_output=True).stdout:
        time.sleep(0.2)
    time.sleep(0.5)
