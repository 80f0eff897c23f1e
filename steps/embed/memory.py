"""What a GPU has no memory for: a batch is done in halves, down to one waveform; too large a network is an error."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from steps.embed.backend import Backend
from steps.embed.extraction import BackendChoice
from utils.command import logger
from utils.errors import InputError, in_one_line

Result = TypeVar("Result")

OTHERS = "is another program on this GPU? nvidia-smi lists them"

log = logger(__name__)


def load_network(choice: BackendChoice, device: str) -> Backend:
    """The network with its weights on the device. Raises InputError where they do not fit."""
    import torch

    try:
        return choice.cls(choice.options, device)
    except torch.OutOfMemoryError as error:
        said = in_one_line(error, 200)
    raise InputError(f"{device}: no memory for the weights of {choice.cls.name}; {OTHERS} ({said})")


def within_memory(backend: Backend, compute: Callable[[Any], Result], features: Any) -> list[Result]:
    """What `compute` makes of the features of a batch, or of its parts in their order where memory ends.

    The embeddings are the same up to rounding. Raises InputError where one waveform is too much.

    Args:
        backend: whose features these are. compute: such as `backend.forward`.
    """
    import torch

    try:
        return [compute(features)]
    except torch.OutOfMemoryError as error:
        said = in_one_line(error, 200)
    # from here on no traceback holds the tensors of the failed call
    parts = backend.halves(features)
    if len(parts) < 2:
        remedy = f"lower {backend.longest} (--set {backend.longest}=...); " if backend.longest else ""
        raise InputError(f"{backend.device}: out of memory with a single utterance: {remedy}{OTHERS} ({said})")
    _tell(backend.device)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return [result for part in parts for result in within_memory(backend, compute, part)]


@cache
def _tell(device: str) -> None:
    """Say once that batches are divided."""
    log.warning(
        "out of memory on %s: the batch is done in halves, which is slower and changes the last digits of embeddings;"
        " a lower --set batch_seconds avoids it",
        device,
    )
