"""Settings of torch, and of the memory of the process, under which back-ends run their networks."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
KEPT_BYTES = 1 << 30


def settle_torch(device: str) -> None:
    """Let networks on this device give the same bits each time, and on a CPU lose no time with memory."""
    import torch

    if device == "cpu":
        _keep_freed_memory()
    torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32 = True, False


def _keep_freed_memory() -> None:
    """Let glibc, where it is the C library, keep freed memory for the next layer.

    By default it returns large blocks to the kernel, which clears the memory of each layer anew: then batches of 24 s
    take ERes2NetV2 a third longer, in 1.2 GB instead of 1.7.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
