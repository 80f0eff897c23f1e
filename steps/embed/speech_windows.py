"""What Resemblyzer does with waveforms before its network: louder, without long silences, mel spectrograms of windows.

Input: waveforms at 16 kHz. Output: what the package's `preprocess_wav` and `embed_utterance` give their network, found
several times as fast. Without torch and without the package, so that processes which only decode start at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from steps.audio.containers import AudioProblem
from steps.audio.loudness import FULL_SCALE, louder
from steps.features.mel import mel_filters, mel_spectrogram
from utils.options import option

WINDOW, HOP, BANDS = 400, 160, 40  # samples: 25 ms, 10 ms; mel bands
FRAMES = 160  # of a window: 1.6 s
LOUDNESS = -30  # dB of full scale, of the mean power; louder speech is not changed
VAD_WINDOW, VAD_MODE = 480, 3  # samples: 30 ms; the strictest mode
VAD_AVERAGE, VAD_MARGIN = 8, 7  # windows: the majority of 8 decides, then speech is widened by 3 on either side


@dataclass(frozen=True)
class ResemblyzerOptions:
    """Options of the network; the defaults are the package's."""

    partials_per_second: float = option(1.3, "windows of 1.6 s that begin in a second", least=0.625, most=100)
    least_coverage: float = option(0.75, "share of the last window that must be speech", above=0, most=1)


class Partials(NamedTuple):
    """Features of B utterances: mel spectrograms (P, 160, 40) float32 of all windows, and the windows of each (B)."""

    mels: np.ndarray
    counts: list[int]


@dataclass(frozen=True)
class SpeechWindows:
    """The front end of Resemblyzer.

    Attributes:
        options: of the network. sample_rate, min_seconds: see `steps.embed.backend.FrontEnd`.
    """

    options: ResemblyzerOptions
    sample_rate: int = 16000
    min_seconds: float = 0.5

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """Make a waveform louder, and remove long silences. Raises AudioProblem `no_speech` where nothing is left."""
        speech = self._speech(louder(waveform, LOUDNESS)) if waveform.any() else waveform[:0]
        if not len(speech):
            seconds = len(waveform) / self.sample_rate
            raise AudioProblem("no_speech", f"no speech in {seconds:.2f} s; is it silent, or not at 16 kHz?")
        return speech

    def _speech(self, waveform: np.ndarray) -> np.ndarray:
        """The speech in a waveform: that of the package's `trim_long_silences`, found 20 times as fast."""
        import webrtcvad

        n = len(waveform) // VAD_WINDOW
        waveform = waveform[: n * VAD_WINDOW]
        pcm = np.round(waveform * FULL_SCALE).astype(np.int16).tobytes()
        size = 2 * VAD_WINDOW
        is_speech = webrtcvad.Vad(VAD_MODE).is_speech  # anew for each waveform, since it adapts to the noise
        voiced = [is_speech(pcm[i * size : (i + 1) * size], self.sample_rate) for i in range(n)]
        margins = ((VAD_AVERAGE - 1) // 2, VAD_AVERAGE // 2)
        sums = (
            np.convolve(np.pad(np.array(voiced, float), margins), np.ones(VAD_AVERAGE), "valid") if n else np.empty(0)
        )
        kept = widened(np.round(sums / VAD_AVERAGE).astype(bool), VAD_MARGIN // 2)
        return waveform[np.repeat(kept, VAD_WINDOW)]

    def features(self, waveforms: Sequence[np.ndarray]) -> Partials:
        """Mel spectrograms of the windows of B prepared utterances."""
        windows = [self._windows(speech) for speech in waveforms]
        return Partials(np.concatenate(windows), [len(rows) for rows in windows])

    def _windows(self, speech: np.ndarray) -> np.ndarray:
        """(P, 160, 40) of one utterance."""
        starts = self.starts(len(speech))
        speech = np.pad(speech, (0, max(0, (starts[-1] + FRAMES) * HOP - len(speech))))
        mel = mel_spectrogram(speech, self._filters, HOP)
        return np.stack([mel[start : start + FRAMES] for start in starts])

    def starts(self, samples: int) -> list[int]:
        """The first frames of the windows, as the package's `compute_partial_slices` has them."""
        frames = -(-(samples + 1) // HOP)
        step = round(self.sample_rate / self.options.partials_per_second / HOP)
        starts = list(range(0, max(1, frames - FRAMES + step + 1), step))
        coverage = (samples - starts[-1] * HOP) / (FRAMES * HOP)
        return starts[:-1] if coverage < self.options.least_coverage and len(starts) > 1 else starts

    @cached_property
    def _filters(self) -> np.ndarray:
        return mel_filters(self.sample_rate, WINDOW, BANDS)


def widened(kept: np.ndarray, margin: int) -> np.ndarray:
    """Flags (n,) that are true where one within so many places is: as scipy's `binary_dilation`, without its start."""
    counts = np.cumsum(np.pad(kept, (margin + 1, margin)), dtype=np.int64)  # (1 + n + 2 margin,)
    return counts[2 * margin + 1 :] > counts[: len(kept)]
