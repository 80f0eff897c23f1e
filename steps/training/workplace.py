"""What a fit is given by the command that runs it: a directory, a device, and the question whether to stop."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from utils.errors import InputError


def never() -> bool:
    """A stop is never requested."""
    return False


class Workplace(NamedTuple):
    """The directory and device of one fit.

    Attributes:
        directory: of its files; an interrupted fit continues from them.
        device: `cpu`, `cuda` or, of several GPUs, `cuda:N`.
        stop_requested: has a signal asked the fit to stop and save its state (`utils.run_again`)? A fit that ends soon
            may ignore it.
        first: this process writes the files; of several that fit together, one does.
    """

    directory: Path
    device: str
    stop_requested: Callable[[], bool] = never
    first: bool = True


def find_device(use_gpu: str, n: int) -> str:
    """The kind of device for `n` processes, `cpu` or `cuda`.

    Args:
        use_gpu: auto, true or false. Raises InputError where GPUs are asked for, or found, but are fewer than `n`.
    """
    if use_gpu == "false":
        return "cpu"
    import torch

    if not torch.cuda.is_available():
        if use_gpu == "true":
            raise InputError("--use_gpu true: torch sees no GPU here; ask for one in cmd.sh, or use --use_gpu auto")
        return "cpu"
    if torch.cuda.device_count() < n:
        raise InputError(
            f"--num_gpus {n}: torch sees {torch.cuda.device_count()} here; ask for {n} in cmd.sh (--gpu {n}), or use"
            " --use_gpu false"
        )
    return "cuda"
