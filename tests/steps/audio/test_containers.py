"""Files that are not what their header tells: each is refused by its right name, or read for what it holds."""

import gzip
import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest

soundfile = pytest.importorskip("soundfile")

from steps.audio.containers import AudioProblem, open_audio  # noqa: E402
from steps.audio.mpeg_frames import read_mpeg_frames  # noqa: E402
from steps.audio.read import load, read_header  # noqa: E402
from steps.audio.recordings import Utterance  # noqa: E402
from tests.steps.audio.sounds import babble, write_sound  # noqa: E402

RATE = 16000
CUT_FORMATS = ("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "NIST", "VOC", "SVX", "HTK")


def utterance(path: Path, begin: float | None = None, end: float | None = None) -> Utterance:
    return Utterance("u", path, begin, end, "d", "s", "u")


def reason(path: Path) -> str:
    """Why the file cannot be used; both ways of reading it must agree."""
    messages = []
    for read in (read_header, load):
        with pytest.raises(AudioProblem) as caught:
            read(utterance(path))
        messages.append(str(caught.value))
    assert messages[0] == messages[1] and str(path) in messages[0]
    return messages[0]


def wav(path: Path, seconds: float = 1.0) -> bytes:
    """The bytes of a wav file: sizes at 4 and 40, channels at 22, rate at 24, samples from 44 on."""
    content = write_sound(path, babble(0, seconds)).read_bytes()
    assert content[36:40] == b"data"
    return content


@pytest.mark.field_case("A file of audio that is shorter than its header tells")
@pytest.mark.parametrize("form", CUT_FORMATS)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_half_of_a_file_is_no_shorter_recording(tmp_path, form, share):
    path = tmp_path / "a.bin"
    soundfile.write(path, babble(0, 3), RATE, format=form)
    whole = path.read_bytes()
    assert read_header(utterance(path)).frames >= 3 * RATE
    path.write_bytes(whole[: int(share * len(whole))])
    assert reason(path).startswith("corrupt")


@pytest.mark.field_case("A file of audio that is shorter than its header tells")
def test_no_segment_of_half_a_file_is_used(tmp_path):
    path = write_sound(tmp_path / "a.flac", babble(0, 6))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(AudioProblem, match="breaks off"):
        load(utterance(path, 0.0, 1.0))


@pytest.mark.field_case("An Ogg file without its last pages")
@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_file_that_ends_between_two_pages(tmp_path, subtype):
    path = tmp_path / "a.ogg"
    soundfile.write(path, babble(0, 9), RATE, format="OGG", subtype=subtype)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"OggS")])
    assert "not marked as the end" in reason(path)


@pytest.mark.field_case("A wav file whose header was written before its length was known")
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFFF - 36])
@pytest.mark.parametrize("riff", [0, 0xFFFFFFFF])
def test_a_wav_file_of_a_pipe_is_what_it_holds(tmp_path, size, riff):
    path = tmp_path / "a.wav"
    content = wav(path)
    expected = load(utterance(path, 0.25, 0.75)).waveform
    path.write_bytes(content[:4] + struct.pack("<I", riff) + content[8:40] + struct.pack("<I", size) + content[44:])
    assert read_header(utterance(path)).frames == RATE
    assert np.array_equal(load(utterance(path, 0.25, 0.75)).waveform, expected)


def test_a_wav_file_without_samples_is_empty(tmp_path):
    path = tmp_path / "a.wav"
    head = wav(path)[:40]
    for rest in (b"", b"LIST\x04\x00\x00\x00INFO"):
        path.write_bytes(head + bytes(4) + rest)
        assert reason(path).startswith("empty")


@pytest.mark.field_case("A header that tells an impossible rate or number of channels")
@pytest.mark.parametrize("rate", [0, 1, 1999, 1_000_001, 2_000_000_000, 0xFFFFFFF0])
def test_rates_that_no_recording_has(tmp_path, rate):
    path = tmp_path / "a.wav"
    content = wav(path)
    path.write_bytes(content[:24] + struct.pack("<II", rate, 2 * rate % 2**32) + content[32:])
    assert reason(path).startswith("corrupt")


@pytest.mark.field_case("A header that tells an impossible rate or number of channels")
@pytest.mark.parametrize("channels", [0, 257, 1024, 65535])
def test_channels_that_no_recording_has(tmp_path, channels):
    path = tmp_path / "a.wav"
    content = wav(path)
    block = min(2 * channels, 65535)
    path.write_bytes(content[:22] + struct.pack("<HIIH", channels, RATE, block * RATE % 2**32, block) + content[34:])
    assert reason(path).startswith("corrupt")


@pytest.mark.hostile("A flac header that tells 10^9 samples, or 1 Hz")
def test_a_flac_header_of_another_length_or_rate(tmp_path):
    path = write_sound(tmp_path / "a.flac", babble(0))
    content = bytearray(path.read_bytes())
    path.write_bytes(content[:22] + struct.pack(">I", 10**9) + content[26:])
    assert "its last sample is not there" in reason(path)
    fields = int.from_bytes(content[18:26], "big") & ((1 << 44) - 1) | 1 << 44  # 20 bits are the rate
    path.write_bytes(content[:18] + fields.to_bytes(8, "big") + content[26:])
    assert "tells 1 Hz" in reason(path)


@pytest.mark.field_case("Something else saved under the name of a wav or flac file")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n<!DOCTYPE html><html><body>Not Found</body></html>", "a web page"),
        (b"\xef\xbb\xbf<html>", "a web page"),
        (gzip.compress(b"fLaC", mtime=0), "compressed with gzip"),
        (b"PK\x03\x04" + bytes(40), "an archive of files"),
        (b"\0\0\0\x20ftypM4A " + bytes(40), "MPEG-4"),
        (b"\x1a\x45\xdf\xa3" + bytes(40), "WebM"),
        (b"#!AMR\n" + bytes(40), "AMR"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n", "a Git LFS pointer"),
        (b"../.git/annex/objects/Xx/Yy/SHA256E-s9--00.wav/SHA256E-s9--00.wav\n", "a git-annex pointer"),
    ],
)
def test_what_else_a_file_may_be(tmp_path, content, message):
    for suffix in (".wav", ".flac"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(content)
        assert message in reason(path)


@pytest.mark.field_case("What is at the path of a recording is no file")
def test_what_is_no_file_is_missing(tmp_path):
    os.mkfifo(tmp_path / "fifo.wav")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    (tmp_path / "file").touch()
    for name in ("fifo.wav", "folder.wav", "dangling.wav", "loop.wav", "file/below.wav", "n" * 300):
        assert reason(tmp_path / name).startswith("missing")


@pytest.mark.field_case("GSM 6.10 and other codecs in wav that cannot be sought in")
@pytest.mark.parametrize("subtype", ["GSM610", "G721_32", "NMS_ADPCM_16"])
def test_codecs_without_a_seek(tmp_path, subtype):
    path = tmp_path / "a.wav"
    soundfile.write(path, babble(0, 2), RATE, subtype=subtype)
    whole = load(utterance(path)).waveform
    assert 2 * RATE <= len(whole) < 2.1 * RATE
    assert np.array_equal(load(utterance(path, 0.5, 1.5)).waveform, whole[RATE // 2 : 3 * RATE // 2])


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
def test_subtypes(tmp_path, form, subtype):
    path = tmp_path / "a.wav"
    if not soundfile.check_format(form, subtype):
        pytest.skip("libsndfile has no such file")
    waveform = babble(0)
    soundfile.write(path, waveform, RATE, format=form, subtype=subtype)
    assert np.corrcoef(load(utterance(path)).waveform[: len(waveform)], waveform)[0, 1] > 0.98


def write_mp3(path: Path, seconds: float, mode: str, rate: int = RATE) -> Path:
    soundfile.write(path, babble(0, seconds, rate), rate, format="MP3", bitrate_mode=mode, compression_level=0.5)
    return path


@pytest.mark.field_case("An mp3 file that does not tell its length")
@pytest.mark.parametrize("rate", [16000, 44100])
def test_mp3_without_a_tag(tmp_path, rate):
    """The first frame of an encoder holds a tag instead of audio; some encoders write none."""
    path = write_mp3(tmp_path / "a.mp3", 3, "CONSTANT", rate)
    whole = load(utterance(path)).waveform
    first = read_mpeg_frames(path)
    assert abs(first.samples - 3 * rate) <= 4 * first.per_frame and not first.is_cut
    content = path.read_bytes()
    path.write_bytes(content[content.index(content[:2], 100) :])
    assert abs(len(load(utterance(path)).waveform) - len(whole)) < 0.2 * RATE
    assert len(load(utterance(path, 1.0, 2.0)).waveform) == RATE
    path.write_bytes(path.read_bytes()[:-20])
    assert "its last frame is cut" in reason(path)
    write_mp3(path, 3, "VARIABLE", rate)
    content = path.read_bytes()
    path.write_bytes(b"ID3\4\0\0\0\0\1\0" + bytes(128) + content[content.index(content[:2], 100) :])
    assert "since no tag tells them; convert" in reason(path)


@pytest.mark.parametrize("tail", [b"TAG" + bytes(125), bytes(500), b"APETAGEX" + b"\xff\xfb\x90" * 40])
def test_what_is_behind_the_frames_of_mp3_is_no_cut_frame(tmp_path, tail):
    path = write_mp3(tmp_path / "a.mp3", 1, "CONSTANT")
    frames = read_mpeg_frames(path)
    path.write_bytes(b"ID3\4\0\0\0\0\1\0" + bytes(128) + path.read_bytes() + tail)
    assert read_mpeg_frames(path) == frames
    assert read_header(utterance(path)).frames >= RATE


def test_formats_whose_length_cannot_be_checked_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", babble(0), RATE, format="MAT5", subtype="PCM_16")
    assert "is of the format MAT5" in reason(tmp_path / "a.wav")


def test_the_file_is_at_its_beginning(tmp_path):
    for name in ("a.wav", "a.flac", "a.mp3", "a.ogg"):
        with open_audio(write_sound(tmp_path / name, babble(0))) as file:
            assert file.tell() == 0


@pytest.fixture
def headerless(tmp_path) -> Path:
    path = tmp_path / "a.pcm"
    path.write_bytes(np.round(babble(0, 1) * 32767).astype("<i2").tobytes())
    return path


def test_samples_without_a_header_are_16_bits_at_16_khz(headerless):
    header = read_header(utterance(headerless))
    assert (header.frames, header.sample_rate) == (RATE, RATE)
    assert np.abs(load(utterance(headerless)).waveform - babble(0, 1)).max() < 1e-4
    assert len(load(utterance(headerless, 0.25, 0.75)).waveform) == RATE // 2
    assert len(load(utterance(headerless), 8000).waveform) == RATE // 2


def test_faults_of_samples_without_a_header_are_named(headerless):
    whole = headerless.read_bytes()
    for content, told in (
        (whole[:-1], "corrupt: .*half a sample at its end"),
        (b"", "empty: "),
        (b"<!DOCTYPE html><html>", "corrupt: .*is a web page"),
        (b"\x1f\x8b\x08" + whole, "corrupt: .*gzip"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n", "corrupt: .*Git LFS"),
    ):
        headerless.write_bytes(content)
        assert re.search(told, reason(headerless)), content[:20]
    headerless.unlink()
    assert reason(headerless).startswith("missing: ")


def test_a_wav_file_that_is_named_pcm_is_read_as_what_it_is(tmp_path):
    path = tmp_path / "a.pcm"
    path.write_bytes(wav(tmp_path / "b.wav"))
    assert read_header(utterance(path)).frames == RATE
