"""Waveforms made louder where they are quiet, for detectors that go by the level."""

import numpy as np

FULL_SCALE = 2**15 - 1  # of 16 bits


def louder(waveform: np.ndarray, least: float) -> np.ndarray:
    """A waveform (samples,), not all zeros, whose mean power is at least so many dB of full scale.

    That of Resemblyzer's `normalize_volume` with `increase_only`, to the last bit.
    """
    level = 20 * np.log10(np.sqrt(np.mean((waveform * FULL_SCALE) ** 2)) / FULL_SCALE)
    change = least - level
    return waveform if change < 0 else waveform * (10 ** (change / 20))
