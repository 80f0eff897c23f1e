"""Speaker embeddings of the Resemblyzer package: a GE2E network whose weights are in its wheel; works offline.

Input: waveforms at 16 kHz. Output: an embedding of 256 dimensions and unit length for each. As in the package, quiet
speech is made louder, long silences are removed, windows of 1.6 s are embedded, and their embeddings are averaged. Here
the network takes the windows of many utterances at once.
Network: L. Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.audio.containers import AudioProblem
from steps.embed.backend import Backend, halves_of_windows
from steps.features.mel import mel_filters, mel_spectrogram
from utils.extras import extra, require
from utils.options import option
from utils.pointer_files import refuse_pointer

WINDOW, HOP, BANDS = 400, 160, 40  # samples: 25 ms, 10 ms; mel bands
LOUDNESS = -30  # dB of full scale, of the mean power; louder speech is not changed
VAD_WINDOW, VAD_MODE = 480, 3  # samples: 30 ms; the strictest mode
VAD_AVERAGE, VAD_MARGIN = 8, 7  # windows: the majority of 8 decides, then speech is widened by 3 on either side
ROWS = 256  # windows in one call of the network


@dataclass(frozen=True)
class ResemblyzerOptions:
    """Options of the network; the defaults are the package's."""

    partials_per_second: float = option(1.3, "windows of 1.6 s that begin in a second", least=0.625, most=100)
    least_coverage: float = option(0.75, "share of the last window that must be speech", above=0, most=1)


class Partials(NamedTuple):
    """Features of B utterances: mel spectrograms (P, 160, 40) float32 of all windows, and the windows of each (B)."""

    mels: np.ndarray
    counts: list[int]


class Resemblyzer(Backend):
    """The network on one device; on a CPU with one thread, since more make so small a network no faster."""

    Options = ResemblyzerOptions
    name, dim, min_seconds, any_length, longest = "resemblyzer", 256, 0.5, True, None

    def __init__(self, options: ResemblyzerOptions, device: str = "cpu"):
        super().__init__(options, device)
        with extra("The encoder of Resemblyzer"):
            import torch
            import webrtcvad
            from resemblyzer import VoiceEncoder
        torch.set_num_threads(1)
        for file in self.files(options):
            refuse_pointer(file)
        self.network = VoiceEncoder(device, verbose=False).eval()  # the checkpoint is read as tensors only
        self.detector = partial(webrtcvad.Vad, VAD_MODE)  # made anew for each waveform, since it adapts to the noise
        self.filters = mel_filters(self.sample_rate, WINDOW, BANDS)

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """Make a waveform louder, and remove long silences. Raises AudioProblem `no_speech` where nothing is left."""
        from resemblyzer import normalize_volume

        speech = (
            self._speech(normalize_volume(waveform, LOUDNESS, increase_only=True)) if waveform.any() else waveform[:0]
        )
        if not len(speech):
            seconds = len(waveform) / self.sample_rate
            raise AudioProblem("no_speech", f"no speech in {seconds:.2f} s; is it silent, or not at 16 kHz?")
        return speech

    def _speech(self, waveform: np.ndarray) -> np.ndarray:
        """The speech in a waveform: that of the package's `trim_long_silences`, found 20 times as fast."""
        from scipy.ndimage import binary_dilation

        n = len(waveform) // VAD_WINDOW
        waveform = waveform[: n * VAD_WINDOW]
        pcm = np.round(waveform * 32767).astype(np.int16).tobytes()
        size = 2 * VAD_WINDOW
        is_speech = self.detector().is_speech
        voiced = [is_speech(pcm[i * size : (i + 1) * size], self.sample_rate) for i in range(n)]
        margins = ((VAD_AVERAGE - 1) // 2, VAD_AVERAGE // 2)
        sums = (
            np.convolve(np.pad(np.array(voiced, float), margins), np.ones(VAD_AVERAGE), "valid") if n else np.empty(0)
        )
        kept = binary_dilation(np.round(sums / VAD_AVERAGE).astype(bool), np.ones(VAD_MARGIN))
        return waveform[np.repeat(kept, VAD_WINDOW)]

    def features(self, waveforms: Sequence[np.ndarray]) -> Partials:
        """Mel spectrograms of the windows of B prepared utterances."""
        windows = [self._windows(speech) for speech in waveforms]
        return Partials(np.concatenate(windows), [len(rows) for rows in windows])

    def _windows(self, speech: np.ndarray) -> np.ndarray:
        """(P, 160, 40) of one utterance."""
        samples, frames = self.network.compute_partial_slices(
            len(speech), self.options.partials_per_second, self.options.least_coverage
        )
        speech = np.pad(speech, (0, max(0, samples[-1].stop - len(speech))))
        mel = mel_spectrogram(speech, self.filters, HOP)
        return np.stack([mel[part] for part in frames])

    def forward(self, features: Partials) -> np.ndarray:
        """(B, 256) float32: the mean of each utterance's windows, scaled to unit length."""
        import torch

        with torch.inference_mode():
            rows = [self.network(mels.to(self.device)).cpu() for mels in torch.from_numpy(features.mels).split(ROWS)]
        windows = torch.cat(rows).numpy()  # (P, 256)
        means = [part.mean(axis=0) for part in np.split(windows, np.cumsum(features.counts)[:-1])]
        return np.stack([mean / np.linalg.norm(mean) for mean in means])

    def halves(self, features: Partials) -> list[Partials]:
        """Of the utterances, each with all of its windows."""
        return halves_of_windows(features)

    @classmethod
    def files(cls, options: ResemblyzerOptions) -> list[Path]:
        """The weights in the package."""
        require("The encoder of Resemblyzer", "resemblyzer")
        return [Path(importlib.util.find_spec("resemblyzer").origin).with_name("pretrained.pt")]
