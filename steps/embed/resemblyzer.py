"""Speaker embeddings of the Resemblyzer package: a GE2E network whose weights are in its wheel; works offline.

Input: waveforms at 16 kHz; output: one embedding of 256 dimensions each. An encoder of embeddings has `name`, `dim`,
`sample_rate` and `embed`. Network: L. Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018.
"""

from collections.abc import Sequence

import numpy as np

from steps.embed.mel import mel_filters, mel_spectrogram
from utils.errors import InputError

WINDOW, HOP, BANDS = 400, 160, 40  # samples: 25 ms, 10 ms; mel bands
PARTIALS_PER_SECOND, LEAST_COVERAGE = 1.3, 0.75  # the package's defaults: windows of 1.6 s are embedded, then averaged


class ResemblyzerEncoder:
    """The network and its weights in this process, on one CPU thread: so small a network gains nothing from more."""

    name, dim, sample_rate = "resemblyzer", 256, 16000

    def __init__(self) -> None:
        try:
            import torch
            from resemblyzer import VoiceEncoder, preprocess_wav
        except ImportError as error:
            raise InputError(
                f"the Resemblyzer encoder is not installed ({error}); utils/setup_env.sh --extras audio installs it"
            ) from error
        torch.set_num_threads(1)
        self.network = VoiceEncoder(
            "cpu", verbose=False
        ).eval()  # torch reads the checkpoint as tensors only: no pickled code runs
        self.preprocess = preprocess_wav
        self.filters = mel_filters(self.sample_rate, WINDOW, BANDS)

    def embed(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Embed each waveform by itself, so that no embedding depends on its neighbours.

        Args:
            waveforms: N arrays (samples,) of floats in -1..1 at 16 kHz.
        Returns:
            (N, 256) float32 of unit length. Raises InputError for a waveform without speech.
        """
        rows = [self._embed(waveform, number) for number, waveform in enumerate(waveforms)]
        return np.array(rows, dtype=np.float32).reshape(-1, self.dim)

    def _embed(self, waveform: np.ndarray, number: int) -> np.ndarray:
        import torch

        speech = self.preprocess(waveform) if np.any(waveform) else waveform[:0]  # made louder, long silences taken out
        if not len(speech):
            seconds = len(waveform) / self.sample_rate
            raise InputError(f"waveform {number}: no speech in {seconds:.2f} s; is it silent, or not at 16 kHz?")
        samples, frames = self.network.compute_partial_slices(len(speech), PARTIALS_PER_SECOND, LEAST_COVERAGE)
        speech = np.pad(speech, (0, max(0, samples[-1].stop - len(speech))))
        mel = mel_spectrogram(speech, self.filters, HOP)
        with torch.inference_mode():
            partials = self.network(torch.from_numpy(np.stack([mel[part] for part in frames]))).numpy()  # (P, 256)
        mean = partials.mean(axis=0)
        return mean / np.linalg.norm(mean)
