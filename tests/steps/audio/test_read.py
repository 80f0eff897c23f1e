"""Decoding: what comes out, and what each kind of bad file is called."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest

soundfile = pytest.importorskip("soundfile")

from steps.audio.containers import AudioProblem  # noqa: E402
from steps.audio.mixing import OFFSET  # noqa: E402
from steps.audio.read import load, read_header  # noqa: E402
from steps.audio.recordings import Utterance  # noqa: E402
from tests.steps.audio.sounds import babble, write_bad_sounds, write_sound  # noqa: E402


def whole(path: Path) -> Utterance:
    return Utterance("u", path, None, None, "d", "s", "u")


def part(path: Path, begin: float, end: float) -> Utterance:
    return Utterance("u", path, begin, end, "d", "s", "u")


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".ogg"])
def test_a_file_of_each_kind(tmp_path, suffix):
    waveform = babble(0)
    utterance = whole(write_sound(tmp_path / f"a{suffix}", waveform))
    audio = load(utterance)
    assert audio.waveform.dtype == np.float32 and audio.waveform.shape == waveform.shape and audio.faults == ()
    assert np.corrcoef(audio.waveform, waveform)[0, 1] > 0.9
    assert read_header(utterance).frames == len(waveform)


def test_a_segment_is_its_part_of_the_recording(tmp_path):
    path = write_sound(tmp_path / "a.flac", babble(0, 10))
    assert np.array_equal(load(part(path, 3.5, 7.25)).waveform, load(whole(path)).waveform[56000:116000])


def test_a_segment_behind_the_end(tmp_path):
    path = write_sound(tmp_path / "a.flac", babble(0, 2))
    assert load(part(path, 1, 2.05)).faults == () and load(part(path, 1, 3)).faults == ("beyond_end",)
    assert len(load(part(path, 1, 3)).waveform) == 16000
    for begin, end in ((2, 3), (1, 1.00001)):
        with pytest.raises(AudioProblem, match="empty"):
            load(part(path, begin, end))


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 48000])
def test_other_sample_rates(tmp_path, sample_rate):
    time = np.arange(sample_rate) / sample_rate
    tone = 0.5 * np.sin(2 * np.pi * 440 * time).astype(np.float32)
    waveform = load(whole(write_sound(tmp_path / "a.wav", tone, sample_rate))).waveform
    assert len(waveform) == 16000
    assert np.argmax(np.abs(np.fft.rfft(waveform))) == 440


def test_channels_are_averaged_and_clipping_is_told(tmp_path):
    left, right = babble(0), babble(1)
    audio = load(whole(write_sound(tmp_path / "a.wav", np.stack([left, right], 1))))
    assert audio.faults == ("multi_channel",)
    np.testing.assert_allclose(audio.waveform, (left + right) / 2, atol=1e-4)
    loud = load(whole(write_sound(tmp_path / "b.wav", np.clip(20 * left, -1, 1))))
    assert loud.faults == ("clipped",)


@pytest.mark.parametrize("reason", ["missing", "corrupt", "empty", "too_short", "silent"])
def test_each_fault_has_its_name(tmp_path, reason):
    path = write_bad_sounds(tmp_path)[reason]
    with pytest.raises(AudioProblem, match=str(path)) as caught:
        load(whole(path), min_seconds=0.3)
    assert caught.value.reason == reason


@pytest.mark.parametrize("content", [b"no sound at all", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_audio_is_corrupt(tmp_path, content):
    for suffix in (".wav", ".raw"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(content)
        with pytest.raises(AudioProblem, match="corrupt"):
            read_header(whole(path))


def test_samples_that_are_no_numbers_are_corrupt(tmp_path):
    waveform = babble(0)
    waveform[100] = np.nan
    soundfile.write(tmp_path / "a.wav", waveform, 16000, subtype="FLOAT")
    with pytest.raises(AudioProblem, match="corrupt.*finite"):
        load(whole(tmp_path / "a.wav"))


def test_a_segment_of_a_long_recording_is_not_read_with_the_rest(tmp_path):
    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", 16000, 1) as file:
        for minute in range(60):
            file.write(np.tile(babble(minute, 6), 10))
    if os.fork() == 0:  # a process of its own, whose memory is limited
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + 100_000_000, -1))  # the whole needs 230 MB
        os._exit(0 if len(load(part(path, 3000, 3003)).waveform) == 48000 else 1)
    assert os.wait()[1] == 0


def test_real_speech(librispeech_251):
    for path in sorted(librispeech_251.rglob("*.flac"))[:20]:
        audio = load(whole(path))
        samples = soundfile.read(path, dtype="float32")[0]
        if abs(samples.mean(dtype=float)) > OFFSET:
            assert audio.faults == ("dc_offset",)
        else:
            assert audio.faults == () and np.array_equal(audio.waveform, samples)
