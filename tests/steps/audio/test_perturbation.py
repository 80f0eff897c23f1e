"""Perturbed waveforms: what stays, what changes, and by how much."""

import dataclasses

import numpy as np
import pytest

from steps.audio.perturbation import PerturbationOptions, check_perturbation, perturb, stream_of
from tests.steps.audio.sounds import babble
from utils.errors import InputError

NOTHING = PerturbationOptions(room=False, noise=False, equaliser=False, gain=False)


def only(**changes) -> PerturbationOptions:
    """One kind of perturbation alone."""
    return dataclasses.replace(NOTHING, **changes)


def changed(waveform: np.ndarray, options: PerturbationOptions, seed: int = 0, rate: int = 16000) -> np.ndarray:
    """The waveform as an utterance named u."""
    return perturb(waveform, rate, stream_of(seed, "u"), options)


@pytest.mark.parametrize("rate, seconds", [(16000, 2.5), (8000, 0.03), (44100, 1.0)])
@pytest.mark.parametrize("seed", range(3))
def test_length_range_and_type_stay(rate, seconds, seed):
    waveform = babble(seed, seconds, rate)
    found = changed(8 * waveform.clip(-0.12, 0.12), PerturbationOptions(gain_most=40.0), seed, rate)
    assert found.shape == waveform.shape and found.dtype == np.float32
    assert 0 < np.abs(found).max() <= 1


def test_nothing_switched_on_changes_nothing():
    waveform = babble(0)
    np.testing.assert_allclose(changed(waveform, NOTHING), waveform, atol=1e-6)
    assert not changed(np.zeros(100, np.float32), PerturbationOptions()).any()


def test_streams_follow_from_seed_utterance_and_copy_alone():
    waveform, options = babble(0), PerturbationOptions()
    names = [(0, "u", 0), (1, "u", 0), (0, "v", 0), (0, "u", 1)]
    found = [perturb(waveform, 16000, stream_of(*name), options) for name in names]
    np.testing.assert_array_equal(found[0], perturb(waveform, 16000, stream_of(0, "u"), options))
    assert all(np.abs(found[0] - other).max() > 0.01 for other in found[1:])


@pytest.mark.parametrize("snr", [0.0, 20.0])
def test_noise_has_the_ratio_that_is_asked_for(snr):
    waveform = babble(0, 4.0)
    found = changed(waveform, only(noise=True, snr_least=snr, snr_most=snr))
    share = np.vdot(found, waveform) / np.vdot(waveform, waveform)
    noise = found - share * waveform
    ratio = 10 * np.log10(np.vdot(share * waveform, share * waveform) / np.vdot(noise, noise))
    assert ratio == pytest.approx(snr, abs=0.3)


@pytest.mark.parametrize("seconds", [0.2, 0.8])
def test_a_room_decays_by_60_db_in_its_time(seconds):
    click = np.zeros(32000, np.float32)
    click[1000] = 1
    options = only(room=True, reverberation_least=seconds, reverberation_most=seconds)
    found = changed(click, options)
    assert np.abs(found).argmax() == 1000 and not np.abs(found[:999]).max() > 1e-5 * np.abs(found).max()
    blocks = np.square(found[2000 : 2000 + int(0.8 * seconds * 16000)]).reshape(-1, 160).sum(axis=1)
    slope = np.polyfit(np.arange(len(blocks)) * 0.01, 10 * np.log10(blocks), 1)[0]
    assert -60 / slope == pytest.approx(seconds, rel=0.15)


def test_an_equaliser_is_smooth_and_within_its_gains():
    noise = np.random.default_rng(0).normal(scale=0.05, size=1 << 16).astype(np.float32)
    found = changed(noise, only(equaliser=True, equaliser_db=10.0))
    gains = np.abs(np.fft.rfft(found)) / np.abs(np.fft.rfft(noise))
    decibels = 20 * np.log10(np.median(gains[: 1 << 15].reshape(-1, 256), axis=1))
    assert 2 < np.ptp(decibels) <= 20 and np.abs(np.diff(decibels[8:])).max() < 2


def test_a_gain_is_one_factor():
    waveform = babble(0)
    found = changed(waveform, only(gain=True, gain_least=-20.0, gain_most=-20.0))
    np.testing.assert_allclose(found, 0.1 * waveform, atol=1e-5)


def test_a_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(InputError, match="snr_least 9: beyond snr_most 3"):
        check_perturbation(PerturbationOptions(snr_least=9.0, snr_most=3.0))
