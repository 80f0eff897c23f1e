"""Mel frequency cepstra as Kaldi's compute-mfcc-feats computes them, without dither, by kaldi_native_fbank.

25 ms every 10 ms, whole windows only; the first of them is the logarithm of the energy. Differences in time follow
them, as Kaldi's add-deltas appends them. Presets for text-dependent verification: `notebook`, 13 cepstra to 39 columns;
`planned`, 19 cepstra and the energy to 60 columns, of 40 mel bands, or of 24 below 16 kHz.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from steps.features.deltas import add_deltas
from steps.features.logmel import BANDS, KALDI, SHIFT, SIXTEEN_BITS, require_frequencies
from steps.features.rates import HIGHEST_RATE, LOWEST_RATE, OTHER_RATES, RESAMPLE, USUAL_RATE, at_rate
from utils.errors import InputError
from utils.options import option

if TYPE_CHECKING:
    from kaldi_native_fbank import MfccOptions as KaldiOptions

NOTEBOOK, PLANNED = "notebook", "planned"
RAW, C0 = ENERGIES = ("raw", "c0")
LOWEST_HERTZ = BANDS[KALDI][0]
NARROW_BINS = 24  # of the preset `planned` below the usual rate


@dataclass(frozen=True)
class MfccSizes:
    """What a preset decides."""

    cepstra: int
    bins: int
    delta_order: int


PRESETS = {KALDI: MfccSizes(13, 23, 0), NOTEBOOK: MfccSizes(13, 23, 2), PLANNED: MfccSizes(20, 40, 2)}


@dataclass(frozen=True)
class MfccOptions:
    """What decides the features."""

    LATER: ClassVar[dict[str, Any]] = {
        **{"preset": KALDI, "delta_order": 0, "delta_window": 2, "energy": RAW},
        **{"low_hertz": LOWEST_HERTZ, "high_hertz": None},
    }

    cepstra: int | None = option(None, "columns without differences; default: 13; planned: 20", least=1, most=512)
    bins: int | None = option(
        None, "mel bands, at least as many; default: 23; planned: 40, below 16 kHz 24", least=1, most=512
    )
    sample_rate: int = option(USUAL_RATE, "Hz of the waveforms", least=LOWEST_RATE, most=HIGHEST_RATE)
    other_rates: str = option(RESAMPLE, "what becomes of audio of another rate", choices=OTHER_RATES)
    preset: str = option(KALDI, "sizes: those of kaldi, of the notebook, or the planned ones", choices=tuple(PRESETS))
    delta_order: int | None = option(
        None, "differences: 0 none, 1 first, 2 second too; default: 0; notebook and planned: 2", least=0, most=9
    )
    delta_window: int = option(2, "frames before and after each that a difference is of", least=1, most=100)
    energy: str = option(RAW, "first column: the logarithm of the frame's energy, or c0", choices=ENERGIES)
    low_hertz: float = option(LOWEST_HERTZ, "where mel bands begin", least=0, most=HIGHEST_RATE)
    high_hertz: float | None = option(None, "where mel bands end; default: half the rate", above=0, most=HIGHEST_RATE)

    def resolved(self) -> "MfccOptions":
        """The same, with the sizes of the preset. Raises InputError for sizes that do not go together."""
        sizes = PRESETS[self.preset]
        narrow = self.preset == PLANNED and self.sample_rate < USUAL_RATE
        found = replace(
            self,
            cepstra=self.cepstra or sizes.cepstra,
            bins=self.bins or (NARROW_BINS if narrow else sizes.bins),
            delta_order=sizes.delta_order if self.delta_order is None else self.delta_order,
            preset=KALDI,  # which has no more to say
        )
        if found.cepstra > found.bins:
            raise InputError(f"cepstra {found.cepstra}: expected at most as many as bins, {found.bins}")
        nyquist = found.sample_rate / 2
        highest = nyquist if found.high_hertz is None else found.high_hertz
        if highest > nyquist:
            raise InputError(f"high_hertz {highest:g}: expected at most half the rate, {nyquist:g}")
        if found.low_hertz >= highest:
            raise InputError(f"low_hertz {found.low_hertz:g}: expected less than high_hertz, {highest:g}")
        require_frequencies(found.bins, found.low_hertz, highest, found.sample_rate)
        return replace(
            found,
            high_hertz=None if highest == nyquist else highest,
            delta_window=found.delta_window if found.delta_order else self.LATER["delta_window"],
        )


class Mfcc:
    """Waveforms (samples,) in -1..1 -> features (T, dim) float32.

    Attributes:
        options: with the sizes of the preset. dim: cepstra and their differences.
    """

    Options: ClassVar[type] = MfccOptions

    def __init__(self, options: MfccOptions | None = None):
        self.options = (options or MfccOptions()).resolved()
        self.sample_rate = self.options.sample_rate
        self.dim = self.options.cepstra * (1 + self.options.delta_order)

    def __call__(self, waveform: np.ndarray, sample_rate: int) -> np.ndarray:
        """Features (T, dim) of one waveform; T is 0 where it is shorter than a window."""
        from kaldi_native_fbank import OnlineMfcc

        computer = OnlineMfcc(self._options)
        samples = at_rate(waveform, sample_rate, self.sample_rate, self.options.other_rates) * np.float32(SIXTEEN_BITS)
        computer.accept_waveform(self.sample_rate, samples)
        computer.input_finished()
        frames = [computer.get_frame(number) for number in range(computer.num_frames_ready)]
        cepstra = np.array(frames, np.float32).reshape(-1, self.options.cepstra)
        return add_deltas(cepstra, self.options.delta_order, self.options.delta_window)

    def shift_seconds(self, sample_rate: int) -> float:
        """Seconds between the beginnings of two frames."""
        return int(sample_rate * SHIFT) / sample_rate

    @cached_property
    def _options(self) -> "KaldiOptions":
        from kaldi_native_fbank import MfccOptions as KaldiOptions

        own, options = self.options, KaldiOptions()
        options.frame_opts.samp_freq, options.frame_opts.dither = self.sample_rate, 0
        options.mel_opts.num_bins, options.num_ceps = own.bins, own.cepstra
        options.mel_opts.low_freq, options.mel_opts.high_freq = own.low_hertz, own.high_hertz or 0
        options.use_energy = own.energy == RAW
        return options
