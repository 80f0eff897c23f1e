"""The base of back-ends that run a torch network on filter banks: weights, features, a batch on a device."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steps.embed.backend import Backend
from steps.embed.batches import GRID
from steps.embed.padding import Padded, PaddedWaveforms
from steps.embed.torch_settings import settle_torch
from steps.embed.transfer import Transfer
from steps.features.fbank import Fbank
from utils.errors import InputError
from utils.options import MAX_SEED, option

if TYPE_CHECKING:
    from torch import nn

    from steps.features.torch_fbank import TorchFbank


@dataclass(frozen=True)
class WeightOptions:
    """The source of a network's weights; exactly one of the two must be given."""

    checkpoint: Path | None = option(None, "weights: .ckpt or .pt with a state_dict, or .safetensors")
    random_seed: int | None = option(
        None, "random weights with this seed: to measure speed, never to embed voices", least=0, most=MAX_SEED
    )


class TorchBackend(Backend):
    """A network in evaluation mode.

    On a processor, batches hold waveforms of one length, whose filter banks it computes. On a GPU they hold padded
    ones, and the GPU computes the filter banks.
    """

    options: WeightOptions
    fbank: Fbank
    padded_on_gpu = True

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
        if device == "cpu":
            self.network = network.folded()
        else:
            self.network = self.for_gpu(network).to(device, memory_format=torch.channels_last)
        self.transfer = Transfer(device)

    @abstractmethod
    def build(self) -> "nn.Module":
        """The network with its initial weights, and a method `folded` for processors; sets `dim` and `fbank`."""

    def for_gpu(self, network: "nn.Module") -> "nn.Module":
        """The network as a GPU is to run it."""
        return network

    @classmethod
    def front_end(cls, options: WeightOptions) -> PaddedWaveforms:
        """No more than what pads waveforms."""
        return PaddedWaveforms(cls.sample_rate, cls.min_seconds, round(GRID * cls.sample_rate))

    @cached_property
    def narrow(self) -> "nn.Module":
        """The network with the weights of its convolutions in bfloat16, as autocast would make them in each call."""
        import copy

        import torch
        from torch import nn

        network = copy.deepcopy(self.network)
        for module in network.modules():
            if isinstance(module, nn.Conv1d | nn.Conv2d):
                module.to(torch.bfloat16)
        return network

    @cached_property
    def filter_banks(self) -> "TorchFbank":
        """Computes filter banks on the device."""
        from steps.features.torch_fbank import TorchFbank

        return TorchFbank(self.fbank).to(self.device)

    def features(self, waveforms: Sequence[np.ndarray]) -> np.ndarray | Padded:
        """Filter banks (B, T, bins); on a GPU padded waveforms."""
        on_gpu = self.device != "cpu"
        return self.front_end(self.options).features(waveforms) if on_gpu else self.fbank.batch(waveforms)

    def forward(self, features: np.ndarray | Padded) -> np.ndarray:
        """(B, D) float32."""
        return self.begin(features)()

    def begin(self, features: np.ndarray | Padded) -> Callable[[], np.ndarray]:
        """Begin to compute what `forward` returns."""
        import torch

        from steps.training.precision import autocast, products_in

        device = self.transfer.device
        with torch.inference_mode():
            if not isinstance(features, Padded):
                return self.transfer.to_host(self.network(*self.transfer.to_device(features)))
            banks, frames = self.filter_banks(*self.transfer.to_device(*features))
            network = self.narrow if self.precision == "bf16" else self.network
            with products_in(self.precision, device), autocast(self.precision, device):
                return self.transfer.to_host(network(banks, frames).float())
