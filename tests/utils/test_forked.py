"""Work in forks: order, one process, errors, and processes that die."""

import os
import signal

import pytest

from utils.errors import InputError
from utils.forked import call_all, map_forked


@pytest.mark.parametrize("nj", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(nj):
    big = "x" * 200_000  # more than a pipe holds
    found = list(map_forked(lambda n: (n, os.getpid(), big), range(20), nj))
    assert [n for n, _, _ in found] == list(range(20))
    pids = {pid for _, pid, _ in found}
    assert (os.getpid() in pids) == (nj == 1) and len(pids) <= nj


def test_an_error_of_the_input_is_raised_here():
    def work(n):
        if n == 2:
            raise InputError("the third is wrong")
        return n

    results = map_forked(work, range(4), 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(InputError, match="^the third is wrong$"):
        next(results)


@pytest.mark.parametrize("n_lines", [1, 10**9])
def test_jobs_of_many_lines_run_two_at_a_time(n_lines):
    found = call_all([lambda number=number: (number, os.getpid()) for number in range(4)], n_lines)
    assert [number for number, _ in found] == list(range(4))
    two = n_lines > 1 and len(os.sched_getaffinity(0)) > 1
    assert (os.getpid() in {pid for _, pid in found}) != two


def test_a_fault_of_the_machine_is_told_in_one_line(tmp_path):
    with pytest.raises(InputError, match="none: No such file or directory"):
        list(map_forked(lambda n: (tmp_path / "none").read_text(), range(2), 2))


def test_a_process_that_dies_is_an_error():
    with pytest.raises(ChildProcessError, match="status -9 before item 0 was done, killed for its memory"):
        list(map_forked(lambda n: os.kill(os.getpid(), signal.SIGKILL), range(4), 2))


def test_no_process_is_left_when_the_results_are_not_wanted():
    results = map_forked(lambda n: os.getpid(), range(100), 2)
    pid = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
