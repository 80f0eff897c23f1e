"""Passes over shards that several jobs make together: each pass sums over all shards, and the next one starts from it.

    <directory>/pass-000003/part-000000.npz     what shard 0 gives in pass 3: arrays, written whole or not at all

Jobs run side by side and meet in files. In every pass a job first does the shards that are its own; then it waits for
those of the others, and does itself what does not come: a job that was never started, or killed, only costs time. All
jobs add the parts in the order of the shards, so that each has the same sums, to the last bit, however many there are.
A job that is started again begins with the pass that `begin_at` names, and finds what is done.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from utils.parts import read_part, write_part

POLL = 0.02  # seconds between two looks
KEPT = 2  # passes whose parts stay, for jobs that are a little behind
Arrays = dict[str, np.ndarray]


class Passes:
    """The passes of one job.

    Args:
        directory: in which the jobs meet. n_shards: of all jobs. mine: the numbers of this job's own shards.
        patience: seconds without any new part, after which a job does others' shards; at least as long as its own
            shards have taken.
    """

    def __init__(self, directory: Path, n_shards: int, mine: Sequence[int], patience: float = 1.0):
        self.directory, self.n_shards, self.mine, self.patience = directory, n_shards, list(mine), patience

    def sums(self, number: int, compute: Callable[[int], Arrays]) -> Arrays:
        """The sums over all shards of what `compute` gives for each, in pass `number`.

        Raises InputError where a part is not whole.
        """
        place = self.directory / f"pass-{number:06d}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.directory / f"pass-{number - KEPT:06d}", ignore_errors=True)
        begin = time.monotonic()
        for shard in self.mine:
            self._make(place, shard, compute)
        self._wait(place, compute, max(self.patience, 2 * (time.monotonic() - begin)))
        total: Arrays = {}
        for shard in range(self.n_shards):
            _, arrays = read_part(_part(place, shard))
            total = {name: total[name] + array for name, array in arrays.items()} if total else arrays
        return total

    def _make(self, place: Path, shard: int, compute: Callable[[int], Arrays]) -> None:
        """Write the part of a shard, unless it is there."""
        if not _part(place, shard).is_file():
            write_part(_part(place, shard), [], **compute(shard))

    def _wait(self, place: Path, compute: Callable[[int], Arrays], patience: float) -> None:
        """Return when all parts are there; do a missing one whenever none has come for `patience` seconds."""
        missing, last = self._missing(place), time.monotonic()
        while missing:
            time.sleep(POLL)
            now = self._missing(place)
            if len(now) < len(missing):
                last = time.monotonic()
            elif time.monotonic() - last > patience:
                self._make(place, missing[-1], compute)  # its owner begins with the first
            missing = now

    def _missing(self, place: Path) -> list[int]:
        return [shard for shard in range(self.n_shards) if not _part(place, shard).is_file()]


def _part(place: Path, shard: int) -> Path:
    return place / f"part-{shard:06d}.npz"
