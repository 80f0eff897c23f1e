"""A vocoder of mean spectra: each unit sounds as its mean log-mel for as long as it lasts, with phases that fit.

Without durations a unit lasts as long as it does on average. The waveform is as long as the windows of the frames
reach: within a step of the audio that the units are of.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.audio.perturbation import stream_of
from steps.data.unit_sequences import UnitsInfo, expand
from steps.features.types import load_features
from steps.vocoder.backends import SpokenUnits
from steps.vocoder.phases import PhaseFinder, magnitudes
from steps.vocoder.train import frames_at
from steps.vocoder.unit_spectra import read_spectra, window_of
from utils.options import MAX_SEED, option


@dataclass(frozen=True)
class GriffinLimOptions:
    """How phases are found."""

    iterations: int = option(32, "of the search for phases", least=1, most=10_000)
    momentum: float = option(0.99, "of the search; 0 is Griffin and Lim's own", least=0, most=2)
    smooth: int = option(1, "windows before and after each that its log-mel is the mean of", least=0, most=100)
    seed: int = option(0, "of the first phases", least=0, most=MAX_SEED)


class GriffinLim:
    """Unit sequences -> waveforms."""

    Options: ClassVar[type] = GriffinLimOptions

    def __init__(self, model: Path, options: GriffinLimOptions):
        self.options, self.spectra = options, read_spectra(model)
        self.extractor = load_features(self.spectra.features, str(model))
        self.sample_rate = self.extractor.sample_rate
        self.finder = PhaseFinder(self.extractor, self.sample_rate)
        self.bands = self.extractor.plan(self.sample_rate).bands

    def check(self, info: UnitsInfo, where: str) -> None:
        """Raise InputError, which begins with `where`, for units of another model."""
        self.spectra.check(info, where)

    def __call__(self, wanted: SpokenUnits) -> np.ndarray:
        units, durations = wanted.units, wanted.durations
        if durations is None:
            durations = np.maximum(1, np.rint(self.spectra.durations[units])).astype(np.int32)
        frames = expand(units, durations)
        about = self.spectra.units
        seconds = (len(frames) - 1) * about["frame_seconds"] + window_of(about)
        n_samples = round(seconds * self.sample_rate)
        n_windows = self.finder.n_frames(n_samples)
        places = frames_at(n_windows, len(frames), self.extractor, self.sample_rate, about)
        log_mel = smoothed(self.spectra.log_mel[frames[places]], self.options.smooth)
        rng = stream_of(self.options.seed, wanted.id)
        spectrum = magnitudes(log_mel, self.bands)
        return self.finder.waveform(spectrum, n_samples, rng, self.options.iterations, self.options.momentum)


def smoothed(rows: np.ndarray, reach: int) -> np.ndarray:
    """Each row (T, D) becomes the mean of those up to `reach` before and after it; at the ends of fewer."""
    ends = np.arange(1, len(rows) + 1)
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    first, last = np.maximum(ends - 1 - reach, 0), np.minimum(ends + reach, len(rows))
    return (sums[last] - sums[first]) / (last - first)[:, None]
