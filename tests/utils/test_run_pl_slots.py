"""utils/run.pl: how many jobs run at once, and which GPUs each of them sees, by running real jobs."""

import os
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.utils.launcher import RUN_PL, Run, half_a_gigabyte, output_of, run_launcher, words


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return partial(run_launcher, cwd=tmp_path)


# --- how many at once


@pytest.mark.hostile("Slots for a billion jobs at once")
def test_a_slot_is_a_job_s(run: Run, tmp_path: Path) -> None:
    words = [RUN_PL, "--max-jobs-run", "1000000000", "JOB=1:2", "o.JOB.log", "echo", "ran"]
    result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, preexec_fn=half_a_gigabyte)
    assert result.returncode == 0, result.stderr
    assert [output_of(tmp_path / f"o.{n}.log") for n in (1, 2)] == ["ran", "ran"]


def most_at_once(logs: list[Path]) -> int:
    """The jobs print `<start> <end>` in nanoseconds: how many overlapped?"""
    spans = [tuple(map(int, output_of(log).split())) for log in logs]
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def span(at_once: int) -> str:
    """A job that prints its start and end; the first ones wait for each other, for ever if too few run at once."""
    wait = f"touch begun.JOB; until test $(ls begun.* | wc -l) -ge {at_once}; do sleep 0.02; done; sleep 0.2"
    return f"begin=$(date +%s%N); {wait}; echo $begin $(date +%s%N)"


@pytest.mark.parametrize(
    ("options", "expected"), [(["--max-jobs-run", "2"], 2), (["-tc", "3", "--max-jobs-run", "1"], 1)]
)
def test_max_jobs_run(run: Run, tmp_path: Path, options: list[str], expected: int) -> None:
    assert run(*options, "JOB=1:4", "x.JOB.log", *words(span(expected))).returncode == 0
    assert most_at_once([tmp_path / f"x.{n}.log" for n in range(1, 5)]) == expected


def test_default_is_one_job_a_processor(run: Run, tmp_path: Path) -> None:
    processors = Path("/proc/cpuinfo").read_text().count("processor\t")
    jobs = 2 * processors
    assert run(f"JOB=1:{jobs}", "x.JOB.log", *words(span(processors))).returncode == 0
    assert most_at_once([tmp_path / f"x.{n}.log" for n in range(1, jobs + 1)]) == processors


def test_overhead_of_a_job(run: Run) -> None:
    """Within 30 ms of a bare `bash -c`, or of four on a busy machine, in the mean of 40 jobs one after another."""
    jobs = 40

    def seconds(work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) / jobs

    launched = seconds(lambda: run("-tc", "1", f"JOB=1:{jobs}", "log/x.JOB.log", "true"))
    bare = seconds(lambda: [subprocess.run(["bash", "-c", "true"]) for _ in range(jobs)])
    assert launched - bare < max(0.030, 4 * bare)


# --- GPUs


@pytest.fixture
def fake_gpus(tmp_path: Path) -> Callable[[int], str]:
    """Put an nvidia-smi that lists so many GPUs in front of PATH; returns that PATH."""

    def make(count: int) -> str:
        program = tmp_path / "bin/nvidia-smi"
        program.parent.mkdir()
        listing = "".join(
            f"GPU {n}: Fake (UUID: GPU-{n})\n  MIG 1g.5gb Device 0: (UUID: MIG-{n})\n" for n in range(count)
        )
        status = 0 if count else 9
        program.write_text(
            f'#!/bin/sh\n[ "$1" = -L ] && cat <<END\n{listing or "NVIDIA-SMI has failed"}\nEND\nexit {status}\n'
        )
        program.chmod(0o755)
        return f"{program.parent}:{os.environ['PATH']}"

    return make


def gpus_seen(
    run: Run, tmp_path: Path, *options: str, at_once: int, jobs: int = 4, **environment: str
) -> tuple[list[str], str]:
    """(CUDA_VISIBLE_DEVICES of each job, standard error), where so many jobs have run at once."""
    show = f"echo ${{CUDA_VISIBLE_DEVICES-unset}} >seen.JOB; {span(at_once)}"
    result = run(*options, f"JOB=1:{jobs}", "x.JOB.log", *words(show), **environment)
    assert result.returncode == 0
    assert most_at_once([tmp_path / f"x.{n}.log" for n in range(1, jobs + 1)]) == at_once
    return [(tmp_path / f"seen.{n}").read_text().strip() for n in range(1, jobs + 1)], result.stderr


@pytest.fixture(autouse=True)
def no_gpu_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_each_job_sees_one_gpu(run: Run, tmp_path: Path, fake_gpus: Callable[[int], str]) -> None:
    seen, _ = gpus_seen(run, tmp_path, "--gpu", "1", at_once=2, PATH=fake_gpus(2))
    assert seen[:2] == ["0", "1"]
    assert sorted(seen) == ["0", "0", "1", "1"]


def test_each_job_sees_as_many_gpus_as_it_asks_for(run: Run, tmp_path: Path, fake_gpus: Callable[[int], str]) -> None:
    seen, _ = gpus_seen(run, tmp_path, "--gpu", "2", at_once=2, PATH=fake_gpus(5))
    assert set(seen) == {"0,1", "2,3"}


def test_more_gpus_than_there_are_is_an_error(tmp_path: Path, fake_gpus: Callable[[int], str]) -> None:
    words = [RUN_PL, "--gpu", "3", "x.log", "true"]
    done = subprocess.run(words, cwd=tmp_path, env=os.environ | {"PATH": fake_gpus(2)}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "run.pl: --gpu 3: there are only 2 GPUs here: 0,1\n")


def test_more_slots_than_gpus_share_them(run: Run, tmp_path: Path, fake_gpus: Callable[[int], str]) -> None:
    seen, _ = gpus_seen(run, tmp_path, "--gpu", "1", "-tc", "4", at_once=4, PATH=fake_gpus(2))
    assert seen == ["0", "1", "0", "1"]


def test_an_allocation_is_respected(run: Run, tmp_path: Path, fake_gpus: Callable[[int], str]) -> None:
    environment = {"PATH": fake_gpus(8), "CUDA_VISIBLE_DEVICES": "5,GPU-ab"}
    seen, _ = gpus_seen(run, tmp_path, "--gpu", "1", at_once=2, jobs=2, **environment)
    assert seen == ["5", "GPU-ab"]


def test_without_a_gpu_jobs_share_the_processors(run: Run, tmp_path: Path, fake_gpus: Callable[[int], str]) -> None:
    processors = os.cpu_count() or 1
    jobs, path = 2 * processors, fake_gpus(0)
    seen, stderr = gpus_seen(run, tmp_path, "--gpu", "1", at_once=processors, jobs=jobs, PATH=path, OMP_NUM_THREADS="1")
    assert seen == ["unset"] * jobs
    assert "Warning: found no GPU" in stderr
    for options, threads in (((), processors), (("--expect-mem", "900000000"), 1)):
        environment = {"PATH": path, "OMP_NUM_THREADS": str(threads)}
        gpus_seen(run, tmp_path, "--gpu", "1", *options, at_once=1, jobs=2, **environment)


def test_without_the_option_nothing_is_pinned(run: Run, tmp_path: Path, fake_gpus: Callable[[int], str]) -> None:
    options = ("--gpu", "1", "--gpu", "0", "-tc", "2")
    seen, stderr = gpus_seen(run, tmp_path, *options, at_once=2, jobs=2, PATH=fake_gpus(2))
    assert (seen, stderr) == (["unset", "unset"], "")
