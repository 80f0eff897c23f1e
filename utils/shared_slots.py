"""Arrays from worker processes in memory that all of them share, so that they need not go through a pipe.

slots = SharedSlots(8, 1 << 20)       # given to the workers when they start
placed = slots.put(3, arrays)         # in a worker
arrays = slots.get(3, placed)         # in the process that waits: they lie in the slot
"""

import mmap
import os
import weakref
from collections.abc import Sequence
from multiprocessing.reduction import DupFd
from typing import Any, NamedTuple

import numpy as np

ALIGNED = 64  # bytes


class Placed(NamedTuple):
    """Where in a slot an array lies: its first byte, its shape, and numpy's name of its type."""

    start: int
    shape: tuple[int, ...]
    kind: str


class SharedSlots:
    """`n` slots of `size` bytes each. Memory is taken for what was written only.

    Processes that get it when they are started see the same slots.
    """

    def __init__(self, n: int, size: int, descriptor: int | None = None):
        self.n, self.size = n, -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self.descriptor = os.memfd_create("slots") if descriptor is None else descriptor
        if descriptor is None:
            os.ftruncate(self.descriptor, self.n * self.size)
        weakref.finalize(self, os.close, self.descriptor)
        self.memory = memoryview(mmap.mmap(self.descriptor, self.n * self.size))

    def __reduce__(self) -> tuple:
        return _attach, (self.n, self.size, DupFd(self.descriptor))

    def put(self, slot: int, arrays: Sequence[np.ndarray]) -> list[Placed | np.ndarray]:
        """Write arrays into a slot; an array for which there is no room comes back itself."""
        placed: list[Placed | np.ndarray] = []
        start = 0
        for array in arrays:
            end = start + array.nbytes
            if end > self.size:
                placed.append(array)
                continue
            placed.append(Placed(start, array.shape, array.dtype.str))
            self._array(slot, placed[-1])[...] = array
            start = -(-end // ALIGNED) * ALIGNED
        return placed

    def get(self, slot: int, placed: Sequence[Placed | np.ndarray]) -> list[np.ndarray]:
        """The arrays, which hold until the slot is written again."""
        return [self._array(slot, one) if isinstance(one, Placed) else one for one in placed]

    def _array(self, slot: int, placed: Placed) -> np.ndarray:
        return np.ndarray(placed.shape, placed.kind, self.memory, slot * self.size + placed.start)


def _attach(n: int, size: int, descriptor: Any) -> SharedSlots:
    return SharedSlots(n, size, descriptor.detach())
