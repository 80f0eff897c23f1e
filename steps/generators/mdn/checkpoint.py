"""Checkpoints of a training: safetensors with JSON in the header, written whole or not at all; no pickle.

The tensors are those of the network, of the optimizer (`optimizer.<parameter>.<key>`) and, inside an epoch, the losses
of its updates so far.
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

OPTIMIZER, LOSSES = "optimizer.", "losses"


@dataclass
class Progress:
    """What a checkpoint knows besides tensors.

    Attributes:
        epoch: last complete one; 0 is the start.
        update: how many updates of the next epoch are done.
        best_epoch, best_dev: the one with the lowest dev NLL, and that.
        scheduler: state of the learning rate's schedule.
        history: a line of metrics for each epoch, that of the start first.
    """

    epoch: int = 0
    update: int = 0
    best_epoch: int = 0
    best_dev: float = math.inf
    scheduler: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"update {self.update} of epoch {self.epoch + 1}" if self.update else f"epoch {self.epoch}"


def write_checkpoint(path: Path, tensors: dict[str, Tensor], progress: Progress) -> None:
    """Write a checkpoint in the place of an earlier one."""
    partial = path.with_name(f"{path.name}.partial")
    # not save_file: it has temporary files of its own, which a kill leaves behind
    partial.write_bytes(save(tensors, metadata={"progress": json.dumps(vars(progress))}))
    partial.rename(path)


def read_checkpoint(path: Path, device: torch.device) -> tuple[dict[str, Tensor], Progress]:
    """Read what `write_checkpoint` has written."""
    with safe_open(str(path), framework="pt", device=str(device)) as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        return tensors, Progress(**json.loads(file.metadata()["progress"]))


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimizer as tensors by name."""
    states = optimizer.state_dict()["state"].items()
    return {f"{OPTIMIZER}{number}.{key}": value for number, state in states for key, value in state.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], lr: float) -> None:
    """Give an optimizer the state that is among `tensors`, and a learning rate."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(OPTIMIZER):
            _, number, key = name.split(".")
            state.setdefault(int(number), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    for group in groups:
        group["lr"] = lr
    optimizer.load_state_dict({"state": state, "param_groups": groups})
