"""Offsets, scales and channels: what is changed, that it is told, and that nothing else changes a byte."""

import numpy as np
import pytest

soundfile = pytest.importorskip("soundfile")

from steps.audio import read  # noqa: E402
from steps.audio.containers import AudioProblem  # noqa: E402
from steps.audio.mixing import OFFSET  # noqa: E402
from steps.audio.read import load  # noqa: E402
from steps.audio.recordings import Utterance  # noqa: E402
from tests.steps.audio.sounds import babble  # noqa: E402

RATE = 16000


def loaded(
    path, samples: np.ndarray, subtype: str = "FLOAT", channel: int | None = None, rate: int = RATE
) -> read.Audio:
    """Write samples, and load them."""
    soundfile.write(path, samples, rate, subtype=subtype)
    return load(Utterance("u", path, None, None, "d", "s", "u", channel=channel))


@pytest.mark.field_case("A DC offset")
@pytest.mark.parametrize("offset", [0.003, -0.01, 0.05, 0.4])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_offset_is_removed_and_named(tmp_path, offset, channels):
    speech = babble(0)
    audio = loaded(tmp_path / "a.wav", np.stack(channels * [speech + np.float32(offset)], 1))
    assert "dc_offset" in audio.faults
    np.testing.assert_allclose(audio.waveform, speech - speech.mean(), atol=1e-6)


@pytest.mark.field_case("A DC offset")
def test_below_the_threshold_no_byte_changes(tmp_path):
    speech = babble(0)
    speech += np.float32(0.9 * OFFSET - speech.mean())
    audio = loaded(tmp_path / "a.wav", speech)
    assert audio.faults == () and np.array_equal(audio.waveform, speech)


def test_the_mean_of_loud_noise_is_no_offset(tmp_path):
    noise = np.clip(30 * babble(0), -1, 1)
    noise += np.float32(1.5 * OFFSET - noise.mean())
    assert "dc_offset" not in loaded(tmp_path / "a.wav", noise).faults


@pytest.mark.field_case("Float samples in the range of 16 bits")
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("loudness", [1.0, 0.001])
def test_floats_in_the_range_of_16_bits_are_scaled(tmp_path, subtype, loudness):
    speech = loudness * babble(0)
    audio = loaded(tmp_path / "a.wav", 32768 * speech.astype(np.float64), subtype)
    assert audio.faults == ("integer_range",)
    np.testing.assert_allclose(audio.waveform, speech, atol=1e-6)


@pytest.mark.field_case("Float samples in the range of 16 bits")
def test_whole_numbers_of_few_steps_are_silence_of_16_bits(tmp_path):
    with pytest.raises(AudioProblem, match="silent"):
        loaded(tmp_path / "a.wav", np.random.default_rng(0).integers(-1, 2, RATE).astype(np.float32))


@pytest.mark.field_case("Float samples in the range of 16 bits")
def test_floats_in_other_ranges_are_refused(tmp_path):
    with pytest.raises(AudioProblem, match="corrupt: .*a.wav: has samples up to .* scale them"):
        loaded(tmp_path / "a.wav", 2.0**23 * babble(0))


def test_floats_that_are_a_little_too_loud_stay(tmp_path):
    speech = 3 * babble(0)
    audio = loaded(tmp_path / "a.wav", speech)
    assert audio.faults == () and np.array_equal(audio.waveform, speech)


@pytest.mark.field_case("Stereo in opposite phase")
@pytest.mark.parametrize("balance", [-1.0, -0.9])
@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_opposite_channels_are_not_silent(tmp_path, balance, offset):
    speech = babble(0)
    audio = loaded(tmp_path / "a.wav", np.stack([speech, balance * speech], 1) + np.float32(offset))
    assert audio.faults == (("opposite_channels", "dc_offset") if offset else ("opposite_channels",))
    np.testing.assert_allclose(audio.waveform, speech, atol=1e-3)


def test_channels_that_differ_are_averaged_as_before(tmp_path):
    samples = np.stack([babble(0), babble(1), 0 * babble(2)], 1)
    audio = loaded(tmp_path / "a.wav", samples)
    assert audio.faults == ("multi_channel",) and np.array_equal(audio.waveform, samples.mean(axis=1))


@pytest.mark.field_case("Segments with a channel")
def test_one_channel(tmp_path):
    samples = np.stack([babble(0), babble(1)], 1)
    assert np.array_equal(loaded(tmp_path / "a.wav", samples, channel=1).waveform, samples[:, 1])
    with pytest.raises(AudioProblem, match="missing: .*has no channel 2; it has 2"):
        loaded(tmp_path / "a.wav", samples, channel=2)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_size_of_blocks_changes_no_byte(tmp_path, monkeypatch, rate, channels):
    samples = np.stack([babble(seed, 1.0, rate) + np.float32(0.02) for seed in range(channels)], 1)
    whole = loaded(tmp_path / "a.wav", samples, rate=rate)
    monkeypatch.setattr(read, "BLOCK", 999)
    assert np.array_equal(loaded(tmp_path / "a.wav", samples, rate=rate).waveform, whole.waveform)


@pytest.mark.hostile("A few bytes that are hours of silence")
def test_an_utterance_of_many_hours_is_refused(tmp_path):
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 2000, 1) as file:
        for _ in range(4):
            file.write(np.zeros(2000 * 3600, np.int16))
    with pytest.raises(AudioProblem, match="too_long: .*an utterance of 4.0 hours, expected 2 or less; cut"):
        load(Utterance("u", tmp_path / "a.flac", None, None, "d", "s", "u"))


def test_a_recording_that_becomes_no_sample_is_too_short(tmp_path):
    with pytest.raises(AudioProblem, match="too_short"):
        loaded(tmp_path / "a.wav", np.array([0.5, -0.5], np.float32), rate=1_000_000)
