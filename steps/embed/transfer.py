"""Arrays on their way to a device and back, while it computes.

On a GPU an array is copied into pinned memory, from where a stream of its own brings it to the GPU; results come back
into pinned memory too. Nobody waits but who asks for a result. On a processor nothing is copied.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


class Transfer:
    """The way to a device, `cpu` or `cuda:N`, and back.

    Attributes:
        device: torch's.
    """

    def __init__(self, device: str):
        import torch

        self.device = torch.device(device)
        self.stream = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None

    def to_device(self, *arrays: np.ndarray) -> list["Tensor"]:
        """The arrays on the device, where whoever computes next waits for them; they may change after this call."""
        import torch

        if self.stream is None:
            return [torch.from_numpy(array) for array in arrays]
        pinned = [torch.from_numpy(array).pin_memory() for array in arrays]  # kept by torch until it is copied
        with torch.cuda.stream(self.stream):
            tensors = [one.to(self.device, non_blocking=True) for one in pinned]
        computing = torch.cuda.current_stream(self.device)
        computing.wait_stream(self.stream)
        for tensor in tensors:
            tensor.record_stream(computing)
        return tensors

    def to_host(self, tensor: "Tensor") -> Callable[[], np.ndarray]:
        """Begin to copy a tensor: the function waits for the array."""
        import torch

        if self.stream is None:
            return tensor.numpy
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        host.copy_(tensor, non_blocking=True)
        copied = torch.cuda.current_stream(self.device).record_event()

        def array() -> np.ndarray:
            copied.synchronize()
            return host.numpy()

        return array
