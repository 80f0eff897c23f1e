"""Freed memory is kept during a training: the next blocks need no pages from the system."""

import ctypes
import resource

import pytest
import torch

from steps.training.heap import freed_memory_kept

BLOCKS, SIZE = 6, 8 << 20  # bytes


def pages_cleared() -> int:
    """Pages that the system clears for blocks that are filled together, and then freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.ones(SIZE // 4) for _ in range(BLOCKS)]
    del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="no glibc")
def test_pages_are_cleared_once():
    with freed_memory_kept():
        assert min(pages_cleared() for _ in range(5)) < SIZE // resource.getpagesize()
