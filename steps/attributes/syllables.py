"""Syllable nuclei of a waveform: peaks of intensity that are loud, voiced and separated by dips.

After N. H. de Jong and T. Wempe, "Praat script to detect syllable nuclei and measure speech rate automatically",
Behavior Research Methods 41(2), 2009. Differences from the paper are noted beside the constants, which were tuned on
speech of espeak-ng, whose syllables are known (tests/steps/attributes/test_syllables.py).
"""

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


def count_nuclei(sound: parselmouth.Sound, pitch: PitchTrack) -> int:
    """The number of syllable nuclei of a sound whose F0 is `pitch`."""
    if sound.duration <= 6.4 / LOWEST_PITCH + STEP:  # Praat's window
        return 0
    intensity = sound.to_intensity(minimum_pitch=LOWEST_PITCH, time_step=STEP)
    level = intensity.values[0]  # (F,) dB
    threshold = np.percentile(level, LOUDEST) - SILENCE
    peaks = 1 + np.flatnonzero((level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:]) & (level[1:-1] > threshold))
    nuclei = separated_peaks(level, peaks, LEAST_DIP)
    return int(np.count_nonzero(pitch.voiced(intensity.xs()[nuclei])))


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
