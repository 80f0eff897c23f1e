"""Memory that is freed stays with the process: for the time of a training, or until the process ends.

Gradients and activations are freed and taken again in each update. The C library of Linux gives the end of its heap
back to the system, which clears every page when it is touched again. To keep it saves a tenth to a quarter of the time
of an update on a processor. Nothing happens where the C library is not glibc.
"""

import contextlib
import ctypes
from collections.abc import Iterator

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
DEFAULT = 128 << 10  # bytes: glibc's threshold for a mapping of its own
LARGEST = 32 << 20  # bytes: the largest that versions before 2.35 take
KEPT = (1 << 31) - 1


def keep_freed(mapped: int, kept: int) -> None:
    """Keep up to `kept` bytes of what is freed at the end of the heap, where blocks of less than `mapped` bytes lie."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, mapped) or mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, kept)


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within the context, and for what it decorates, blocks up to 32 MB are kept for the next ones of their size."""
    keep_freed(LARGEST, KEPT)
    try:
        yield
    finally:
        keep_freed(DEFAULT, DEFAULT)
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
