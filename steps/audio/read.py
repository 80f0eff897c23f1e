"""The samples of an utterance: decoded, mixed to one channel, converted to a sample rate, and checked for faults.

Audio that cannot be used raises AudioProblem. Audio that can be used in spite of faults comes with their names.
"""

from dataclasses import dataclass

import numpy as np

from steps.audio.recordings import Utterance
from utils.errors import InputError

SILENT = 1e-4  # of full scale: samples within a range of twice this, three steps of 16 bits, hold no speech
FULL_SCALE, CLIPPED = 0.999, 1e-3  # audio is clipped if more than this share of its samples is at full scale
MOST_SECONDS = 7 * 24 * 3600  # of a recording
BEYOND_END = 0.1  # seconds: a segment that ends after its recording by less, through rounding, has no fault


class AudioProblem(InputError):
    """The audio of an utterance cannot be used.

    Attributes:
        reason: missing, corrupt, empty, too_short or silent; back-ends have further ones.
        detail: a sentence with the file and the numbers.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, eq=False)
class Audio:
    """An utterance in memory.

    Attributes:
        waveform: (samples,) float32 in -1..1.
        faults: any of `clipped`, `multi_channel` (the waveform is the mean of the channels), `beyond_end` (the segment
            ends after its recording).
    """

    waveform: np.ndarray
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """Length and rate that the header of a file states: frames per channel, frames per second."""

    frames: int
    sample_rate: int


def read_header(utterance: Utterance) -> Header:
    """Read the header of an utterance's recording. Raises AudioProblem: missing, corrupt or empty."""
    with _open(utterance) as file:
        return Header(_n_frames(file), file.samplerate)


def load(utterance: Utterance, sample_rate: int = 16000, min_seconds: float = 0.0) -> Audio:
    """Decode an utterance; of a segment, only its part of the recording. Raises AudioProblem.

    Args:
        sample_rate: of the result; other rates are converted by soxr with the quality HQ.
        min_seconds: shorter audio raises AudioProblem `too_short`.
    """
    samples, rate, faults = _decode(utterance)  # (frames, channels)
    seconds = len(samples) / rate
    if seconds < min_seconds:
        raise AudioProblem("too_short", f"{utterance.path}: {seconds:.3f} s, expected {min_seconds:g} s or more")
    if not np.isfinite(samples).all():
        raise AudioProblem("corrupt", f"{utterance.path}: has samples that are no finite numbers")
    if np.mean(np.abs(samples) >= FULL_SCALE) > CLIPPED:
        faults += ("clipped",)
    if samples.shape[1] > 1:
        faults += ("multi_channel",)
    waveform = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    if np.ptp(waveform) < 2 * SILENT:
        raise AudioProblem("silent", f"{utterance.path}: {seconds:.2f} s without sound")
    return Audio(_convert(waveform, rate, sample_rate), faults)


def _decode(utterance: Utterance) -> tuple[np.ndarray, int, tuple[str, ...]]:
    """Samples (frames, channels) float32, frames per second, and faults."""
    import soundfile

    with _open(utterance) as file:
        rate, total = file.samplerate, _n_frames(file)
        first = round((utterance.begin or 0) * rate)
        stop = total if utterance.end is None else round(utterance.end * rate)
        wanted = min(stop, total) - first
        if wanted <= 0:
            times = f"{utterance.begin} to {utterance.end} s"
            raise AudioProblem("empty", f"{utterance.path}: nothing at {times}, the recording has {total / rate:.2f} s")
        faults = ("beyond_end",) if stop - total > BEYOND_END * rate else ()
        try:
            file.seek(first)
            samples = file.read(wanted, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioProblem("corrupt", f"{utterance.path}: {error.error_string}") from error
    if len(samples) < wanted:
        raise AudioProblem("corrupt", f"{utterance.path}: breaks off {(wanted - len(samples)) / rate:.2f} s early")
    return samples, rate, faults


def _open(utterance: Utterance):
    import soundfile

    try:
        if not utterance.path.stat().st_size:
            raise AudioProblem("empty", f"{utterance.path}: has no bytes")
        return soundfile.SoundFile(utterance.path)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a suffix of files without a header, as .raw
        raise AudioProblem("corrupt", f"{utterance.path}: {getattr(error, 'error_string', error)}") from error
    except OSError as error:
        raise AudioProblem("missing", f"{utterance.path}: {error.strerror}") from error


def _n_frames(file) -> int:
    if not file.frames:
        raise AudioProblem("empty", f"{file.name}: has no samples")
    if file.frames > MOST_SECONDS * file.samplerate:  # the header of a stream whose length was not known
        raise AudioProblem("corrupt", f"{file.name}: says it has {file.frames} frames; encode it anew, from a file")
    return file.frames


def _convert(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    if from_rate == to_rate:
        return np.ascontiguousarray(waveform)
    import soxr

    return soxr.resample(waveform, from_rate, to_rate, quality="HQ")
