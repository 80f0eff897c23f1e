"""What is done where a GPU has too little memory: a batch in halves, and a line that says what helps."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import torch

from utils.command import logger
from utils.errors import InputError, in_one_line

Result = TypeVar("Result")
log = logger(__name__)


@contextlib.contextmanager
def memory_told(where: object, what: str) -> Iterator[None]:
    """Raise InputError where a GPU is out of memory; `what` is done for it, such as "lower hidden"."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        said = in_one_line(error, 200)
        raise InputError(f"{where}: out of memory on the GPU: {what}, or use --use_gpu false ({said})") from error


def in_halves(
    compute: Callable[[Any], Result], batch: Any, halves: Callable[[Any], Sequence[Any]], alone: str, divided: str
) -> list[Result]:
    """What `compute` makes of a batch, or of its parts in their order where the memory of a GPU ends.

    Args:
        halves: the two parts of a batch; one, where it cannot be divided.
        alone: the message of the InputError that is raised then. divided: what is said once where batches are.
    """
    try:
        return [compute(batch)]
    except torch.OutOfMemoryError as error:
        said = in_one_line(error, 200)
    # from here on no traceback holds the tensors of the failed call
    parts = halves(batch)
    if len(parts) < 2:
        raise InputError(f"{alone} ({said})")
    tell(divided)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return [result for part in parts for result in in_halves(compute, part, halves, alone, divided)]


@cache
def tell(line: str) -> None:
    """Say something once."""
    log.warning(line)
