"""The random streams of a process, as tensors that a checkpoint holds: Python's, numpy's, torch's and the GPU's."""

import random

import numpy as np
import torch
from torch import Tensor


def seed_streams(*entropy: int) -> None:
    """Seed all streams of this process from some integers; other integers give independent streams."""
    python, legacy, network = np.random.SeedSequence(entropy).generate_state(3, np.uint64).tolist()
    random.seed(python)
    np.random.seed(legacy % 2**32)
    torch.manual_seed(network)  # of all devices


def read_streams(device: torch.device) -> dict[str, Tensor]:
    """The states of all streams by name, as tensors on the CPU of constant length."""
    _, words, left = random.getstate()
    _, keys, *rest = np.random.get_state()
    states = {
        "python": torch.tensor([*words, left is not None, left or 0.0], dtype=torch.float64),
        "numpy": torch.tensor([*keys.tolist(), *rest], dtype=torch.float64),  # 32-bit words: exact
        "torch": torch.get_rng_state(),
    }
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def set_streams(states: dict[str, Tensor], device: torch.device) -> None:
    """Restore states that `read_streams` returned; on the CPU the state of a GPU is ignored."""
    *words, has_left, left = states["python"].tolist()
    random.setstate((3, tuple(map(int, words)), left if has_left else None))
    *keys, position, has_left, left = states["numpy"].tolist()
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), int(position), int(has_left), left))
    torch.set_rng_state(states["torch"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
