"""The rule of Kaldi's compute-vad, frame by frame, on the energies of Kaldi's MFCC."""

import numpy as np
import pytest

from steps.vad.energy import Energy, EnergyOptions, log_energies
from tests.steps.audio.sounds import babble

WAVEFORM = babble(1) * np.linspace(0, 0.3, len(babble(1)), dtype=np.float32) ** 3


def test_energies_are_the_first_column_of_cepstra():
    pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")
    from steps.features.mfcc import Mfcc

    np.testing.assert_allclose(log_energies(WAVEFORM, 16000), Mfcc()(WAVEFORM, 16000)[:, 0], atol=1e-3)


@pytest.mark.parametrize(("context", "proportion"), [(0, 0.6), (2, 0.6), (5, 0.12), (3, 1.0)])
def test_equals_the_loop(context, proportion):
    options = EnergyOptions(threshold=5.5, context=context, proportion=proportion)
    energies = log_energies(WAVEFORM, 16000)
    loud = energies > 5.5 + 0.5 * energies.mean()
    expected = []
    for frame in range(len(loud)):
        window = loud[max(0, frame - context) : frame + context + 1]
        expected.append(window.sum() >= len(window) * proportion)
    found = Energy(options, 16000)(WAVEFORM)
    assert 0 < found.sum() < len(found)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("samples", [0, 399, 400])
def test_short_waveforms(samples):
    assert Energy(EnergyOptions(), 16000)(WAVEFORM[:samples]).shape == (int(samples == 400),)


@pytest.mark.parametrize("level", [1.0, 1e-3])
def test_a_range_below_the_loud_frames_knows_no_level(level):
    waveform = WAVEFORM * np.float32(level)
    energies = log_energies(waveform, 16000) * 10 / np.log(10)
    found = Energy(EnergyOptions(range_db=20), 16000)(waveform)
    assert 0.2 < found.mean() < 0.9
    np.testing.assert_array_equal(found, energies > np.percentile(energies, 95) - 20)
