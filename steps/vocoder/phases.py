"""Waveforms whose windows have given spectra: phases by the fast algorithm of Griffin and Lim.

Spectra are those of `steps.features.logmel` with its preset kaldi: whole windows of 25 ms every 10 ms, after a
pre-emphasis. From log-mels the spectrum between the centres of bands follows by their weights, corrected until its
bands have their energies. Phases are found by going back and forth between spectra and waveform (D. Griffin, J. Lim,
1984, IEEE Transactions on Acoustics, Speech and Signal Processing 32), with the momentum of N. Perraudin, P. Balazs,
P. Sondergaard (2013, WASPAA).
"""

import numpy as np

from steps.features.logmel import PRE_EMPHASIS, SIXTEEN_BITS, LogMel

CORRECTIONS = 8
LEAST_ENERGY = 1e-10
LEAST_OVERLAP = 0.05  # of the largest sum of squared windows: at the ends there is little


def magnitudes(log_mel: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """Spectral magnitudes (..., fft / 2 + 1) float32 of samples in -1..1, from log energies (..., bins).

    Args:
        bands: (fft / 2 + 1, bins) weights of frequencies in bands.
    """
    energies = np.exp(np.asarray(log_mel, np.float64))
    widths, coverage = bands.sum(axis=0), bands.sum(axis=1)
    covered = coverage > 0
    share = np.where(covered, coverage, 1)
    power = (energies / widths) @ bands.T / share * covered
    for _ in range(CORRECTIONS):
        found = np.maximum(power @ bands, LEAST_ENERGY)
        power *= np.where(covered, (energies / found) @ bands.T / share, 0)
    return (np.sqrt(power) / SIXTEEN_BITS).astype(np.float32)


class PhaseFinder:
    """Magnitudes (T, fft / 2 + 1) -> a waveform, with the windows of a feature extractor."""

    def __init__(self, extractor: LogMel, sample_rate: int):
        plan = extractor.plan(sample_rate)
        self.window, self.shift, self.fft, self.taper = plan.window, plan.shift, plan.fft, plan.taper

    def n_frames(self, n_samples: int) -> int:
        """Windows that hold so many samples, the last of them perhaps beyond the end."""
        return max(1, 1 - (self.window - n_samples) // self.shift)

    def waveform(
        self, magnitude: np.ndarray, n_samples: int, rng: np.random.Generator, iterations: int, momentum: float
    ) -> np.ndarray:
        """A waveform (n_samples,) float32 without pre-emphasis.

        Args:
            magnitude: (T, fft / 2 + 1). rng: of the first phases.
        """
        from scipy.signal import lfilter  # slow to load, and this module is, wherever options are checked

        spectra = magnitude * np.exp(2j * np.pi * rng.random(magnitude.shape, np.float32)).astype(np.complex64)
        previous = np.zeros_like(spectra)
        for _ in range(iterations):
            found = self._spectra(self._joined(spectra))
            ahead = found + np.float32(momentum) * (found - previous)
            spectra, previous = magnitude * (ahead / np.maximum(np.abs(ahead), np.float32(1e-12))), found
        emphasised = np.zeros(n_samples)
        joined = self._joined(spectra)[:n_samples]
        emphasised[: len(joined)] = joined
        return lfilter([1.0], [1.0, -PRE_EMPHASIS], emphasised).astype(np.float32)

    def _spectra(self, waveform: np.ndarray) -> np.ndarray:
        """The spectra (T, fft / 2 + 1) complex64 of the windows of a waveform."""
        from scipy.fft import rfft

        frames = np.lib.stride_tricks.sliding_window_view(waveform, self.window)[:: self.shift]
        return rfft(frames * self.taper, self.fft, axis=1)

    def _joined(self, spectra: np.ndarray) -> np.ndarray:
        """The waveform whose windows are nearest to those of the spectra, in squares."""
        from scipy.fft import irfft

        frames = irfft(spectra, self.fft, axis=1)[:, : self.window] * self.taper
        total, weights = self._overlapped(frames), self._overlapped(np.tile(self.taper**2, (len(frames), 1)))
        return total / np.maximum(weights, LEAST_OVERLAP * weights.max())

    def _overlapped(self, frames: np.ndarray) -> np.ndarray:
        """The sum of windows (T, window) at their places: ((T - 1) shift + window,)."""
        blocks = -(-self.window // self.shift)
        padded = np.zeros((len(frames), blocks * self.shift), np.float32)
        padded[:, : self.window] = frames
        total = np.zeros((len(frames) + blocks - 1, self.shift), np.float32)
        for number in range(blocks):
            total[number : number + len(frames)] += padded[:, number * self.shift : (number + 1) * self.shift]
        return total.reshape(-1)[: (len(frames) - 1) * self.shift + self.window]
