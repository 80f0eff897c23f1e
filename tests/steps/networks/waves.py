"""Weights and filter banks that are the same on every machine, without a random generator: sine waves."""

import torch
from torch import Tensor, nn


def fill(network: nn.Module) -> None:
    """Give each tensor of a network, in the order of their names, a wave of its own; variances lie around one."""
    with torch.no_grad():
        for number, (name, tensor) in enumerate(sorted(network.state_dict().items())):
            if not tensor.is_floating_point():
                continue
            wave = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) * (1 + number / 7) + number)
            if tensor.ndim > 1:
                values = wave * (tensor[0].numel() / 3) ** -0.5
            else:
                values = 1 + wave / 2 if name.endswith(("weight", "running_var")) else wave / 2
            tensor.copy_(values.reshape(tensor.shape))


def banks(n: int, frames: int, bins: int) -> Tensor:
    """Filter banks (n, frames, bins)."""
    wave = torch.sin(torch.arange(n * frames * bins, dtype=torch.float64) ** 1.1)
    return (2 * wave).reshape(n, frames, bins).float()
