"""Log mel features of waveforms, by one of two presets.

`kaldi`: 25 ms every 10 ms, whole windows only, the mean of each window removed, pre-emphasis .97, Povey's window, mel
bands from 20 Hz to half the rate; equal to Kaldi's compute-fbank-feats without dither, and to kaldi_native_fbank, up to
rounding. `original`: Hann windows of 1024 samples every 256, centred on their frames, mel bands from 0 to 8000 Hz;
equal to the logarithm of torchaudio's MelSpectrogram with these sizes and its defaults. Both are natural logarithms of
power.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from steps.features.rates import HIGHEST_RATE, LOWEST_RATE, OTHER_RATES, RESAMPLE, USUAL_RATE, at_rate
from utils.errors import InputError
from utils.options import option

KALDI, ORIGINAL = PRESETS = ("kaldi", "original")
SIXTEEN_BITS = 32768.0  # full scale of samples in Kaldi
WINDOW, SHIFT = 0.025, 0.010  # seconds, of Kaldi
ORIGINAL_WINDOW, ORIGINAL_SHIFT = 1024, 256  # samples
PRE_EMPHASIS = 0.97
BANDS = {KALDI: (20.0, np.inf), ORIGINAL: (0.0, 8000.0)}  # Hz; no band goes beyond half the rate
FLOORS = {KALDI: 1.1920929e-07, ORIGINAL: 1e-10}  # of a band's energy, before the logarithm
CHUNK = 256  # frames at a time: they fit the caches, and memory does not grow


@dataclass(frozen=True)
class LogMelOptions:
    """What decides the features."""

    preset: str = option(KALDI, "windows, scale and bands of kaldi, or of the original classifier", choices=PRESETS)
    bins: int = option(80, "mel bands", least=1, most=512)
    sample_rate: int | None = option(
        None,
        f"Hz of the waveforms; default: {USUAL_RATE}, with the preset original that of the audio",
        least=LOWEST_RATE,
        most=HIGHEST_RATE,
    )
    other_rates: str = option(RESAMPLE, "what becomes of audio of another rate", choices=OTHER_RATES)


class LogMel:
    """Waveforms (samples,) in -1..1 -> features (T, bins) float32.

    Attributes:
        options: as they were given. sample_rate: Hz of all features; None: that of each waveform.
    """

    Options: ClassVar[type] = LogMelOptions

    def __init__(self, options: LogMelOptions | None = None):
        self.options = options or LogMelOptions()
        usual = USUAL_RATE if self.options.preset == KALDI else None
        self.sample_rate = self.options.sample_rate or usual
        self.dim = self.options.bins
        self._plans: dict[int, _Plan] = {}

    def __call__(self, waveform: np.ndarray, sample_rate: int) -> np.ndarray:
        """Features (T, bins) of one waveform; T is 0 where it is shorter than a window of Kaldi.

        Raises InputError for another rate than that of the features, where the options refuse it.
        """
        wanted = self.sample_rate or sample_rate
        plan = self.plan(wanted)
        frames = plan.frames(at_rate(waveform, sample_rate, wanted, self.options.other_rates))
        spectra = np.zeros((min(CHUNK, len(frames)), plan.fft), np.float32)
        features = np.empty((len(frames), self.dim), np.float32)
        for start in range(0, len(frames), CHUNK):
            features[start : start + CHUNK] = plan.log_mel(frames[start : start + CHUNK], spectra)
        return features

    def plan(self, sample_rate: int) -> "_Plan":
        """Windows and bands at this rate, made once."""
        if sample_rate not in self._plans:
            self._plans[sample_rate] = _Plan(self.options.preset, self.options.bins, sample_rate)
        return self._plans[sample_rate]

    def shift_seconds(self, sample_rate: int) -> float:
        """Seconds between the beginnings of two frames."""
        return self.plan(self.sample_rate or sample_rate).shift / (self.sample_rate or sample_rate)


class _Plan:
    """Windows and bands at one rate: the frames of a waveform, and the log mel energies of frames."""

    def __init__(self, preset: str, bins: int, sample_rate: int):
        self.preset, self.is_kaldi, self.rate, self.bins = preset, preset == KALDI, sample_rate, bins
        self.floor = np.float32(FLOORS[preset])
        if self.is_kaldi:
            self.window, self.shift = int(sample_rate * WINDOW), int(sample_rate * SHIFT)
            self.fft = 1 << (self.window - 1).bit_length()
        else:
            self.window, self.shift, self.fft = ORIGINAL_WINDOW, ORIGINAL_SHIFT, ORIGINAL_WINDOW
        self.bands = self._bands()

    def frames(self, waveform: np.ndarray) -> np.ndarray:
        """The windows (T, window) of a waveform (samples,), a view."""
        if self.is_kaldi:
            return kaldi_frames(waveform, self.rate)
        if len(waveform) <= self.window // 2:
            return np.empty((0, self.window), np.float32)
        waveform = np.pad(waveform, self.window // 2, mode="reflect")
        return np.lib.stride_tricks.sliding_window_view(waveform, self.window)[:: self.shift]

    def log_mel(self, frames: np.ndarray, room: np.ndarray) -> np.ndarray:
        """Log energies (F, bins) of frames (F, window); `room` (F or more, fft) has zeros after the window."""
        from scipy.fft import rfft

        padded = room[: len(frames)]
        windowed = padded[:, : self.window]
        if self.is_kaldi:
            centred = frames - frames.mean(axis=1, keepdims=True)
            windowed[:, 1:] = centred[:, 1:] - PRE_EMPHASIS * centred[:, :-1]
            windowed[:, 0] = (1 - PRE_EMPHASIS) * centred[:, 0]
            windowed *= self.taper
        else:
            np.multiply(frames, self.taper, out=windowed)
        spectrum = rfft(padded, axis=1)  # (F, fft / 2 + 1) complex64
        power = spectrum.real**2 + spectrum.imag**2
        return np.log(np.maximum(power @ self.bands, self.floor))

    @cached_property
    def taper(self) -> np.ndarray:
        """The window (window,): Povey's, a Hann window to the power of .85, or a periodic Hann window."""
        points = np.arange(self.window)
        if self.is_kaldi:
            return ((0.5 - 0.5 * np.cos(2 * np.pi * points / (self.window - 1))) ** 0.85).astype(np.float32)
        return (0.5 - 0.5 * np.cos(2 * np.pi * points / self.window)).astype(np.float32)

    def _bands(self) -> np.ndarray:
        """The weights (fft / 2 + 1, bins) of frequencies in mel bands, triangles: on the scale of mels for Kaldi, on
        that of Hertz for the other preset, as in torchaudio. A mel is 1127 log(1 + f / 700).
        """
        hertz = np.arange(self.fft // 2 + 1) * self.rate / self.fft
        lowest, highest = BANDS[self.preset]
        edges = mel_edges(self.bins, lowest, min(highest, self.rate / 2))
        points = _mel(hertz)
        if not self.is_kaldi:
            edges, points = 700 * np.expm1(edges / 1127), hertz
        low, centre, high = edges[:-2], edges[1:-1], edges[2:]
        rising = (points[:, None] - low) / (centre - low)  # (fft / 2 + 1, bins)
        falling = (high - points[:, None]) / (high - centre)
        weights = np.maximum(np.minimum(rising, falling), 0)
        if not weights.any(axis=0).all():
            raise too_many(self.bins, self.rate)
        return weights.astype(np.float32)


def kaldi_frames(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """The whole windows (T, window) of a waveform (samples,) in -1..1, a view of samples as 16 bits have them."""
    window, shift = int(sample_rate * WINDOW), int(sample_rate * SHIFT)
    if len(waveform) < window:
        return np.empty((0, window), np.float32)
    return np.lib.stride_tricks.sliding_window_view(waveform * np.float32(SIXTEEN_BITS), window)[::shift]


def mel_edges(bins: int, lowest: float, highest: float) -> np.ndarray:
    """The mels (bins + 2,) where bands between two frequencies begin, peak and end."""
    return np.linspace(_mel(lowest), _mel(highest), bins + 2)


def require_frequencies(bins: int, lowest: float, highest: float, sample_rate: int) -> None:
    """Raise InputError where a band of Kaldi's holds no frequency of a spectrum at this rate."""
    fft = 1 << (int(sample_rate * WINDOW) - 1).bit_length()
    points, edges = _mel(np.arange(fft // 2 + 1) * sample_rate / fft), mel_edges(bins, lowest, highest)
    within = np.searchsorted(points, edges[2:], "left") - np.searchsorted(points, edges[:-2], "right")
    if not within.all():
        raise too_many(bins, sample_rate)


def too_many(bins: int, sample_rate: int) -> InputError:
    """The error of so many bands that some are empty."""
    return InputError(f"bins {bins}: bands that hold no frequency at {sample_rate} Hz; expected fewer bins")


def _mel(hertz: "np.ndarray | float") -> "np.ndarray | float":
    return 1127 * np.log1p(np.asarray(hertz) / 700)
