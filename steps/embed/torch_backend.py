"""The base of back-ends that run a torch network on filter banks: weights, features, a batch on a device."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steps.embed.backend import Backend
from steps.embed.torch_settings import settle_torch
from steps.features.fbank import Fbank
from utils.errors import InputError
from utils.options import MAX_SEED, option

if TYPE_CHECKING:
    from torch import nn


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
        settle_torch(device)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(options.random_seed or 0)
            network = self.build()
        if options.checkpoint is not None:
            load_weights(network, options.checkpoint)
        network = network.eval().requires_grad_(False)
        self.network = network.folded() if device == "cpu" else network.to(device)

    @abstractmethod
    def build(self) -> "nn.Module":
        """The network with its initial weights, and a method `folded` for processors; sets `dim` and `fbank`."""

    def features(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Filter banks (B, T, bins)."""
        return self.fbank.batch(waveforms)

    def forward(self, features: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self.network(torch.from_numpy(features).to(self.device)).cpu().numpy()
