"""Weights of networks that others have trained: read as tensors only, and loaded if names and shapes agree.

No other module reads torch's own files. They are pickles, but torch.load with weights_only reads only tensors and plain
containers, and runs no code. Safetensors are read too.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from utils.errors import InputError
from utils.pointer_files import refuse_pointer

SAFETENSORS, TORCH_FILES = ".safetensors", (".ckpt", ".pt", ".pth", ".bin")
INNER = ("state_dict", "model", "embedding_model")  # keys of the tensors in a file that holds more than them
WRAPPER = "module."  # prefix of all names of a network that was saved in its wrapper for several devices
SHOWN = 5  # names that a message lists


def load_weights(network: nn.Module, path: Path) -> None:
    """Load the weights of a file into a network. Raises InputError with the names whose tensors differ."""
    tensors = read_tensors(path)
    if tensors and all(name.startswith(WRAPPER) for name in tensors):
        tensors = {name.removeprefix(WRAPPER): tensor for name, tensor in tensors.items()}
    wanted = network.state_dict()
    reshaped = [
        f"{name} {tuple(tensors[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    problems = [
        _listed("missing", wanted.keys() - tensors.keys()),
        _listed("unexpected", tensors.keys() - wanted.keys()),
        _listed("of another shape", reshaped),
    ]
    if any(problems):
        raise InputError(
            f"{path}: not the weights of this {type(network).__name__}: {'; '.join(filter(None, problems))}."
            " Check that the file holds this kind of network, and that the sizes in its configuration are those that it"
            " was trained with"
        )
    network.load_state_dict(tensors)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a .safetensors file or of one that torch has saved, on the CPU, by name."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the weights of a network")
    refuse_pointer(path)
    if path.suffix == SAFETENSORS:
        return _read_safetensors(path)
    if path.suffix not in TORCH_FILES:
        raise InputError(f"{path}: expected weights in a file {SAFETENSORS} or {', '.join(TORCH_FILES)}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises depends on how the file is damaged
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{path}: not readable as tensors only, and no code in it is ever run ({type(error).__name__}: {reason})."
            " Is the download complete? If it is a whole pickled model, save its state_dict() instead"
        ) from error
    inner = next((content[key] for key in INNER if _is_mapping(content, key)), content)
    if not isinstance(inner, Mapping) or not all(isinstance(tensor, Tensor) for tensor in inner.values()):
        raise InputError(f"{path}: expected a state_dict, names of parameters with their tensors")
    return dict(inner)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path}: not readable as safetensors ({error})") from error


def _is_mapping(content: Any, key: str) -> bool:
    return isinstance(content, Mapping) and isinstance(content.get(key), Mapping)


def _listed(what: str, names: Iterable[str]) -> str:
    """`3 missing (a, b, c)`, or nothing."""
    names = sorted(names)
    dots = ", ..." if len(names) > SHOWN else ""
    return f"{len(names)} {what} ({', '.join(names[:SHOWN])}{dots})" if names else ""
