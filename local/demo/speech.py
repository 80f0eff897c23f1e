"""Speak, measure and embed one voice of the demo corpus: the part of stage 0 that runs in worker processes."""

import functools
import io
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from threadpoolctl import threadpool_limits

from local.demo.espeak import Espeak, speak_alone
from local.demo.voices import PlannedUtterance, Voice
from steps.attributes.f0 import median_f0
from steps.attributes.rates import words_per_minute
from steps.embed.backend import Backend, load_backend
from utils.errors import InputError


@dataclass(frozen=True)
class SpokenUtterance:
    """One utterance of the corpus; `f0` in Hz, `rate` in words per minute from the first sound to the last."""

    flac: bytes
    seconds: float
    f0: float
    rate: float
    embedding: np.ndarray  # (256,) float32


def speak_voice(voice: Voice) -> list[SpokenUtterance]:
    """Speak, measure and embed the utterances of one voice, in their order; the result depends on `voice` alone."""
    espeak, encoder = _studio(voice.language)
    spoken = speak_alone(espeak, voice.variant, voice.pitch, [(u.sentence, u.rate) for u in voice.utterances])
    stored = [_resample(samples, espeak.sample_rate, encoder.sample_rate) for samples in spoken]
    waveforms = [samples / np.float32(32768) for samples in stored]  # the samples of the files
    embeddings = encoder.embed(waveforms)  # side by side, in two thirds of the time
    parts = zip(voice.utterances, stored, waveforms, embeddings, strict=True)
    return [_measured(*part, encoder.sample_rate) for part in parts]


@functools.cache
def _studio(language: str) -> tuple[Espeak, Backend]:
    threadpool_limits(1)  # the processes share the cores already
    return Espeak(language), load_backend("resemblyzer")


def _measured(
    utterance: PlannedUtterance, stored: np.ndarray, waveform: np.ndarray, embedding: np.ndarray, sample_rate: int
) -> SpokenUtterance:
    f0 = median_f0(waveform, sample_rate)
    if f0 is None:
        raise InputError(f"{utterance.name}: no voiced frames; change variant or pitch in local/rules/demo.yaml")
    return SpokenUtterance(
        flac=_flac(stored, sample_rate),
        seconds=len(stored) / sample_rate,
        f0=f0,
        rate=words_per_minute(utterance.sentence, waveform, sample_rate),
        embedding=embedding,
    )


def _resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """(n,) int16 -> (m,) int16."""
    resampled = np.rint(soxr.resample(samples.astype(np.float32), from_rate, to_rate))
    return np.clip(resampled, -32768, 32767).astype(np.int16)


def _flac(samples: np.ndarray, sample_rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()
