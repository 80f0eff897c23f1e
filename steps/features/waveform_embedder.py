"""From waveforms to embeddings with a trained speaker model, on any device, in bounded memory.

    embedder = WaveformEmbedder(Path("exp/sid/mamba2"))
    embeddings = embedder.forward(embedder.windows([waveform]))         # (1, D)

The features are those that the model was trained with. A waveform longer than a window is cut into as few equal windows
as possible, whose embeddings are averaged.
"""

from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from steps.audio.containers import AudioProblem
from steps.features.types import TYPES, load_features
from steps.networks.speaker_model import DESCRIPTION, load_model
from utils.errors import InputError, brief

WINDOW_SECONDS = 20.0
FRAMES = 24_000  # of a call of the network, unless one window has more: 4 minutes


class Windows(NamedTuple):
    """Features of the windows (T, bins) float32 of B waveforms, and the number of windows of each (B)."""

    features: list[np.ndarray]
    counts: list[int]


class WaveformEmbedder:
    """A speaker model and its features.

    Args:
        directory: of the model.
        device: `cpu`, `cuda` or `cuda:N`.
        window_seconds: length of the longest window.

    Attributes:
        model: the network with the names of its speakers. sample_rate: Hz of the waveforms. dim: D.
    """

    def __init__(self, directory: Path, device: str = "cpu", window_seconds: float = WINDOW_SECONDS):
        self.model = load_model(directory, device)
        description = self.model.features
        kind = description.get("type")
        if kind not in list(TYPES.entries):  # no `module:Class`: a file would say what code is run
            raise InputError(
                f"{directory / DESCRIPTION}: features of the type {brief(kind)}; known are {', '.join(TYPES.entries)}"
            )
        self.extractor = load_features(description, f"{directory / DESCRIPTION}: features")
        if self.extractor.dim != self.model.network.bins or not self.extractor.sample_rate:
            raise InputError(
                f"{directory / DESCRIPTION}: features of {self.extractor.dim} bins at {self.extractor.sample_rate} Hz"
                f" for a network of {self.model.network.bins}; train it again (steps/sid/train.sh)"
            )
        self.sample_rate, self.dim = self.extractor.sample_rate, self.model.network.dim
        self.longest = max(1, round(window_seconds / self.extractor.shift_seconds(self.sample_rate)))  # frames

    def windows(self, waveforms: Sequence[np.ndarray]) -> Windows:
        """The windows of waveforms (samples,). Raises AudioProblem `too_short` where one has no frame."""
        cut = []
        for waveform in waveforms:
            features = self.extractor(waveform, self.sample_rate)
            if not len(features):
                seconds = len(waveform) / self.sample_rate
                raise AudioProblem("too_short", f"{seconds:.3f} s have no frame of features")
            cut.append(np.array_split(features, ceil(len(features) / self.longest)))
        return Windows([window for parts in cut for window in parts], [len(parts) for parts in cut])

    def forward(self, windows: Windows) -> np.ndarray:
        """Embeddings (B, D) float32 of the waveforms of these windows."""
        rows = np.concatenate([self.model.embed(group) for group in _groups(windows.features)])
        parts = np.split(rows, np.cumsum(windows.counts)[:-1])
        return np.stack([part.mean(axis=0) for part in parts])

    def probabilities(self, embeddings: np.ndarray) -> np.ndarray:
        """Probabilities (B, S) of the speakers of the model, for embeddings (B, D)."""
        return torch.from_numpy(self.model.logits(embeddings)).softmax(1).numpy()


def _groups(windows: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """Neighbours, as many as FRAMES allow when they are padded to the longest of them."""
    group: list[np.ndarray] = []
    for window in windows:
        longest = max([len(window), *map(len, group)])
        if group and longest * (len(group) + 1) > FRAMES:
            yield group
            group = []
        group.append(window)
    if group:
        yield group
