"""Speech is where the energy is high, by the rule of Kaldi's compute-vad (voice-activity-detection.cc).

The energy of a window of 25 ms is the sum of its squared samples, in 16 bits, less their mean, as in the first column
of Kaldi's MFCC. A window is loud where its logarithm is above threshold + mean_scale x (mean of the utterance); with
`range_db`, which is not Kaldi's, where it is within so many dB of the 95th percentile of the utterance, however loud.
A frame is speech where at least the share `proportion` of the windows within `context` of it are loud.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from steps.features.logmel import CHUNK, kaldi_frames
from utils.options import option

PEAK = 95  # percentile of an utterance's energies
NEPERS = np.log(10) / 10  # natural logarithm of an energy, in a dB
LEAST = np.finfo(np.float32).eps  # of the energy, before the logarithm, as in Kaldi


@dataclass(frozen=True)
class EnergyOptions:
    """What decides; the defaults are Kaldi's."""

    threshold: float = option(5.0, "natural logarithm of an energy", least=-100, most=100)
    mean_scale: float = option(0.5, "factor of the utterance's mean, which is added", least=0, most=10)
    range_db: float | None = option(
        None, "dB below the utterance's loud frames; in place of threshold and mean_scale", above=0, most=200
    )
    context: int = option(0, "frames before and after each that decide with it", least=0, most=1000)
    proportion: float = option(0.6, "share of them that must be loud", above=0, most=1)


class Energy:
    """Waveforms (samples,) -> speech (T,) bool."""

    Options: ClassVar[type] = EnergyOptions

    def __init__(self, options: EnergyOptions, sample_rate: int):
        self.options, self.sample_rate = options, sample_rate

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        energies = log_energies(waveform, self.sample_rate)
        if not len(energies):
            return np.zeros(0, bool)
        loud = energies > self._least(energies)
        within = np.ones(2 * self.options.context + 1)
        first = slice(self.options.context, self.options.context + len(loud))
        n_loud, n = (np.convolve(flags, within)[first] for flags in (loud, np.ones(len(loud))))
        return np.round(n_loud) >= self.options.proportion * np.round(n)

    def _least(self, energies: np.ndarray) -> float:
        """The logarithm that a loud window's energy is above, in an utterance of these (T,)."""
        if self.options.range_db is None:
            return self.options.threshold + self.options.mean_scale * energies.mean()
        return np.percentile(energies, PEAK) - NEPERS * self.options.range_db


def log_energies(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """The logarithm of the energy of each window (T,) float32."""
    frames = kaldi_frames(waveform, sample_rate)
    found = np.empty(len(frames), np.float32)
    for start in range(0, len(frames), CHUNK):
        block = frames[start : start + CHUNK]
        centred = block - block.mean(axis=1, keepdims=True)
        found[start : start + CHUNK] = np.einsum("tw,tw->t", centred, centred)
    return np.log(np.maximum(found, LEAST))
