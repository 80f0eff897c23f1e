"""F0 of a waveform by Praat's autocorrelation, in a range that is found for each utterance.

The method is that of P. Boersma, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", Proc. IFA 17, 1993, in the implementation of praat-parselmouth. No single
range suits men and women: a floor for men halves the F0 of women, and a ceiling for women doubles that of men. F0 is
therefore tracked twice (C. De Looze and D. Hirst, "Detecting changes in key and range for the automatic modelling and
coding of intonation", Speech Prosody 2008): coarsely from 71 to 500 Hz, then from 0.75 times the first quartile, but
not below 71 Hz, to 1.5 times the third quartile. The gender need not be known.
"""

from dataclasses import dataclass

import numpy as np
import parselmouth

WIDEST = (71.0, 500.0)  # Hz; with three periods of 70 Hz at 16 kHz Praat would need twice the Fourier transform
BELOW_FIRST_QUARTILE, ABOVE_THIRD_QUARTILE = 0.75, 1.5
COARSE, FINE = 0.025, 0.02  # seconds between frames
LEAST_VOICED = 0.2  # seconds: a shorter voiced part may be noise, and its median is unreliable


@dataclass(frozen=True, eq=False)
class PitchTrack:
    """F0 over time.

    Attributes:
        times: (F,) seconds, the middles of the frames, FINE apart.
        hertz: (F,) F0; 0 where the frame is unvoiced.
    """

    times: np.ndarray
    hertz: np.ndarray

    @property
    def voiced_seconds(self) -> float:
        """Length of all voiced frames together."""
        return FINE * int(np.count_nonzero(self.hertz))

    @property
    def median(self) -> float | None:
        """Median F0 of the voiced frames in Hz; None where less than LEAST_VOICED is voiced."""
        if self.voiced_seconds < LEAST_VOICED:
            return None
        return float(np.median(self.hertz[self.hertz > 0]))

    def voiced(self, times: np.ndarray) -> np.ndarray:
        """Is the frame that is nearest to each of `times` (N,) voiced? Returns (N,) bool."""
        if not len(self.times):
            return np.zeros(len(times), bool)
        nearest = np.rint((times - self.times[0]) / FINE).astype(int)
        return self.hertz[np.clip(nearest, 0, len(self.times) - 1)] > 0


def track(sound: parselmouth.Sound) -> PitchTrack:
    """F0 of a sound in the range that its coarse F0 suggests; no frames if it is shorter than Praat's window."""
    coarse = _track(sound, COARSE, *WIDEST)
    voiced = coarse.hertz[coarse.hertz > 0]
    if not len(voiced):
        return coarse
    first, third = np.percentile(voiced, [25, 75])
    floor = max(WIDEST[0], BELOW_FIRST_QUARTILE * first)
    return _track(sound, FINE, floor, ABOVE_THIRD_QUARTILE * third)


def _track(sound: parselmouth.Sound, step: float, floor: float, ceiling: float) -> PitchTrack:
    if sound.duration <= 3 / floor + step:  # Praat's window is three periods of the floor
        return PitchTrack(np.empty(0), np.empty(0))
    pitch = sound.to_pitch_ac(time_step=step, pitch_floor=floor, pitch_ceiling=ceiling)
    return PitchTrack(pitch.xs(), pitch.selected_array["frequency"])
