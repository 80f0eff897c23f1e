"""Passes that several jobs make together: the same sums whoever does what, and whatever is killed."""

import multiprocessing
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from utils.errors import InputError
from utils.passes import Passes, PassOver

N_SHARDS, N_PASSES = 7, 5
VALUES = np.random.default_rng(0).normal(size=(N_SHARDS, 40)) * 10.0 ** np.arange(N_SHARDS)[:, None]


def start():
    return {"total": np.zeros(40)}


def compute(pause, number, state):
    def of_shard(shard):
        time.sleep(pause)
        return {"sum": VALUES[shard] * (number + 1) + state["total"] / 3}

    return of_shard


def update(number, state, sums):
    return {"total": state["total"] / 7 + sums["sum"]}


def job(directory: Path, number: int, nj: int, pause: float = 0.0):
    mine = range(N_SHARDS)[number::nj]
    return Passes(directory, N_SHARDS, mine, patience=0.05).run(start, partial(compute, pause), update, N_PASSES)


def run_job(*args):
    job(*args)
    os._exit(0)


def processes(directory: Path, nj: int, pause: float):
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=run_job, args=(directory, number, nj, pause)) for number in range(nj)]
    for one in jobs:
        one.start()
    return jobs


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return job(tmp_path_factory.mktemp("alone"), 0, 1)["total"]


def test_one_job_of_several_does_all_where_the_others_never_come(tmp_path, expected):
    assert (job(tmp_path, 1, 3)["total"] == expected).all()
    assert (job(tmp_path, 0, 3)["total"] == expected).all()  # comes when all is done
    assert len(list(tmp_path.iterdir())) <= 4  # two passes and two states


def test_jobs_at_once(tmp_path, expected):
    for one in processes(tmp_path, 3, 0.002):
        one.join()
        assert one.exitcode == 0
    number, state = Passes(tmp_path, N_SHARDS, []).newest()
    assert number == N_PASSES and (state["total"] == expected).all()


@pytest.mark.hostile("kill -9 of jobs at any moment of passes that they make together")
@pytest.mark.parametrize("seed", range(3))
def test_kills_and_stops_change_nothing(tmp_path, expected, seed):
    rng = random.Random(seed)
    for _ in range(4):
        jobs = processes(tmp_path, 2, 0.004)
        time.sleep(rng.uniform(0, 0.06))
        os.kill(jobs[0].pid, signal.SIGKILL)
        os.kill(jobs[1].pid, signal.SIGSTOP)
        job(tmp_path, 1, 2) if rng.random() < 0.3 else None  # the others go on while it is stopped
        os.kill(jobs[1].pid, signal.SIGCONT)
        os.kill(jobs[1].pid, rng.choice([signal.SIGCONT, signal.SIGKILL]))
        jobs[1].join()
        jobs[0].join()
        assert jobs[1].exitcode in (0, -signal.SIGKILL)
    assert (job(tmp_path, 0, 1)["total"] == expected).all()


def test_a_job_that_was_held_up_leaves_a_pass_that_is_over(tmp_path, expected):
    late = Passes(tmp_path, N_SHARDS, [0])

    def of_shard(shard):
        assert (job(tmp_path, 0, 1)["total"] == expected).all()  # meanwhile the others end, and remove this pass
        return {"sum": VALUES[shard]}

    with pytest.raises(PassOver):
        late.sums(0, of_shard)


def test_an_error_of_an_update_is_told_by_every_job(tmp_path):
    def fail(number, state, sums):
        raise InputError("no sense")

    for number in range(2):
        with pytest.raises(InputError, match="no sense"):
            Passes(tmp_path, N_SHARDS, range(number, N_SHARDS, 2), 0.01).run(start, partial(compute, 0), fail, 1)


def test_a_part_that_is_not_whole_is_told(tmp_path):
    (tmp_path / "pass-000000").mkdir()
    (tmp_path / "pass-000000" / "part-000003.npz").write_bytes(b"half")
    with pytest.raises(InputError, match="part-000003.npz: not a whole part"):
        job(tmp_path, 0, 1)
