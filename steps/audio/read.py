"""The samples of an utterance: decoded, mixed to one channel, converted to a sample rate, and checked for faults.

Audio that cannot be used raises AudioProblem. Audio that can be used in spite of faults comes with their names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from steps.audio.containers import AudioProblem, open_audio
from steps.audio.mixing import Levels, Mix
from steps.audio.packed_rows import file_of
from steps.audio.recordings import Utterance
from utils.mounts import raise_if_lost

if TYPE_CHECKING:
    from soundfile import SoundFile

LONGEST = 2 * 3600  # seconds of an utterance, all of which is in memory
BEYOND_END = 0.1  # seconds: a segment that ends after its recording by less, through rounding, has no fault
MP3_SLACK = 4 * 1152  # samples: the length of an mp3 file without a tag is known to a few frames
BLOCK = 1 << 20  # samples of all channels that are decoded at a time


@dataclass(frozen=True, eq=False)
class Audio:
    """An utterance in memory.

    Attributes:
        waveform: (samples,) float32 in -1..1.
        faults: `beyond_end` (the segment ends after its recording), and those of `steps.audio.mixing.Levels.faults`.
    """

    waveform: np.ndarray
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """Length and rate that the header of a file states: frames per channel, frames per second."""

    frames: int
    sample_rate: int


@dataclass(frozen=True)
class Span:
    """The part of a recording that is an utterance: its first frame, its frames, and faults of its times."""

    first: int
    frames: int
    faults: tuple[str, ...] = field(default=())


def read_header(utterance: Utterance) -> Header:
    """Read the header of an utterance's recording. Raises AudioProblem: missing, corrupt or empty."""
    with open_audio(utterance.path) as file:
        return Header(file.frames, file.samplerate)


def load(utterance: Utterance, sample_rate: int = 16000, min_seconds: float = 0.0, silence_too: bool = False) -> Audio:
    """Decode an utterance; of a segment, only its part of the recording. Raises AudioProblem.

    Args:
        sample_rate: of the result; other rates are converted by soxr with the quality HQ.
        min_seconds: shorter audio raises AudioProblem `too_short`.
        silence_too: audio without sound is no problem, but has the fault `silent`.
    """
    mix = Mix(channel=utterance.channel)
    waveform, levels, span = _decode(utterance, mix, sample_rate, min_seconds)
    better = levels.better_mix()
    if better != mix:
        waveform, levels, span = _decode(utterance, better, sample_rate, min_seconds)
    if not silence_too:
        levels.require_sound()
    if not len(waveform):
        raise AudioProblem("too_short", f"{utterance.path}: {span.frames} samples, none at {sample_rate} Hz")
    return Audio(waveform, span.faults + levels.faults())


def _decode(utterance: Utterance, mix: Mix, to_rate: int, min_seconds: float) -> tuple[np.ndarray, Levels, Span]:
    """The waveform (samples,) float32 of one mix, and what was seen of its samples."""
    with open_audio(utterance.path) as file:
        rate = file.samplerate
        span = _span(utterance, file.frames, rate)
        seconds = span.frames / rate
        if seconds < min_seconds:
            raise AudioProblem("too_short", f"{utterance.path}: {seconds:.3f} s, expected {min_seconds:g} s or more")
        levels = Levels(utterance.path, mix, file.channels, span.frames / rate, file.subtype in ("FLOAT", "DOUBLE"))
        blocks = map(levels.add, _blocks(file, utterance, span))
        if rate != to_rate:
            blocks = _convert(blocks, rate, to_rate, span.frames)
        parts = list(blocks)
        return parts[0] if len(parts) == 1 else np.concatenate(parts), levels, span


def _span(utterance: Utterance, total: int, rate: int) -> Span:
    begin, end = utterance.begin or 0.0, total / rate if utterance.end is None else utterance.end
    first = total if begin > total / rate else round(begin * rate)
    stop = total if end >= total / rate else round(end * rate)
    if stop - first <= 0:
        times = f"{utterance.begin} to {utterance.end} s"
        raise AudioProblem("empty", f"{utterance.path}: nothing at {times}, the recording has {total / rate:.2f} s")
    if stop - first > LONGEST * rate:
        raise too_long(utterance, (stop - first) / rate)
    return Span(first, stop - first, ("beyond_end",) if end - total / rate > BEYOND_END else ())


def too_long(utterance: Utterance, seconds: float) -> AudioProblem:
    """The problem of an utterance of more seconds than LONGEST."""
    hours = f"{seconds / 3600:.1f} hours, expected {LONGEST / 3600:g} or less"
    return AudioProblem("too_long", f"{utterance.path}: an utterance of {hours}; cut it into segments")


def _blocks(file: "SoundFile", utterance: Utterance, span: Span) -> Iterator[np.ndarray]:
    """The samples (frames, channels) float32 of a span, a block at a time."""
    import soundfile

    size = max(1, BLOCK // file.channels)
    left, slack = span.frames, MP3_SLACK if file.format == "MP3" else 0
    try:
        if file.seekable():
            file.seek(span.first)
        else:
            for start in range(0, span.first, size):
                file.read(min(size, span.first - start), dtype="float32")
        while left:
            block = file.read(min(size, left), dtype="float32", always_2d=True)
            if not len(block) and left <= min(slack, span.frames - 1):
                return
            if not len(block):
                raise_if_lost(file_of(utterance.path), EOFError())
                rate = file.samplerate
                raise AudioProblem("corrupt", f"{utterance.path}: breaks off {left / rate:.2f} s early")
            left -= len(block)
            yield block
    except (soundfile.LibsndfileError, OSError) as error:
        raise_if_lost(file_of(utterance.path), error)
        words = getattr(error, "error_string", None) or getattr(error, "strerror", None) or error
        raise AudioProblem("corrupt", f"{utterance.path}: {words}") from error


def _convert(blocks: Iterator[np.ndarray], from_rate: int, to_rate: int, frames: int) -> Iterator[np.ndarray]:
    """The blocks (frames,) at another rate: the same samples as soxr gives for all of them at once."""
    import soxr

    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ")
    for block in blocks:
        frames -= len(block)
        yield stream.resample_chunk(block, last=not frames)
    if frames:
        yield stream.resample_chunk(np.empty(0, np.float32), last=True)
