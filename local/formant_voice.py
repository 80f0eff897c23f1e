"""Voices without a person: a source of pulses and breath, and a filter of moving formants (Fant's source-filter model).

A voice has its own pitch, length of the vocal tract, formants, tilt of the glottal spectrum and breath; a session has
its own channel: a smooth equaliser, a noise floor, a level. `speak` gives an utterance of a voice in a session: vowels,
nasals, fricatives and pauses, drawn by a generator of random numbers. Pulses and noise are filtered frame by frame in
the short-time spectrum. Averages of vowels: Peterson and Barney, "Control methods used in a study of the vowels", 1952.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SAMPLE_RATE = 16000  # Hz
WINDOW, HOP = 512, 128  # samples of a frame, and from one to the next
FREQUENCIES = np.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1)  # Hz
VOWELS = np.array(  # F1, F2, F3 of men, Hz
    [
        *((270, 2290, 3010), (390, 1990, 2550), (530, 1840, 2480), (660, 1720, 2410), (730, 1090, 2440)),
        *((570, 840, 2410), (440, 1020, 2240), (300, 870, 2240), (640, 1190, 2390), (490, 1350, 1690)),
    ]
)
NASALS = np.array([(250, 1100, 2200), (250, 1500, 2500)])
FRICATIVES = np.array([2500.0, 4000.0, 5500.0])  # Hz: where their noise is strongest
UPPER = np.array([3400.0, 4300.0])  # F4, F5 of men, Hz
BANDWIDTHS = np.array([70.0, 90.0, 130.0, 180.0, 250.0])  # Hz
GAINS = np.array([1.0, 0.4, 0.15, 0.06, 0.03])  # of the power of the formants
KINDS, SHARES = ("vowel", "nasal", "fricative", "pause"), (0.6, 0.13, 0.17, 0.1)
SMOOTH = 5  # frames over which a phone passes into the next
BUMPS = 6  # cosines of a channel's equaliser
PEAK = 0.5  # of an utterance at a level of 0 dB


@dataclass(frozen=True)
class FormantVoice:
    """A speaker.

    Attributes:
        gender: f or m. f0: median, Hz. f0_span: standard deviation of the pitch, octaves.
        formants: (5,) factors of the averages of men, from the length of the vocal tract and its own shape.
        tilt: of the source, dB an octave. breath: noise beside the pulses. pace: phones a second.
    """

    gender: str
    f0: float
    f0_span: float
    formants: np.ndarray
    tilt: float
    breath: float
    pace: float


@dataclass(frozen=True)
class SessionChannel:
    """What a room and a microphone do in one session: response (bins,) amplitude, noise floor (bins,), level."""

    response: np.ndarray
    noise: np.ndarray
    level: float


class PhoneSegment(NamedTuple):
    """A stretch of speech: frames; formants (5,) in Hz; strength of voice and of friction; place of friction in Hz."""

    frames: int
    formants: np.ndarray
    voiced: float
    friction: float
    place: float


def draw_voice(rng: np.random.Generator, gender: str) -> FormantVoice:
    """A speaker of a sex: women speak about 0.8 octaves higher, with formants some 17 % higher."""
    low, high, tract = (165, 255, 1.17) if gender == "f" else (85, 155, 1.0)
    formants = tract * np.exp(rng.normal(0, 0.03) + rng.normal(0, 0.04, len(BANDWIDTHS)))
    return FormantVoice(
        gender,
        f0=float(np.exp(rng.uniform(np.log(low), np.log(high)))),
        f0_span=rng.uniform(0.08, 0.25),
        formants=formants,
        tilt=rng.uniform(-10, -3),
        breath=10 ** rng.uniform(-2.3, -1),
        pace=rng.uniform(7, 13),
    )


def draw_channel(rng: np.random.Generator) -> SessionChannel:
    """The channel of a session: a few cosines over the Mel scale, and noise 30 to 50 dB below speech."""
    mel = np.log1p(FREQUENCIES / 700) / np.log1p(FREQUENCIES[-1] / 700)
    cosines = np.cos(np.pi * np.outer(mel, np.arange(1, BUMPS + 1)))  # (bins, BUMPS)
    response = 10 ** (cosines @ rng.normal(0, 3, BUMPS) / 20)
    slope = 10 ** (rng.uniform(-15, 0) * mel / 20)
    return SessionChannel(response, slope * 10 ** (-rng.uniform(30, 50) / 20), 10 ** (rng.uniform(-12, 0) / 20))


def speak(rng: np.random.Generator, voice: FormantVoice, channel: SessionChannel, seconds: float) -> np.ndarray:
    """An utterance of phones that are drawn. Returns (samples,) int16 at SAMPLE_RATE."""
    samples = round(seconds * SAMPLE_RATE)
    return speak_segments(rng, voice, channel, _phones(rng, voice, samples // HOP + 2), samples)


def speak_segments(
    rng: np.random.Generator,
    voice: FormantVoice,
    channel: SessionChannel,
    segments: Sequence[PhoneSegment],
    samples: int,
) -> np.ndarray:
    """An utterance of segments, whose frames (samples // HOP + 2 of them) are HOP apart. Returns (samples,) int16."""
    frames = samples // HOP + 2
    formants, voiced, friction, place = _tracks(segments, frames)
    pulses = _pulses(rng, voice, _upsample(voiced, samples))
    noise = rng.normal(0, 1, samples) * 0.3
    spectra = [_spectrum(signal)[:frames] for signal in (pulses, noise)]
    frames = len(spectra[0])
    vocal = _resonances(formants[:frames], BANDWIDTHS * voice.formants, GAINS)  # (frames, bins)
    tilt = 10 ** (voice.tilt * np.log2(np.maximum(FREQUENCIES, 100) / 100) / 20)
    hiss = _resonances(place[:frames, None], np.array([1200.0]), np.array([0.05]))
    breath = voice.breath * (0.3 + voiced[:frames, None]) * vocal + friction[:frames, None] * hiss
    clean = spectra[0] * vocal * tilt + spectra[1] * breath
    speech = _waveform(clean * channel.response, samples)
    hum = _waveform(_spectrum(rng.normal(0, 1, samples)) * channel.noise * channel.response, samples)
    speech = speech / np.abs(speech).max() + hum * np.sqrt(np.mean(speech**2)) / np.abs(speech).max()
    scaled = speech / np.abs(speech).max() * PEAK * channel.level
    return np.rint(scaled * 32767).astype(np.int16)


def _phones(rng: np.random.Generator, voice: FormantVoice, frames: int) -> list[PhoneSegment]:
    """Phones of so many frames or more."""
    segments: list[PhoneSegment] = []
    start = 0
    while start < frames:
        length = max(4, round(rng.gamma(6, 1 / 6) / voice.pace * SAMPLE_RATE / HOP))
        kind = rng.choice(KINDS, p=SHARES) if start else "vowel"
        table = NASALS if kind == "nasal" else VOWELS
        target = np.concatenate([table[rng.integers(len(table))] * np.exp(rng.normal(0, 0.03, 3)), UPPER])
        voiced = {"vowel": rng.uniform(0.6, 1), "nasal": 0.35, "fricative": 0.05, "pause": 0.0}[kind]
        friction = rng.uniform(0.3, 1) if kind == "fricative" else 0.0
        place = rng.choice(FRICATIVES) * voice.formants[-1]
        segments.append(PhoneSegment(length, target * voice.formants, voiced, friction, place))
        start += length
    return segments


def _tracks(segments: Sequence[PhoneSegment], frames: int) -> tuple[np.ndarray, ...]:
    """Formants (frames, 5) in Hz, strength of voice and friction (frames,), and the place of the friction in Hz."""
    lengths = [segment.frames for segment in segments]
    kernel = np.hanning(SMOOTH + 2)[1:-1] / np.hanning(SMOOTH + 2).sum()

    def smooth(values: Sequence[float]) -> np.ndarray:
        return np.convolve(np.pad(np.repeat(values, lengths)[:frames], SMOOTH // 2, "edge"), kernel, "valid")

    columns = [[segment.formants[number] for segment in segments] for number in range(len(BANDWIDTHS))]
    others = zip(*(segment[2:] for segment in segments), strict=True)
    return np.stack([smooth(column) for column in columns], 1), *map(smooth, others)


def _pulses(rng: np.random.Generator, voice: FormantVoice, strength: np.ndarray) -> np.ndarray:
    """Glottal pulses (samples,), one a period; each is shared by two samples, so that it lies between them."""
    from scipy.signal import lfilter  # --help does not wait for it

    samples = len(strength)
    points = samples // 1600 + 3  # ten a second
    melody = lfilter([0.6], [1, -0.8], rng.normal(0, 1, points))  # of unit variance
    melody = melody * voice.f0_span - np.linspace(0, 0.15, points)  # octaves
    f0 = voice.f0 * 2 ** np.interp(np.arange(samples), np.arange(points) * 1600, melody)
    phase = np.cumsum(f0 / SAMPLE_RATE)
    starts = np.searchsorted(phase, np.arange(1, int(phase[-1]) + 1))
    late = (phase[starts] - np.arange(1, len(starts) + 1)) / (f0[starts] / SAMPLE_RATE)  # share of a sample
    size = strength[starts] * (1 + rng.normal(0, 0.05, len(starts)))
    pulses = np.zeros(samples + 1)
    pulses[starts] += size * (1 - late)
    pulses[starts - 1] += size * late
    return pulses[:samples] * np.sqrt(SAMPLE_RATE / voice.f0)


def _upsample(track: np.ndarray, samples: int) -> np.ndarray:
    return np.interp(np.arange(samples), np.arange(len(track)) * HOP, track)


def _resonances(centres: np.ndarray, widths: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Amplitude (frames, bins) of resonances (frames, n) in Hz, of widths (n,) and gains of power (n,), in parallel."""
    power = np.zeros((len(centres), len(FREQUENCIES)))
    for centre, width, gain in zip(centres.T, widths, gains, strict=True):
        power += gain / (1 + ((FREQUENCIES - centre[:, None]) / width) ** 2)
    return np.sqrt(power)


def _spectrum(signal: np.ndarray) -> np.ndarray:
    """Short-time spectrum (frames, bins)."""
    from scipy.signal import stft

    return stft(signal, SAMPLE_RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)[2].T


def _waveform(spectrum: np.ndarray, samples: int) -> np.ndarray:
    from scipy.signal import istft

    return istft(spectrum.T, SAMPLE_RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)[1][:samples]
