"""Statistics pooling: from the frames of an utterance to one vector."""

import torch
from torch import Tensor

VARIANCE_FLOOR = 1e-8


def pool_statistics(frames: Tensor) -> Tensor:
    """Mean and unbiased standard deviation over time: (B, C, T) -> (B, 2 C), for T of two or more."""
    deviation = (frames.var(-1) + VARIANCE_FLOOR).sqrt()
    return torch.cat((frames.mean(-1), deviation), dim=1)
