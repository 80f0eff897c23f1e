"""Work on many items in forks of this process, with the results in the order of the items.

    for item, result in zip(items, map_forked(score, items, nj), strict=True): ...

A fork shares all that this process has loaded, so neither function nor items are copied or pickled, only results are.
Libraries must not have started threads of their own yet (one thread each, as `path.sh` has it, starts none).
"""

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from utils.command import one_line
from utils.errors import InputError
from utils.faults import FAULTS, is_fault

Item, Result = TypeVar("Item"), TypeVar("Result")
PR_SET_PDEATHSIG = 1  # prctl(2)
LEAST_LINES = 50_000
FORK = multiprocessing.get_context("fork")


def die_with_parent() -> None:
    """Ask Linux to kill this process when the one that started it dies, by whatever signal."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:  # it has died already
        os._exit(1)


def map_forked(function: Callable[[Item], Result], items: Sequence[Item], nj: int) -> Iterator[Result]:
    """Yield `function(item)` for each item in order, computed in at most `nj` processes.

    A free process takes the next item. Raises InputError where `function` does, or where it meets a fault of the
    machine; ChildProcessError where a process has died.
    """
    nj = min(nj, len(items))
    if nj < 2:
        yield from map(function, items)
        return
    following = FORK.Value("l", 0)
    receivers, processes = [], []
    try:
        for _ in range(nj):
            receiver, sender = FORK.Pipe(duplex=False)
            receivers.append(receiver)
            process = FORK.Process(target=_serve, args=(function, items, following, sender, list(receivers)))
            process.start()
            processes.append(process)
            sender.close()
        yield from _in_order(receivers, processes, len(items))
    finally:
        for process in processes:
            process.kill()
            process.join()
        for receiver in receivers:
            receiver.close()


def call_all(jobs: Sequence[Callable[[], object]], n_lines: int) -> list[Any]:
    """The results of jobs that take no arguments, in their order; of many lines two jobs run at a time.

    Args:
        n_lines: that they go through; a fork costs more than a few lines do.
    """
    nj = 2 if n_lines >= LEAST_LINES and len(os.sched_getaffinity(0)) > 1 else 1
    return list(map_forked(_call, jobs, nj))


def _call(job: Callable[[], object]) -> object:
    return job()


def _in_order(receivers: list[Connection], processes: list[Any], n: int) -> Iterator[Any]:
    """The n results that the processes send, each when those before it are there."""
    waiting: dict[int, Any] = {}
    alive = dict(zip(receivers, processes, strict=True))
    for number in range(n):
        while number not in waiting:
            for receiver in wait(list(alive)):
                try:
                    found, result = receiver.recv()
                except EOFError:
                    _check_end(alive.pop(receiver), number)
                    continue
                waiting[found] = result
            if not alive and number not in waiting:
                raise ChildProcessError(f"no process has done item {number}")
        result = waiting.pop(number)
        if isinstance(result, InputError):
            raise result
        yield result


def _check_end(process: Any, number: int) -> None:
    process.join()
    if process.exitcode:
        killed = ", killed for its memory?" if process.exitcode == -signal.SIGKILL else ""
        raise ChildProcessError(f"a process ended with status {process.exitcode} before item {number} was done{killed}")


def _serve(
    function: Callable[[Any], Any], items: Sequence[Any], following: Any, sender: Connection, others: list[Connection]
) -> None:
    """Do items until there is none left, and send each result with its number, or what was raised."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes
    for receiver in others:
        receiver.close()  # else sending would block after the parent's death
    while True:
        with following.get_lock():
            number = following.value
            following.value += 1
        if number >= len(items):
            return
        try:
            result = function(items[number])
        except InputError as error:
            result = error
        except FAULTS as error:
            if not is_fault(error):
                raise
            result = InputError(one_line(error))
        with suppress(BrokenPipeError):
            sender.send((number, result))
