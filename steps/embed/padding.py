"""Utterances of different lengths in one batch for a GPU, with zeros behind, and the few lengths that batches have.

The networks know the length of each utterance, so that padding changes its embedding by no more than rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SHORTEST, STEPS = 4, 4  # units of the shortest batch; lengths of batches from a power of two to the next


class Padded(NamedTuple):
    """B waveforms (B, samples) float32 with zeros behind, and the samples of each (B,) int64."""

    waveforms: np.ndarray
    samples: np.ndarray


def padded_length(samples: int, unit: int) -> int:
    """The length of the batch of a waveform: the next of 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, ... units.

    Where the unit is a quarter of a second, batches have 18 lengths from 1 to 20 s; less than a fifth is padding.
    """
    units = max(SHORTEST, -(-samples // unit))
    step = max(1, (1 << (units - 1).bit_length()) // (2 * STEPS))
    return -(-units // step) * step * unit


@dataclass(frozen=True)
class PaddedWaveforms:
    """A front end that leaves features to the GPU.

    Attributes:
        sample_rate, min_seconds: see `steps.embed.backend.FrontEnd`. unit: samples, of which lengths are multiples.
    """

    sample_rate: int
    min_seconds: float
    unit: int

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """The waveform as it is."""
        return waveform

    def features(self, waveforms: Sequence[np.ndarray]) -> Padded:
        """The waveforms of a batch."""
        samples = np.array([len(waveform) for waveform in waveforms], np.int64)
        rows = np.zeros((len(waveforms), padded_length(int(samples.max()), self.unit)), np.float32)
        for row, waveform in zip(rows, waveforms, strict=True):
            row[: len(waveform)] = waveform
        return Padded(rows, samples)
