"""Checkpoints of a training: safetensors with JSON and a checksum in the header; whole or absent, and no pickle.

The tensors are those of the network, of the optimizer (`optimizer.<parameter>.<key>`), of the random streams of each
process (`random.<process>.<stream>`) and, inside an epoch, the losses of its updates so far.
"""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from utils.durable import write_whole
from utils.errors import InputError
from utils.json_files import parse_json
from utils.mounts import lost_disk_told

NETWORK, OPTIMIZER, RANDOM, LOSSES = "network.", "optimizer.", "random.", "losses"


class DamagedCheckpoint(InputError):
    """A checkpoint is not what was written, or belongs to another training."""


@dataclass
class TrainingState:
    """The state of a training, apart from tensors.

    Attributes:
        epoch: last complete one; 0 is the start.
        update: how many updates of the next epoch are done.
        best_epoch, best: the epoch with the best deciding figure, and that figure.
        schedule: state of the schedule of the learning rate.
        history: metrics of each epoch, those of the start first.
    """

    epoch: int = 0
    update: int = 0
    best_epoch: int = 0
    best: float = math.nan
    schedule: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"update {self.update} of epoch {self.epoch + 1}" if self.update else f"epoch {self.epoch}"


def write_checkpoint(
    path: Path, tensors: Mapping[str, Tensor], state: TrainingState, earlier: Path | None = None
) -> None:
    """Write a checkpoint, replacing an earlier one, which is renamed to `earlier` if that is given."""
    on_cpu = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    # one entry: safetensors writes several in no fixed order
    metadata = {"progress": json.dumps({"checksum": _checksum(on_cpu, state), **vars(state)})}
    # not save_file: it has temporary files of its own, which a kill leaves behind
    write_whole(path, save(on_cpu, metadata=metadata), earlier=earlier)


def read_checkpoint(path: Path, network: nn.Module) -> tuple[dict[str, Tensor], TrainingState]:
    """Read what `write_checkpoint` has written, on the CPU.

    Raises DamagedCheckpoint where the file is damaged, or its weights have other names or shapes than `network`.
    """
    try:
        with lost_disk_told(path), safe_open(str(path), framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
            values = parse_json((file.metadata() or {})["progress"], str(path))
        checksum = values.pop("checksum")
        state = TrainingState(**values)
    except FileNotFoundError as error:
        raise DamagedCheckpoint(f"{path}: missing") from error
    except (SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedCheckpoint(f"{path}: damaged, or no checkpoint of this program ({error!r})") from error
    if _checksum(tensors, state) != checksum:
        raise DamagedCheckpoint(f"{path}: damaged: its content is not what was written")
    found = {name: tuple(value.shape) for name, value in select(tensors, NETWORK).items()}
    for name, value in network.state_dict().items():
        if found.pop(name, None) != tuple(value.shape):
            raise DamagedCheckpoint(f"{path}: the weights are of other sizes: no {name} of shape {tuple(value.shape)}")
    if found:
        raise DamagedCheckpoint(f"{path}: the weights are of another network, which has {', '.join(found)}")
    return tensors, state


def _checksum(tensors: Mapping[str, Tensor], state: TrainingState) -> str:
    """CRC-32 of all tensors and of the state, in hexadecimal digits."""
    value = zlib.crc32(json.dumps(vars(state)).encode())
    for name in sorted(tensors):
        content = tensors[name].reshape(-1).view(torch.uint8).numpy()
        value = zlib.crc32(content, zlib.crc32(f"{name} {tensors[name].dtype}".encode(), value))
    return f"{value:08x}"


def select(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, named without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimizer as tensors by name."""
    states = optimizer.state_dict()["state"].items()
    return {f"{number}.{key}": value for number, state in states for key, value in state.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimizer the state that `optimizer_tensors` gave."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, key = name.split(".")
        state.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
