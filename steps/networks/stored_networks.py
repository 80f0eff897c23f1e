"""Where the tensors of a network are in what a checkpoint holds: in which mapping, and behind which prefix.

Training programs wrap what they save. Lightning's checkpoint has `model.` before the names in `state_dict`, DeepSpeed's
has them in `module`, DistributedDataParallel puts `module.` before them and torch.compile `_orig_mod.`, and a moving
average is a second network in the same file. Any mapping and any prefix is found whose names are all of the network's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

WRAPPERS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")  # at any place of a name
DEEPEST = 4  # mappings in mappings
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


class StoredNetwork(NamedTuple):
    """The tensors of one network.

    Attributes:
        label: where they are, such as `state_dict: model.*`; empty where no other place is possible.
        tensors: name without prefix -> tensor.
    """

    label: str
    tensors: dict[str, Tensor]


def tensors_by_place(content: Any) -> dict[str, dict[str, Tensor]]:
    """The tensors of nested mappings: keys of the mappings, joined by dots -> name -> tensor."""
    return {".".join(place): tensors for place, tensors in _mappings(content, ()) if tensors}


def _mappings(content: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    if not isinstance(content, Mapping):
        return
    named = {key: value for key, value in content.items() if isinstance(key, str)}
    yield place, {_unwrapped(key): value for key, value in named.items() if _is_plain(value)}
    if len(place) < DEEPEST:
        for key, value in named.items():
            yield from _mappings(value, (*place, key))


def _is_plain(value: Any) -> bool:
    """Is it a tensor of numbers in memory: not sparse, nested, quantised or without content?"""
    return (
        isinstance(value, Tensor)
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and not value.is_nested
        and not value.is_quantized
    )


def same_kind(one: Tensor, other: Tensor) -> bool:
    """Are both of floats that networks are trained in, or both of integers?"""
    return one.dtype in FLOATS if other.is_floating_point() else one.dtype in INTEGERS


def _unwrapped(name: str) -> str:
    for wrapper in WRAPPERS:
        name = name.replace(wrapper, "")
    return name


def find_networks(places: Mapping[str, Mapping[str, Tensor]], wanted: Mapping[str, Tensor]) -> list[StoredNetwork]:
    """All networks among the tensors that have the names and shapes of `wanted`; equal ones count once."""
    found: list[StoredNetwork] = []
    for one in _candidates(places, wanted):
        fits = all(name in one.tensors and one.tensors[name].shape == tensor.shape for name, tensor in wanted.items())
        if fits and not any(_equal(one, other, wanted) for other in found):
            found.append(one)
    return found


def nearest_network(places: Mapping[str, Mapping[str, Tensor]], wanted: Mapping[str, Tensor]) -> StoredNetwork:
    """The network among the tensors that has the most names of `wanted`, to name what it lacks."""
    return max(_candidates(places, wanted), key=lambda one: len(one.tensors.keys() & wanted.keys()))


def _candidates(places: Mapping[str, Mapping[str, Tensor]], wanted: Mapping[str, Tensor]) -> Iterator[StoredNetwork]:
    for place, tensors in places.items():
        for prefix in _prefixes(tensors, wanted):
            label = ": ".join(filter(None, (place, f"{prefix}*" if prefix else "")))
            own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            yield StoredNetwork(label, own)


def _prefixes(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """What stands before names of `wanted`, up to a dot; nothing, first of all."""
    ends = {name.rpartition(".")[2] for name in wanted}
    prefixes = {""}
    for name in tensors:
        parts = name.split(".")
        if parts[-1] in ends:
            prefixes |= {".".join(parts[:cut]) + "." for cut in range(1, len(parts)) if ".".join(parts[cut:]) in wanted}
    return sorted(prefixes, key=lambda prefix: (len(prefix), prefix))


def _equal(one: StoredNetwork, other: StoredNetwork, wanted: Mapping[str, Tensor]) -> bool:
    pairs = [(one.tensors[name], other.tensors[name]) for name in wanted]
    return all(a.dtype == b.dtype and (a.dtype not in FLOATS + INTEGERS or torch.equal(a, b)) for a, b in pairs)
