"""Syllable nuclei of a waveform: peaks of intensity that are loud, voiced and separated by dips.

After N. H. de Jong and T. Wempe, "Praat script to detect syllable nuclei and measure speech rate automatically",
Behavior Research Methods 41(2), 2009. Differences from the paper are noted beside the constants, which were tuned on
speech of espeak-ng, whose syllables are known (tests/steps/attributes/test_syllables.py).
"""

from dataclasses import dataclass

import numpy as np
import parselmouth

from steps.attributes.pitch import PitchTrack

# Hz: Praat's window of intensity is 6.4 periods of this. With the paper's 50 Hz, the short syllables of fast speech
# merge into one.
LOWEST_PITCH = 100.0
STEP = 0.01  # seconds between frames
LOUDEST = 99  # percentile of intensity in place of the maximum, so that a click does not count
SILENCE = 25.0  # dB below LOUDEST
LEAST_DIP = 2.0  # dB between two nuclei


@dataclass(frozen=True, eq=False)
class Intensity:
    """Loudness over time: times (F,) in seconds, level (F,) in dB, and the level above which a frame sounds."""

    times: np.ndarray
    level: np.ndarray
    threshold: float


def intensity_of(sound: parselmouth.Sound) -> Intensity | None:
    """The intensity of a sound; None if it is shorter than Praat's window."""
    if sound.duration <= 6.4 / LOWEST_PITCH + STEP:
        return None
    intensity = sound.to_intensity(minimum_pitch=LOWEST_PITCH, time_step=STEP)
    level = intensity.values[0]
    return Intensity(intensity.xs(), level, float(np.percentile(level, LOUDEST) - SILENCE))


def count_nuclei(sound: parselmouth.Sound, pitch: PitchTrack) -> int:
    """The number of syllable nuclei of a sound whose F0 is `pitch`."""
    intensity = intensity_of(sound)
    if intensity is None:
        return 0
    level, loud = intensity.level, intensity.level[1:-1] > intensity.threshold
    peaks = 1 + np.flatnonzero((level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:]) & loud)
    nuclei = separated_peaks(level, peaks, LEAST_DIP)
    return int(np.count_nonzero(pitch.voiced(intensity.times[nuclei])))


def separated_peaks(level: np.ndarray, peaks: np.ndarray, dip: float) -> np.ndarray:
    """The peaks that dips of `dip` or more below the lower peak separate; of peaks without a dip, the highest.

    Args:
        level: (F,) dB. peaks: (P,) frames in order.
    """
    kept: list[int] = []
    for peak in peaks.tolist():
        if not kept:
            kept.append(peak)
            continue
        lowest = level[kept[-1] : peak].min()
        if min(level[kept[-1]], level[peak]) - lowest >= dip:
            kept.append(peak)
        elif level[peak] > level[kept[-1]]:
            kept[-1] = peak
    return np.array(kept, int)
