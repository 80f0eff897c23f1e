"""Spectra from log-mels have the energies of the bands, and waveforms the spectra that they were made for."""

import numpy as np
import pytest

from steps.features.logmel import LogMel, LogMelOptions
from steps.vocoder.phases import SIXTEEN_BITS, PhaseFinder, magnitudes
from tests.steps.audio.sounds import babble


@pytest.mark.parametrize("rate", [8000, 16000])
def test_bands_of_the_spectra_have_their_energies(rate):
    extractor = LogMel(LogMelOptions(bins=40, sample_rate=rate))
    log_mel = extractor(babble(1, 0.5, rate), rate)
    bands = extractor.plan(rate).bands
    power = (magnitudes(log_mel, bands).astype(np.float64) * SIXTEEN_BITS) ** 2
    assert np.abs(np.log(power @ bands) - log_mel).mean() < 0.1


def test_waveforms_have_the_spectra_and_the_length():
    extractor = LogMel(LogMelOptions(bins=40, sample_rate=16000))
    waveform = babble(2, 0.73)
    log_mel = extractor(waveform, 16000)
    finder = PhaseFinder(extractor, 16000)
    assert finder.n_frames(len(waveform)) in (len(log_mel), len(log_mel) + 1)
    made = finder.waveform(
        magnitudes(log_mel, extractor.plan(16000).bands), len(waveform), np.random.default_rng(0), 32, 0.99
    )
    assert made.shape == waveform.shape
    assert np.abs(extractor(made, 16000) - log_mel).mean() < 0.5
