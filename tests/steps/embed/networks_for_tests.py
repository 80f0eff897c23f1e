"""Networks that tell what was done to them: their embeddings depend on the batch that they were computed in."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.embed.backend import Backend
from steps.embed.padding import Padded, PaddedWaveforms
from steps.embed.xvector import XVectorBackend
from utils.options import option


@dataclass(frozen=True)
class TellingOptions:
    """Options of the network."""

    weights: Path | None = option(None, "any file: its content counts")
    fails: bool = option(False, "give no numbers")


class Telling(Backend):
    """Embeddings: mean, deviation, samples of a row, rows of the batch, number in it, mean of the whole batch."""

    Options = TellingOptions
    name, dim, min_seconds = "telling", 6, 0.3

    def features(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """(B, samples)."""
        return np.stack(waveforms)

    def forward(self, features: np.ndarray) -> np.ndarray:
        """(B, 6) float32."""
        time.sleep(float(os.environ.get("SECONDS_OF_A_BATCH", 0)))
        n, samples = features.shape
        columns = [features.mean(1), features.std(1), np.full(n, samples), np.full(n, n), np.arange(n)]
        rows = np.stack([*columns, np.full(n, features.mean())], 1).astype(np.float32)
        return rows * np.float32("nan") if self.options.fails else rows


class TellingOfAnyLength(Telling):
    """The same of waveforms of different lengths."""

    any_length = True

    def features(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """(B, longest), with zeros behind."""
        longest = max(map(len, waveforms))
        return np.stack([np.pad(waveform, (0, longest - len(waveform))) for waveform in waveforms])


class TellingOfAnyLeastLength(Telling):
    """The same of the shortest waveforms too."""

    min_seconds = 0.0


@dataclass(frozen=True)
class NarrowOptions:
    """Options of the network."""

    most: int = option(10**6, "waveforms that there is memory for")


class Narrow(Telling):
    """Mean, deviation and length of each waveform, on a GPU of little memory."""

    Options, name, dim = NarrowOptions, "narrow", 3

    def forward(self, features: np.ndarray) -> np.ndarray:
        """(B, 3) float32."""
        import torch

        n, samples = features.shape
        if n > self.options.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nGPU 0 has a total of 1")
        return np.stack([features.mean(1), features.std(1), np.full(n, samples)], 1).astype(np.float32)


class Heavy(Narrow):
    """A network whose weights do not fit."""

    def __init__(self, options: NarrowOptions, device: str = "cpu"):
        import torch

        raise torch.OutOfMemoryError("CUDA out of memory.")


class PaddedXVector(XVectorBackend):
    """The x-vector network fed as on a GPU, on whatever device: padded waveforms are its features."""

    def features(self, waveforms: Sequence[np.ndarray]) -> Padded:
        """What processes give it."""
        return self.front_end(self.options).features(waveforms)


class SlowFrontEnd(PaddedWaveforms):
    """A front end that tells its process, and takes longer than any test."""

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """Much later."""
        print(os.getpid(), flush=True)
        time.sleep(3600)
        return waveform


class DyingFrontEnd(PaddedWaveforms):
    """A front end whose process is killed by the first waveform."""

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """No return."""
        os.kill(os.getpid(), signal.SIGKILL)
