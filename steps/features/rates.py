"""Waveforms at the rate of the features: resampled, or refused."""

import numpy as np

from utils.errors import InputError

RESAMPLE, REFUSE = OTHER_RATES = ("resample", "refuse")
USUAL_RATE = 16000
LOWEST_RATE, HIGHEST_RATE = 2000, 10**6  # Hz


def at_rate(waveform: np.ndarray, sample_rate: int, wanted: int, other_rates: str) -> np.ndarray:
    """A waveform (samples,) float32 at the rate `wanted`.

    Args:
        other_rates: one of OTHER_RATES; REFUSE: raise InputError for a waveform of another rate.
    """
    waveform = np.asarray(waveform, np.float32)
    if sample_rate == wanted:
        return waveform
    if other_rates == REFUSE:
        raise InputError(f"a waveform of {sample_rate} Hz, expected {wanted}; other_rates=resample converts it")
    import soxr

    return soxr.resample(waveform, sample_rate, wanted, "HQ")
