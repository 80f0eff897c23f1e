"""Weights of networks that others have trained: read as tensors only, and loaded if names and shapes agree.

No other module reads torch's own files. They are pickles, but torch.load with weights_only reads only tensors and plain
containers, and runs no code. Safetensors are read too. `steps.networks.stored_networks` finds the network in what else
a file holds.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from steps.networks.stored_networks import StoredNetwork, find_networks, nearest_network, same_kind, tensors_by_place
from utils.command import logger
from utils.errors import InputError
from utils.mounts import is_lost, lost_disk_told
from utils.pointer_files import refuse_pointer

log = logger(__name__)
SAFETENSORS, TORCH_FILES = ".safetensors", (".ckpt", ".pt", ".pth", ".bin")
SHOWN = 5  # names that a message lists
NAMED = re.compile(r"GLOBAL ([\w.]+)")  # in torch's message, the class that is no tensor


def load_weights(network: nn.Module, path: Path, any_name: bool = False) -> None:
    """Load the weights of a file into a network. Raises InputError with the names whose tensors differ.

    Args:
        any_name: see `read_tensors`.
    """
    places = read_tensors(path, any_name)
    wanted = network.state_dict()
    found = find_networks(places, wanted)
    if len(found) > 1:
        raise InputError(
            f"{path}: holds this network {len(found)} times, with different weights: {_listed_names(found)}. Keep one:"
            " save its tensors alone in a file of their own"
        )
    chosen = found[0] if found else nearest_network(places, wanted)
    require_fit(chosen, network, path)
    others = sum(map(len, places.values())) - len(wanted)
    if others:
        log.info("%s: %s is loaded, %d other tensors are not", path, chosen.label, others)
    network.load_state_dict(chosen.tensors)


def require_fit(chosen: StoredNetwork, network: nn.Module, path: Path) -> None:
    """Raise InputError unless the tensors are those of the network: names, shapes, floating types, finite."""
    wanted, tensors = network.state_dict(), chosen.tensors
    both = [name for name in wanted if name in tensors]
    reshaped = [
        f"{name} {tuple(tensors[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in both
        if tensors[name].shape != wanted[name].shape
    ]
    typed = [
        f"{name} {str(tensors[name].dtype).removeprefix('torch.')}"
        for name in both
        if not same_kind(tensors[name], wanted[name])
    ]
    fitting = [name for name in both if same_kind(tensors[name], wanted[name])]
    infinite = [
        name for name in fitting if tensors[name].shape == wanted[name].shape and not tensors[name].isfinite().all()
    ]
    problems = [
        _listed("missing", wanted.keys() - tensors.keys()),
        _listed("unexpected", tensors.keys() - wanted.keys()),
        _listed("of another shape", reshaped),
        _listed("of another type", typed),
        _listed("not finite", infinite),
    ]
    if any(problems):
        where = f" ({chosen.label})" if chosen.label else ""
        raise InputError(
            f"{path}: not the weights of this {type(network).__name__}{where}: {'; '.join(filter(None, problems))}."
            " Check that the file holds this kind of network, and that the sizes in its configuration are those that it"
            " was trained with"
        )


def read_tensors(path: Path, any_name: bool = False) -> dict[str, dict[str, Tensor]]:
    """Read the tensors of a .safetensors file or of one that torch has saved, on the CPU, by place and name.

    Args:
        any_name: files of torch may have any suffix, or none.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the weights of a network")
    refuse_pointer(path)
    if path.suffix == SAFETENSORS:
        return {"": _read_safetensors(path)}
    if path.suffix not in TORCH_FILES and not any_name:
        raise InputError(f"{path}: expected weights in a file {SAFETENSORS} or {', '.join(TORCH_FILES)}")
    content = read_plain(path)
    places = tensors_by_place(content)
    if not places and content != {}:
        raise InputError(f"{path}: expected a state_dict, names of parameters with their tensors")
    return places or {"": {}}


class PlainObject:
    """In place of an object of a class that is not here: its attributes, and nothing that it could do."""

    def __init__(self, *given: Any):
        """Hold nothing."""


def read_plain(path: Path, stand_ins: Sequence[str] = ()) -> Any:
    """What torch has saved in a file: tensors and plain containers. Raises InputError where there is more in it.

    Args:
        stand_ins: classes, such as `argparse.Namespace`, whose objects are read as PlainObjects.
    """
    refuse_pointer(path)
    try:
        known = torch.serialization.safe_globals([(PlainObject, name) for name in stand_ins])
        with lost_disk_told(path), known:
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises depends on how the file is damaged
        if is_lost(error):
            raise
        raise InputError(
            f"{path}: not readable as tensors only, and no code in it is ever run ({_reason(error)})."
            " Is the download complete? If it is a whole pickled model, save its state_dict() instead"
        ) from error


def _reason(error: Exception) -> str:
    """What is wrong with a file of torch, without torch's advice to run what is in it."""
    named = NAMED.search(str(error))
    if named:
        return f"it holds a {named[1]}, which is no tensor"
    first = str(error).strip().partition("\n")[0]
    if not first or "weights_only" in first or "Weights only" in first:
        return f"{type(error).__name__}: it is no whole file of torch"
    return f"{type(error).__name__}: {first[:200]}"


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        with lost_disk_told(path):
            return load_file(path)
    except (SafetensorError, KeyError) as error:  # the second: a type that torch does not have
        raise InputError(f"{path}: not readable as safetensors ({error})") from error


def _listed_names(found: Iterable[StoredNetwork]) -> str:
    return ", ".join(one.label or "the names without a prefix" for one in found)


def _listed(what: str, names: Iterable[str]) -> str:
    """`3 missing (a, b, c)`, or nothing."""
    names = sorted(names)
    dots = ", ..." if len(names) > SHOWN else ""
    return f"{len(names)} {what} ({', '.join(name[:80] for name in names[:SHOWN])}{dots})" if names else ""
