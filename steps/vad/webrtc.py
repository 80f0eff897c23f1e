"""Speech is what the detector of WebRTC takes for it: Gaussians of the energies of six bands, which adapt to the noise.

Its windows of 10, 20 or 30 ms follow each other; a frame of 25 ms is speech where the window at its middle is.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from steps.audio.loudness import FULL_SCALE, louder
from steps.features.rates import RESAMPLE, at_rate
from steps.vad.windows import FlaggedWindows
from utils.extras import require
from utils.options import option

RATES = (8000, 16000, 32000, 48000)  # Hz that it takes


@dataclass(frozen=True)
class WebrtcOptions:
    """What decides."""

    mode: int = option(2, "0 to 3: the higher, the less is speech", least=0, most=3)
    window: int = option(10, "ms of its windows", choices=(10, 20, 30), least=10, most=30)
    loudness: float | None = option(
        None, "dB of full scale, to which the mean power of quieter utterances is raised first", least=-100, most=0
    )


class Webrtc:
    """Waveforms (samples,) -> speech (T,) bool."""

    Options: ClassVar[type] = WebrtcOptions

    def __init__(self, options: WebrtcOptions, sample_rate: int):
        require("the detector webrtc", "webrtcvad")
        self.options, self.sample_rate = options, sample_rate
        self.rate = max((rate for rate in RATES if rate <= sample_rate), default=RATES[0])

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        voiced = self._windows(at_rate(waveform, self.sample_rate, self.rate, RESAMPLE))
        return FlaggedWindows(1000, self.options.window).frames(voiced, len(waveform), self.sample_rate)

    def _windows(self, waveform: np.ndarray) -> np.ndarray:
        """Whether each of its windows is speech, (N,) bool; the last is filled with silence."""
        from webrtcvad import Vad

        size = self.rate * self.options.window // 1000
        n = -(-len(waveform) // size)
        if self.options.loudness is not None and waveform.any():
            waveform = louder(waveform, self.options.loudness)
        samples = np.pad(np.clip(waveform, -1, 1), (0, n * size - len(waveform)))
        pcm = np.round(samples * FULL_SCALE).astype("<i2").tobytes()
        is_speech = Vad(self.options.mode).is_speech  # anew for each waveform, since it adapts to the noise
        return np.array([is_speech(pcm[2 * size * i : 2 * size * (i + 1)], self.rate) for i in range(n)], bool)
