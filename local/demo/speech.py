"""One voice of the demo corpus, spoken, measured and embedded: the part of stage 0 that runs in worker processes."""

import ctypes
import functools
import io
import signal
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from threadpoolctl import threadpool_limits

from local.demo.espeak import Espeak, speak_alone
from local.demo.voices import Utterance, Voice
from steps.attributes.f0 import median_f0
from steps.embed.backend import Backend, load_backend
from utils.errors import InputError

PR_SET_PDEATHSIG = 1  # prctl(2)
SILENCE = 0.01  # of the highest sample: where speech begins and ends


@dataclass(frozen=True)
class Recording:
    """One utterance as it is stored; `f0` in Hz, `rate` in words per minute from the first sound to the last."""

    flac: bytes
    seconds: float
    f0: float
    rate: float
    embedding: np.ndarray  # (256,) float32


def die_with_parent() -> None:
    """Ask Linux to kill this process when the one that started it dies, by whatever signal."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def record_voice(voice: Voice) -> list[Recording]:
    """Speak, measure and embed the utterances of one voice, in their order; the result depends on `voice` alone."""
    espeak, encoder = _studio(voice.language)
    spoken = speak_alone(espeak, voice.variant, voice.pitch, [(u.sentence, u.rate) for u in voice.utterances])
    pairs = zip(spoken, voice.utterances, strict=True)
    return [_record(samples, espeak.sample_rate, utterance, encoder) for samples, utterance in pairs]


@functools.cache
def _studio(language: str) -> tuple[Espeak, Backend]:
    threadpool_limits(1)  # the processes share the cores already
    return Espeak(language), load_backend("resemblyzer")


def _record(spoken: np.ndarray, sample_rate: int, utterance: Utterance, encoder: Backend) -> Recording:
    stored = _resample(spoken, sample_rate, encoder.sample_rate)
    waveform = stored / np.float32(32768)  # all that is measured is measured on what the file holds
    f0 = median_f0(waveform, encoder.sample_rate)
    if not f0:
        raise InputError(f"{utterance.name}: nothing voiced; choose another variant or pitch in local/rules/demo.yaml")
    return Recording(
        flac=_flac(stored, encoder.sample_rate),
        seconds=len(stored) / encoder.sample_rate,
        f0=f0,
        rate=60 * len(utterance.sentence.split()) / _speech_seconds(waveform, encoder.sample_rate),
        embedding=encoder.embed([waveform])[0],
    )


def _resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """(n,) int16 -> (m,) int16."""
    resampled = np.rint(soxr.resample(samples.astype(np.float32), from_rate, to_rate))
    return np.clip(resampled, -32768, 32767).astype(np.int16)


def _speech_seconds(waveform: np.ndarray, sample_rate: int) -> float:
    """From the first sample that is not silence to the last."""
    level = np.abs(waveform)
    sounding = np.flatnonzero(level > SILENCE * level.max())
    return (sounding[-1] - sounding[0] + 1) / sample_rate


def _flac(samples: np.ndarray, sample_rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()
