"""Passes over shards that several jobs make together: each pass sums over all shards, and the next one starts from it.

    <directory>/state-000003.npz                what pass 3 starts from: arrays, written whole or not at all
    <directory>/pass-000003/part-000000.npz     what shard 0 gives in pass 3

Jobs run side by side and meet in files. In every pass a job first does the shards that are its own; then it waits for
those of the others, and does itself what does not come: a job that was never started, or killed, only costs time. All
jobs add the parts in the order of the shards, so that each has the same sums, to the last bit, however many there are.
A job that is started again, comes late, or was held up, goes on from the newest state, and finds what is done.
"""

import re
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from utils.errors import InputError
from utils.parts import read_part, write_part

POLL = 0.02  # seconds between two looks
KEPT = 2  # passes whose files stay, for jobs that are a little behind
STATE = re.compile(r"state-([0-9]{6,})\.npz")
Arrays = dict[str, np.ndarray]


class PassOver(Exception):
    """Another job has written the state after this pass: nothing of it is needed any more."""


class Passes:
    """The passes of one job.

    Args:
        directory: in which the jobs meet. n_shards: of all jobs. mine: the numbers of this job's own shards.
        patience: seconds without any new part, after which a job does others' shards; at least as long as its own
            shards have taken.
    """

    def __init__(self, directory: Path, n_shards: int, mine: Sequence[int], patience: float = 1.0):
        self.directory, self.n_shards, self.mine, self.patience = directory, n_shards, list(mine), patience
        self._alone = False  # no other job has given anything for a while

    def run(
        self,
        start: Callable[[], Arrays],
        compute: Callable[[int, Arrays], Callable[[int], Arrays]],
        update: Callable[[int, Arrays, Arrays], Arrays],
        n_passes: int,
    ) -> Arrays:
        """Make all passes, from the newest state on. Returns the last state, which is the same for all jobs.

        Args:
            start: the state that the first pass, 0, starts from. compute: for the number of a pass and its state, what
                gives the sums of a shard. update: the next state, of number, state and sums over all shards.
        """
        while True:
            number, state = self.newest() or (0, start())
            if number >= n_passes:
                return state
            try:
                sums = self.sums(number, compute(number, state))
            except PassOver:
                continue
            self._keep(number + 1, update(number, state, sums))

    def newest(self) -> tuple[int, Arrays] | None:
        """The newest state and the number of the pass that starts from it; None before the end of the first pass."""
        while numbers := self._states():
            path = self._state(max(numbers))
            try:
                return max(numbers), read_part(path)[1]
            except InputError:
                if path.exists():  # not one that others have replaced by a newer one
                    raise
        return None

    def _keep(self, number: int, state: Arrays) -> None:
        """Write a state, unless another job has, and remove old ones."""
        if not self._state(number).is_file():
            write_part(self._state(number), [], **state)
        for old in (one for one in self._states() if one <= number - KEPT):
            self._state(old).unlink(missing_ok=True)

    def _states(self) -> list[int]:
        names = self.directory.iterdir() if self.directory.is_dir() else ()
        return [int(match[1]) for path in names if (match := STATE.fullmatch(path.name))]

    def _state(self, number: int) -> Path:
        return self.directory / f"state-{number:06d}.npz"

    def sums(self, number: int, compute: Callable[[int], Arrays]) -> Arrays:
        """The sums over all shards of what `compute` gives for each, in pass `number`.

        Raises InputError where a part is not whole, and PassOver where another job is done with the pass.
        """
        place = self.directory / f"pass-{number:06d}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.directory / f"pass-{number - KEPT:06d}", ignore_errors=True)
        try:
            begin = time.monotonic()
            for shard in self.mine:
                self._make(number, shard, compute)
            self._wait(number, compute, max(self.patience, 2 * (time.monotonic() - begin)))
            return self._added(number)
        except (FileNotFoundError, InputError) as error:
            if not self._is_over(number):
                raise
            raise PassOver from error

    def _added(self, number: int) -> Arrays:
        """The sums of all parts, in the order of the shards."""
        total: Arrays = {}
        for shard in range(self.n_shards):
            _, arrays = read_part(self._part(number, shard))
            total = {name: total[name] + array for name, array in arrays.items()} if total else arrays
        return total

    def _make(self, number: int, shard: int, compute: Callable[[int], Arrays]) -> None:
        """Write the part of a shard, unless it is there."""
        if self._is_over(number):
            raise PassOver
        if not self._part(number, shard).is_file():
            write_part(self._part(number, shard), [], **compute(shard))

    def _wait(self, number: int, compute: Callable[[int], Arrays], patience: float) -> None:
        """Return when all parts are there; do missing ones while none has come for `patience` seconds.

        Where none came in the pass before either, do them at once.
        """
        missing, last, made = self._missing(number), time.monotonic(), -1
        while missing:
            if self._alone or time.monotonic() - last > patience:
                self._alone, made = True, missing[-1]  # its owner begins with the first
                self._make(number, made, compute)
            else:
                time.sleep(POLL)
            now = self._missing(number)
            if set(missing) - {*now, made}:
                self._alone, last = False, time.monotonic()
            elif self._is_over(number):
                raise PassOver
            missing = now

    def _is_over(self, number: int) -> bool:
        return any(one > number for one in self._states())

    def _missing(self, number: int) -> list[int]:
        return [shard for shard in range(self.n_shards) if not self._part(number, shard).is_file()]

    def _part(self, number: int, shard: int) -> Path:
        return self.directory / f"pass-{number:06d}" / f"part-{shard:06d}.npz"
