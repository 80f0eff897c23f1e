"""The back-end `sid`: a speaker network that steps/sid/train.sh has trained, with its own features."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steps.embed.backend import Backend, halves_of_windows
from steps.embed.torch_settings import settle_torch
from steps.networks.speaker_files import model_files
from utils.options import option

if TYPE_CHECKING:
    from steps.features.waveform_embedder import Windows


@dataclass(frozen=True)
class Options:
    """Options of a trained speaker network."""

    model: Path = option(help="directory that steps/sid/train.sh has written, with model.json and weights.safetensors")
    window_seconds: float = option(
        20.0, "longer utterances are cut into equal windows, whose embeddings are averaged", least=0.1, most=3600
    )


class SidBackend(Backend):
    """Embeddings of a speaker network; an utterance's is the same in any batch, up to rounding."""

    Options, name, any_length, longest = Options, "sid", True, "window_seconds"

    def __init__(self, options: Options, device: str = "cpu"):
        super().__init__(options, device)
        from steps.features.waveform_embedder import WaveformEmbedder

        settle_torch(device)
        self.embedder = WaveformEmbedder(options.model, device, options.window_seconds)
        self.dim, self.sample_rate = self.embedder.dim, self.embedder.sample_rate

    def features(self, waveforms: Sequence[np.ndarray]) -> "Windows":
        """Windows of features."""
        return self.embedder.windows(waveforms)

    def forward(self, features: "Windows") -> np.ndarray:
        """(B, D) float32."""
        return self.embedder.forward(features)

    def halves(self, features: "Windows") -> "list[Windows]":
        """Of the waveforms, each with all of its windows."""
        return halves_of_windows(features)

    @classmethod
    def files(cls, options: Options) -> list[Path]:
        """Sizes, names and weights; what training has left beside them decides nothing."""
        return model_files(options.model)
