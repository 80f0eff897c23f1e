"""Where a fit works: its directory, its device, and how it hears that it shall stop."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from utils.errors import InputError


def never() -> bool:
    """Nobody asks."""
    return False


class Workplace(NamedTuple):
    """Where a fit may work.

    Attributes:
        directory: kept over interruptions.
        device: `cpu`, `cuda` or one GPU of several.
        asked: has the fit been asked to stop where it can go on (`utils.run_again`)? It may do so, or end soon.
        first: of several processes that fit together this one writes.
    """

    directory: Path
    device: str
    asked: Callable[[], bool] = never
    first: bool = True


def find_device(use_gpu: str, n: int) -> str:
    """The kind of device for `n` processes, `cpu` or `cuda`; `use_gpu` is auto, true or false."""
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
