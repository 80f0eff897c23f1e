"""F0 of a waveform without Praat: the median over its voiced frames, by autocorrelation in one range for all voices.

The normalised autocorrelation is that of P. Boersma, "Accurate short-term analysis of the fundamental frequency and
the harmonics-to-noise ratio of a sampled sound", Proc. IFA 17, 1993, eq. 9: the autocorrelation of the windowed frame
divided by that of the window. The best candidate of each frame is taken by itself: a median needs no smooth track.
"""

import numpy as np

FRAME_SECONDS, HOP_SECONDS = 0.05, 0.02  # three periods at 60 Hz
VOICED = 0.6  # least normalised autocorrelation of a voiced frame
SILENCE = 0.05  # least level of a voiced frame, relative to the loudest frame
OCTAVE = 0.9  # the shortest period this close to the best one is taken: its multiples fit as well as the period itself


def median_f0(waveform: np.ndarray, sample_rate: int, lowest: float = 60.0, highest: float = 450.0) -> float | None:
    """The median F0 of the voiced frames in Hz; None where there are none.

    Args:
        waveform: (samples,), any scale.
        lowest, highest: the range to search, in Hz.
    """
    frames = _frames(
        waveform.astype(np.float64), int(FRAME_SECONDS * sample_rate), int(HOP_SECONDS * sample_rate)
    )  # (F, n)
    level = np.sqrt(np.mean(frames**2, axis=1))
    frames = frames[level > SILENCE * level.max(initial=1e-12)]
    if not len(frames):
        return None
    lags = np.arange(int(sample_rate / highest), int(sample_rate / lowest) + 1)
    correlation = _normalised_autocorrelation(frames - frames.mean(axis=1, keepdims=True))[
        :, lags[0] - 1 : lags[-1] + 2
    ]
    before, here, after = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]  # each (F, lags)
    peaks = np.where((here > before) & (here >= after), here, 0.0)
    best = peaks.max(axis=1, keepdims=True)
    voiced = best[:, 0] > VOICED
    if not voiced.any():
        return None
    column = np.argmax(peaks >= OCTAVE * best, axis=1)
    row = np.arange(len(peaks))
    left, top, right = before[row, column], here[row, column], after[row, column]
    curve = np.where(voiced, 2 * top - left - right, 1.0)  # a parabola through the peak refines the lag
    period = lags[column] + 0.5 * (right - left) / np.maximum(curve, 1e-9)
    return float(np.median(sample_rate / period[voiced]))


def _frames(waveform: np.ndarray, size: int, hop: int) -> np.ndarray:
    if len(waveform) < size:
        return np.empty((0, size))
    return np.lib.stride_tricks.sliding_window_view(waveform, size)[::hop]


def _normalised_autocorrelation(frames: np.ndarray) -> np.ndarray:
    """(F, n) -> (F, n): 1 at lag 0."""
    from scipy.fft import irfft, rfft  # the numbers of numpy's, in two thirds of the time

    size = frames.shape[1]
    window = np.hanning(size)
    both = rfft(np.vstack([frames * window, window]), 2 * size, axis=1)
    correlation = irfft(both.real**2 + both.imag**2, axis=1)[:, :size]
    correlation /= np.maximum(correlation[:, :1], 1e-12)
    return correlation[:-1] / np.maximum(correlation[-1], 1e-9)
