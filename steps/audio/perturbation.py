"""Perturbed waveforms: the same words in another room, through another microphone, with noise, at another level.

Input: a waveform, a random generator, and the ranges from which all is drawn. Output: a waveform of the same length in
-1..1, not shifted in time and not clipped. The order is that of a recording: room, noise in the room, equaliser of the
microphone, gain. All filters and the noise are one product of spectra, so that a waveform is transformed once forth and
once back.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from utils.errors import InputError
from utils.option_values import raw_values
from utils.options import option

DIRECT = 0.005  # seconds after which the first reflection may arrive
EARLY, EARLY_SECONDS = 8, 0.05  # reflections, and when the last of them arrives
LOUDEST = 0.99  # of full scale: a waveform that would be louder is scaled down
DECAY = np.log(1e3)  # of the amplitude, by 60 dB, within the reverberation time
LOWEST = 62.5  # Hz, of the equaliser; its gain is constant below
ROOM_TAIL = 1.1  # reverberation times that the response of a room lasts


@dataclass(frozen=True)
class PerturbationOptions:
    """What is done, and the ranges from which it is drawn uniformly."""

    room: bool = option(True, "add reverberation")
    reverberation_least: float = option(0.2, "seconds in which the room's sound falls by 60 dB", above=0, most=10)
    reverberation_most: float = option(0.8, "the longest of them", above=0, most=10)
    direct_least: float = option(-3.0, "dB of the direct sound over the reverberation", least=-60, most=60)
    direct_most: float = option(9.0, "the highest of them", least=-60, most=60)
    noise: bool = option(True, "add noise")
    snr_least: float = option(5.0, "dB of the utterance over the noise", least=-60, most=100)
    snr_most: float = option(25.0, "the highest of them", least=-60, most=100)
    colour_least: float = option(0.0, "dB by which the noise falls an octave: 0 is white, 3 pink", least=-12, most=24)
    colour_most: float = option(6.0, "the steepest of them", least=-12, most=24)
    equaliser: bool = option(True, "apply a random smooth gain curve")
    equaliser_db: float = option(10.0, "dB: gains lie between minus and plus this", least=0, most=60)
    equaliser_octaves: float = option(1.0, "distance of the curve's points", least=0.1, most=10)
    gain: bool = option(True, "change the level")
    gain_least: float = option(-12.0, "dB of the level over that before", least=-80, most=40)
    gain_most: float = option(6.0, "the highest of them; what would be clipped is scaled down", least=-80, most=40)


def check_perturbation(options: PerturbationOptions) -> None:
    """Raise InputError for a range whose end is below its beginning."""
    for name, least in raw_values(options).items():
        most = getattr(options, name.replace("_least", "_most"))
        if least > most:
            raise InputError(f"{name} {least:g}: beyond {name.replace('_least', '_most')} {most:g}")


def stream_of(seed: int, utterance: str, copy: int = 0) -> np.random.Generator:
    """The random generator of one copy of an utterance: no other copy, order or job changes it."""
    digest = hashlib.sha256(f"{seed} {copy} {utterance}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def perturb(
    waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, options: PerturbationOptions
) -> np.ndarray:
    """A perturbed waveform (samples,) float32 of one (samples,) in -1..1."""
    from scipy.fft import irfft, next_fast_len, rfft

    waveform = np.asarray(waveform, np.float32)
    samples, level = len(waveform), _level(waveform)
    if not level:
        return waveform.copy()
    response = _room(sample_rate, rng, options) if options.room else np.ones(1, np.float32)
    size = next_fast_len(samples + max(len(response), sample_rate // 10), real=True)
    spectrum = rfft(waveform, size)  # (size / 2 + 1,) complex64
    if options.room:
        spectrum *= rfft(response, size)
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    if options.noise:
        spectrum += _noise(spectrum, hertz, rng, options)
    if options.equaliser:
        spectrum *= _equaliser(hertz, rng, options)
    changed = irfft(spectrum, size)[:samples]
    decibels = rng.uniform(options.gain_least, options.gain_most) if options.gain else 0.0
    factor = level / (_level(changed) or 1.0) * 10 ** (decibels / 20)
    return changed * np.float32(min(factor, LOUDEST / max(float(np.abs(changed).max()), 1e-9)))


def _level(waveform: np.ndarray) -> float:
    """The root of the mean square of a waveform."""
    return float(np.sqrt(np.einsum("t,t->", waveform, waveform, dtype=np.float64) / max(len(waveform), 1)))


def _room(sample_rate: int, rng: np.random.Generator, options: PerturbationOptions) -> np.ndarray:
    """The response of a random room (samples,): the direct sound, a few early reflections, then a tail of noise that
    decays exponentially (Polack 1988). The direct sound is the first sample, so nothing is delayed.
    """
    seconds = rng.uniform(options.reverberation_least, options.reverberation_most)
    times = np.arange(max(int(ROOM_TAIL * seconds * sample_rate), 2), dtype=np.float32) / sample_rate
    decay = np.exp(np.float32(-DECAY / seconds) * times)
    tail = rng.standard_normal(len(times), np.float32) * decay
    tail[times < EARLY_SECONDS * rng.uniform(0.2, 0.6)] = 0  # until the reflections are dense
    arrivals = (rng.uniform(DIRECT, EARLY_SECONDS, EARLY) * sample_rate).astype(int)
    arrivals = arrivals[arrivals < len(tail)]
    tail[arrivals] += decay[arrivals] * rng.uniform(2, 6, EARLY)[: len(arrivals)].astype(np.float32)
    tail[0] = 0
    ratio = 10 ** (rng.uniform(options.direct_least, options.direct_most) / 20)
    power = float(np.sqrt(np.sum(tail * tail, dtype=np.float64)))
    response = tail / np.float32(max(power, 1e-9) * ratio)
    response[0] = 1
    return response


def _noise(
    spectrum: np.ndarray, hertz: np.ndarray, rng: np.random.Generator, options: PerturbationOptions
) -> np.ndarray:
    """The spectrum of Gaussian noise of a random colour, so far below that of the utterance as a random ratio says."""
    snr = rng.uniform(options.snr_least, options.snr_most)
    slope = rng.uniform(options.colour_least, options.colour_most)  # dB an octave
    parts = rng.standard_normal((len(spectrum), 2), np.float32).view(np.complex64)[:, 0]
    octaves = np.log2(np.maximum(hertz, LOWEST) / LOWEST).astype(np.float32)
    noise = parts * np.exp(np.float32(-slope * np.log(10) / 20) * octaves)
    wanted = _energy(spectrum) / 10 ** (snr / 10)
    return noise * np.float32(np.sqrt(wanted / _energy(noise)))


def _energy(spectrum: np.ndarray) -> float:
    """The sum of squares, in an order that no number of threads changes."""
    parts = spectrum.view(np.float32)
    return float(np.einsum("t,t->", parts, parts, dtype=np.float64))


def _equaliser(hertz: np.ndarray, rng: np.random.Generator, options: PerturbationOptions) -> np.ndarray:
    """Gains at the frequencies: a cubic through points that are some octaves apart, without change of phase."""
    from scipy.interpolate import PchipInterpolator

    octaves = np.log2(np.maximum(hertz, LOWEST) / LOWEST)
    points = np.arange(0, octaves[-1] + options.equaliser_octaves, options.equaliser_octaves)
    points = points if len(points) > 1 else np.array([0.0, options.equaliser_octaves])
    decibels = rng.uniform(-options.equaliser_db, options.equaliser_db, len(points))
    return (10 ** (PchipInterpolator(points, decibels)(octaves) / 20)).astype(np.float32)
