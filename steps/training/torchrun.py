"""Run a fit in several processes on this machine, started by torchrun's launcher (`--standalone`), as one command.

Input: a function that each process calls. An InputError or RunAgain of a process is raised here again. If one process
dies, all end; no process outlives the one that has started them.
"""

import contextlib
import logging
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from ctypes import c_byte
from multiprocessing import resource_tracker
from typing import NoReturn

import torch
import torch.distributed as dist
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from torch.multiprocessing import _prctl_pr_set_pdeathsig

from steps.training.workplace import Workplace
from utils.command import one_line, start_log
from utils.errors import InputError
from utils.mapped_files import tell_lost_files
from utils.run_again import SIGNALS, RunAgain, StopRequest

CLOSING_SECONDS = 20  # time for processes to save their state when one of them has failed
BLAME_SECONDS = 1.0  # longer than the launcher needs to notice a process that has died
EXPECTED = {kind.__name__: kind for kind in (InputError, RunAgain)}


def fit_in_processes(n: int, fit: Callable[[Workplace], None], workplace: Workplace, flag: c_byte) -> None:
    """Call `fit` in each of `n` processes of one torch.distributed group, with a workplace of its own.

    Args:
        fit: picklable.
        workplace: its device is `cpu` (gloo; the threads are divided equally) or `cuda` (nccl; a GPU each).
        flag: shared memory of this process's `StopRequest`, through which a signal to any process reaches all.
    """
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    _start_tracker()
    on_int = signal.getsignal(signal.SIGINT)
    with tempfile.TemporaryDirectory() as logs, _shared_processors(n):
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=n,
            run_id=str(uuid.uuid4()),
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=logs),
            signals_to_handle="SIGINT",
            shutdown_timeout=CLOSING_SECONDS,
        )
        try:
            elastic_launch(config, _member)(os.getpid(), fit, workplace, flag)
        except ChildFailedError as error:
            _translate(error, n, flag)
        except SignalException as error:
            raise KeyboardInterrupt from error
        finally:
            signal.signal(signal.SIGINT, on_int)


def _start_tracker() -> None:
    """Start Python's resource tracker with USR1 and TERM blocked, so that these signals do not end it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # inherited
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextlib.contextmanager
def _shared_processors(n: int) -> Iterator[None]:
    """Processes that are started within this context use an n-th of this process's threads each."""
    name = "OMP_NUM_THREADS"
    before = os.environ.get(name)
    threads = int(before.split(",")[0]) if before else len(os.sched_getaffinity(0))
    os.environ[name] = str(max(1, threads // n))
    try:
        yield
    finally:
        del os.environ[name]
        os.environ |= {} if before is None else {name: before}


def _member(parent: int, fit: Callable[[Workplace], None], workplace: Workplace, flag: c_byte) -> None:
    """Join the process group and call `fit`; the main function of each process."""
    _prctl_pr_set_pdeathsig(signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")
    rank = int(os.environ["RANK"])
    tell_lost_files(lambda error: print(f"ERROR: {one_line(error)}", file=sys.stderr, flush=True))
    if rank == 0:
        start_log()
    with StopRequest(flag) as asked:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        device = workplace.device
        if device == "cuda":
            device = f"cuda:{os.environ['LOCAL_RANK']}"
            torch.cuda.set_device(device)
        dist.init_process_group("cpu:gloo,cuda:nccl" if workplace.device == "cuda" else "gloo")
        try:
            fit(Workplace(workplace.directory, device, asked, first=rank == 0))
        except (InputError, RunAgain):
            raise
        except OSError as error:
            raise InputError(one_line(error)) from error
        except Exception:
            time.sleep(BLAME_SECONDS)  # if another process has died, that is the cause: let the launcher see it first
            raise
        dist.destroy_process_group()


def _translate(error: ChildFailedError, n: int, flag: c_byte) -> NoReturn:
    """Raise the error that the failure of a process stands for."""
    rank, failure = error.get_first_failure()
    if -failure.exitcode in SIGNALS and flag.value:  # the signal came before its handlers were set
        raise RunAgain("asked to stop while training processes started") from error
    if failure.exitcode < 0:
        raise ChildProcessError(
            f"training process {rank} of {n} was killed by {failure.signal_name()}, and the others were ended; the last"
            " checkpoint is kept, and the same command goes on from there"
        ) from error
    if not isinstance(failure.message, dict):
        raise ChildProcessError(f"training process {rank} of {n} ended with status {failure.exitcode}") from error
    kind, _, text = failure.message["message"].partition(": ")
    if kind in EXPECTED:
        raise EXPECTED[kind](text) from error
    raise RuntimeError(f"in training process {rank} of {n}: {failure.message['extraInfo']['py_callstack']}") from error
