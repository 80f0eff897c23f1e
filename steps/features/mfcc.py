"""Mel frequency cepstra as Kaldi's compute-mfcc-feats computes them, without dither, by kaldi_native_fbank.

25 ms every 10 ms, whole windows only; the first of them is the logarithm of the energy.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from steps.features.logmel import SHIFT, SIXTEEN_BITS
from steps.features.rates import HIGHEST_RATE, LOWEST_RATE, OTHER_RATES, RESAMPLE, USUAL_RATE, at_rate
from utils.errors import InputError
from utils.options import option

if TYPE_CHECKING:
    from kaldi_native_fbank import MfccOptions as KaldiOptions


@dataclass(frozen=True)
class MfccOptions:
    """What decides the features."""

    cepstra: int = option(13, "columns of the features", least=1, most=512)
    bins: int = option(23, "mel bands, at least as many", least=1, most=512)
    sample_rate: int = option(USUAL_RATE, "Hz of the waveforms", least=LOWEST_RATE, most=HIGHEST_RATE)
    other_rates: str = option(RESAMPLE, "what becomes of audio of another rate", choices=OTHER_RATES)


class Mfcc:
    """Waveforms (samples,) in -1..1 -> features (T, cepstra) float32."""

    Options: ClassVar[type] = MfccOptions

    def __init__(self, options: MfccOptions | None = None):
        self.options = options or MfccOptions()
        if self.options.cepstra > self.options.bins:
            raise InputError(f"cepstra {self.options.cepstra}: expected at most as many as bins, {self.options.bins}")
        self.sample_rate, self.dim = self.options.sample_rate, self.options.cepstra

    def __call__(self, waveform: np.ndarray, sample_rate: int) -> np.ndarray:
        """Features (T, cepstra) of one waveform; T is 0 where it is shorter than a window."""
        from kaldi_native_fbank import OnlineMfcc

        computer = OnlineMfcc(self._options)
        samples = at_rate(waveform, sample_rate, self.sample_rate, self.options.other_rates) * np.float32(SIXTEEN_BITS)
        computer.accept_waveform(self.sample_rate, samples)
        computer.input_finished()
        frames = [computer.get_frame(number) for number in range(computer.num_frames_ready)]
        return np.array(frames, np.float32).reshape(-1, self.dim)

    def shift_seconds(self, sample_rate: int) -> float:
        """Seconds between the beginnings of two frames."""
        return int(sample_rate * SHIFT) / sample_rate

    @cached_property
    def _options(self) -> "KaldiOptions":
        from kaldi_native_fbank import MfccOptions as KaldiOptions

        options = KaldiOptions()
        options.frame_opts.samp_freq, options.frame_opts.dither = self.sample_rate, 0
        options.mel_opts.num_bins, options.num_ceps = self.options.bins, self.options.cepstra
        return options
