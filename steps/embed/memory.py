"""What a GPU has no memory for: a batch is done in halves, down to one waveform; too large a network is an error."""

from collections.abc import Callable
from typing import Any, TypeVar

from steps.embed.backend import Backend
from steps.embed.extraction import BackendChoice
from utils.errors import InputError, in_one_line

Result = TypeVar("Result")

OTHERS = "is another program on this GPU? nvidia-smi lists them"


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
    from steps.training.memory import in_halves

    device, longest = backend.device, backend.longest
    remedy = f"lower {longest} (--set {longest}=...); " if longest else ""
    divided = (
        f"out of memory on {device}: the batch is done in halves, which is slower and changes the last digits of"
        " embeddings; a lower --set batch_seconds avoids it"
    )
    alone = f"{device}: out of memory with a single utterance: {remedy}{OTHERS}"
    return in_halves(compute, features, backend.halves, alone, divided)
