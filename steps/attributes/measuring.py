"""One utterance measured by Praat: F0 and syllable nuclei."""

import parselmouth

from steps.attributes.measurements import UNVOICED, Measurement
from steps.attributes.pitch import LEAST_VOICED, track
from steps.attributes.syllables import count_nuclei
from steps.audio.read import AudioProblem, load
from steps.audio.recordings import Utterance

SAMPLE_RATE = 16000


def measure(utterance: Utterance) -> Measurement:
    """Read and measure an utterance; what cannot be read or is unvoiced comes with the reason."""
    try:
        waveform = load(utterance, SAMPLE_RATE).waveform
    except AudioProblem as problem:
        return Measurement(utterance.id, reason=problem.reason, detail=problem.detail)
    return measure_waveform(utterance.id, waveform)


def measure_waveform(key: str, waveform) -> Measurement:
    """Measure a waveform (samples,) of 16 kHz in -1..1."""
    sound = parselmouth.Sound(waveform, SAMPLE_RATE)
    pitch = track(sound)
    f0, voiced = pitch.median, round(pitch.voiced_seconds, 2)
    found = {"seconds": round(sound.duration, 3), "voiced": voiced, "nuclei": count_nuclei(sound, pitch)}
    if f0 is None:
        return Measurement(key, **found, reason=UNVOICED, detail=f"{voiced:g} s voiced, less than {LEAST_VOICED:g} s")
    return Measurement(key, f0=round(f0, 2), **found)
