"""Power mel spectrogram on Slaney's scale, equal to librosa's `melspectrogram` up to rounding.

librosa itself compiles code on first use, which takes up to 20 seconds and 300 MB in each process.
"""

import numpy as np

LINEAR_HERTZ, LINEAR_STEP = 1000.0, 200.0 / 3  # below 1 kHz a mel is 200/3 Hz ...
LOG_STEP = np.log(6.4) / 27  # ... above, 27 mels are a factor of 6.4 (M. Slaney, Auditory Toolbox, 1998)


def mel_spectrogram(waveform: np.ndarray, filters: np.ndarray, hop: int) -> np.ndarray:
    """Power, not logarithmic, of Hann windows centred on the multiples of `hop`.

    Args:
        waveform: (samples,); zeros are added before and after it.
        filters: (bands, window / 2 + 1) of `mel_filters`.
    Returns:
        (samples // hop + 1, bands) float32.
    """
    window = 2 * (filters.shape[1] - 1)
    padded = np.pad(waveform.astype(np.float32), window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]  # (T, window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    spectrum = np.fft.rfft(frames * hann, axis=1)  # (T, window / 2 + 1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return power @ filters.T


def mel_filters(sample_rate: int, window: int, bands: int) -> np.ndarray:
    """Triangles between neighbouring mel frequencies, each of unit area: (bands, window / 2 + 1) float32."""
    bins = np.linspace(0, sample_rate / 2, window // 2 + 1)
    edges = _hertz(np.linspace(0, _mel(sample_rate / 2), bands + 2))
    low, centre, high = (edges[i : i + bands, None] for i in range(3))  # (bands, 1)
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    return (np.maximum(triangles, 0) * 2 / (high - low)).astype(np.float32)


def _mel(hertz: float) -> float:
    if hertz < LINEAR_HERTZ:
        return hertz / LINEAR_STEP
    return LINEAR_HERTZ / LINEAR_STEP + np.log(hertz / LINEAR_HERTZ) / LOG_STEP


def _hertz(mels: np.ndarray) -> np.ndarray:
    knee = LINEAR_HERTZ / LINEAR_STEP
    return np.where(mels < knee, mels * LINEAR_STEP, LINEAR_HERTZ * np.exp(LOG_STEP * (mels - knee)))
