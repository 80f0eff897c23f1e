"""The arithmetic of a training: which formats the numbers in matrix products have. Weights and sums are float32.

| precision | products |
|---|---|
| fp32 | float32 |
| tf32 | on a GPU, of numbers rounded to 11 bits, into float32 sums; elsewhere float32 |
| bf16 | of bfloat16 where torch.autocast holds it safe, and as tf32 in the rest |
| auto | tf32 on a GPU, fp32 elsewhere |
"""

import contextlib
from collections.abc import Iterator

import torch


def resolve(precision: str, device: torch.device) -> str:
    """The precision that `auto` stands for on a device; any other is itself."""
    return precision if precision != "auto" else "tf32" if device.type == "cuda" else "fp32"


@contextlib.contextmanager
def denormals_flushed() -> Iterator[None]:
    """Arithmetic is slow on numbers below the normal ones: training takes them for zero, and nothing after it does."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def products_in(precision: str, device: torch.device) -> Iterator[None]:
    """On a GPU, products of float32 numbers are rounded as the precision (not `auto`) says; on a processor never."""
    if device.type != "cuda":
        yield
        return
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest" if precision == "fp32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "fp32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context of forward passes: bfloat16 where the precision says so."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
