"""Time and memory on a machine that does other things too: what is compared takes turns, so that both sides suffer."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.bench.results import PATH
from utils.errors import InputError
from utils.options import option

# runs a command and prints its peak memory: from a small process, because a child's peak counts that of its parent's
# image before exec
RUNNER = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=sys.stderr)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss, used.ru_utime + used.ru_stime)
sys.exit(status)
"""


@dataclass(frozen=True)
class TimingOptions:
    """Options of a benchmark whose ways to do one thing take turns."""

    rounds: int = option(5, "timings of each", least=1, most=1000)
    results: Path = option(PATH, "file whose section is written")


class Child(NamedTuple):
    """What a command needed: seconds of wall time, MB (10^6 bytes) of memory at its peak, seconds of processor time."""

    seconds: float
    megabytes: float
    processor: float


def require_one_thread() -> None:
    """Raise InputError unless the libraries were told to use one thread before they were loaded."""
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise InputError("set OMP_NUM_THREADS=1: these figures are for one thread")


def require_device(device: str) -> None:
    """Raise InputError for `cuda` where there is none, before anything takes its time."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch sees no GPU here; --device cpu does without")


def take_turns(
    actions: Mapping[str, Callable[[], object]],
    rounds: int,
    between: Callable[[], object] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, np.ndarray]:
    """Seconds (rounds,) of each action; in each round all run, each time another one first. One round more, the first,
    does not count.

    Args:
        between: what is done before each action, untimed. clock: such as `time.process_time`.
    """
    names = list(actions)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            if between:
                between()
            begin = clock()
            actions[name]()
            if number:
                seconds[name].append(clock() - begin)
    return {name: np.array(values) for name, values in seconds.items()}


def run_child(command: Sequence[str], checkout: Path | None = None) -> Child:
    """Run a command to its end, and measure it. A failure raises CalledProcessError with what it said."""
    own = {} if checkout is None else {"cwd": checkout, "env": os.environ | {"PYTHONPATH": str(checkout)}}
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", RUNNER, *command], capture_output=True, text=True, **own)
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    kilobytes, processor = map(float, done.stdout.split())
    return Child(seconds, kilobytes * 1024 / 1e6, processor)


def run_module(module: str, *arguments: object, checkout: Path | None = None) -> Child:
    """Run one of the project's commands, as `run_child` does; of this checkout, or of another one."""
    return run_child([sys.executable, "-m", module, *map(str, arguments)], checkout)


def spread(values: np.ndarray, unit: float = 1, digits: int = 1) -> str:
    """Median and range of some values, times `unit`."""
    low, middle, high = (f"{value * unit:,.{digits}f}" for value in np.quantile(values, [0, 0.5, 1]))
    return f"{middle} ({low} to {high})"
