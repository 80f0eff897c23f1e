"""Settings of torch, and of the memory of the process, under which back-ends run their networks."""

from steps.training.heap import keep_freed
from utils.command import logger

log = logger(__name__)

KEPT_BYTES = 1 << 30


def settle_torch(device: str) -> None:
    """Let networks on this device give the same bits each time, and on a CPU lose no time with memory."""
    import torch

    if device == "cpu":
        _keep_freed_memory()
    torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32 = True, False


def capability_of(device: str) -> tuple[int, int] | None:
    """The compute capability of a GPU; None: a processor."""
    import torch

    return None if device == "cpu" else torch.cuda.get_device_capability(device)


def precision_here(precision: str, capability: tuple[int, int] | None) -> str:
    """The precision of the products on a GPU of this compute capability: before 8.0 there is no bfloat16."""
    if precision == "bf16" and capability is not None and capability < (8, 0):
        log.warning("this GPU, of compute capability %d.%d, has no bfloat16: precision fp32", *capability)
        return "fp32"
    return precision


def _keep_freed_memory() -> None:
    """Let glibc, where it is the C library, keep freed memory for the next layer.

    By default it returns large blocks to the kernel, which clears the memory of each layer anew: then batches of 24 s
    take ERes2NetV2 a third longer, in 1.2 GB instead of 1.7.
    """
    keep_freed(KEPT_BYTES, KEPT_BYTES)
