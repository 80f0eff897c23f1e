"""The base of back-ends that run a torch network on filter banks: weights, features, a batch on a device."""

import ctypes
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steps.embed.backend import Backend
from steps.features.fbank import Fbank
from utils.errors import InputError
from utils.options import MAX_SEED, option

if TYPE_CHECKING:
    from torch import nn


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
KEPT_BYTES = 1 << 30


@dataclass(frozen=True)
class WeightOptions:
    """The source of a network's weights; exactly one of the two must be given."""

    checkpoint: Path | None = option(None, "weights: .ckpt or .pt with a state_dict, or .safetensors")
    random_seed: int | None = option(
        None, "random weights with this seed: to measure speed, never to embed voices", least=0, most=MAX_SEED
    )


class TorchBackend(Backend):
    """A network in evaluation mode. Batches hold waveforms of one length."""

    options: WeightOptions
    fbank: Fbank

    def __init__(self, options: WeightOptions, device: str = "cpu"):
        super().__init__(options, device)
        import torch

        from steps.networks.foreign_weights import load_weights

        if (options.checkpoint is None) == (options.random_seed is None):
            raise InputError(
                f"{self.name}: expected a checkpoint, the file of trained weights (or random_seed to measure speed"
                " without); give it in the configuration, or with --set checkpoint=FILE"
            )
        if device == "cpu":
            _keep_freed_memory()
        torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32 = True, False
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(options.random_seed or 0)
            network = self.build()
        if options.checkpoint is not None:
            load_weights(network, options.checkpoint)
        self.network = network.eval().requires_grad_(False).to(device)

    @abstractmethod
    def build(self) -> "nn.Module":
        """The network with its initial weights; sets `dim` and `fbank`."""

    def features(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Filter banks (B, T, bins)."""
        return self.fbank.batch(waveforms)

    def forward(self, features: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self.network(torch.from_numpy(features).to(self.device)).cpu().numpy()


def _keep_freed_memory() -> None:
    """Let glibc, where it is the C library, keep freed memory for the next layer.

    By default it returns large blocks to the kernel, which clears the memory of each layer anew: then batches of 24 s
    take ERes2NetV2 a third longer, in 1.2 GB instead of 1.7.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
