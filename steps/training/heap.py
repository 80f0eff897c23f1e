"""Memory that a training frees stays with the process until the training ends.

Gradients and activations are freed and taken again in each update. The C library of Linux gives the end of its heap
back to the system, which clears every page when it is touched again. To keep it saves a tenth to a quarter of the time
of an update on a processor. Nothing happens where the C library is not glibc.
"""

import contextlib
import ctypes
from collections.abc import Iterator

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
DEFAULT, LARGEST = (
    128 << 10,
    32 << 20,
)  # bytes: glibc's threshold for a mapping of its own, and the largest it takes
KEPT = (1 << 31) - 1


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within the context, and for what it decorates, blocks up to 32 MB are kept for the next ones of their size."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        yield
        return
    library.mallopt(M_MMAP_THRESHOLD, LARGEST)
    library.mallopt(M_TRIM_THRESHOLD, KEPT)
    try:
        yield
    finally:
        library.mallopt(M_MMAP_THRESHOLD, DEFAULT)
        library.mallopt(M_TRIM_THRESHOLD, DEFAULT)
        library.malloc_trim(0)
