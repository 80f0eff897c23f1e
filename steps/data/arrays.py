"""Arrays by name in a file of safetensors, which cannot run code."""

from pathlib import Path
from typing import TYPE_CHECKING

from utils.errors import InputError
from utils.mounts import lost_disk_told
from utils.pointer_files import refuse_pointer

if TYPE_CHECKING:
    import numpy as np


def read_arrays(path: Path, remedy: str) -> "dict[str, np.ndarray]":
    """Name -> array. Raises InputError, which ends with `remedy`, for a file that is not readable."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    refuse_pointer(path)
    try:
        with lost_disk_told(path):
            return load_file(str(path))
    except (SafetensorError, KeyError, TypeError) as error:  # the last two: a type that numpy does not have
        raise InputError(f"{path}: not readable ({error}); {remedy}") from error
