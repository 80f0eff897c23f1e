"""What is said where a GPU has too little memory."""

import contextlib
from collections.abc import Iterator

import torch

from utils.errors import InputError, in_one_line


@contextlib.contextmanager
def memory_told(where: object, what: str) -> Iterator[None]:
    """Raise InputError where a GPU is out of memory; `what` is done for it, such as "lower hidden"."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        said = in_one_line(error, 200)
        raise InputError(f"{where}: out of memory on the GPU: {what}, or use --use_gpu false ({said})") from error
