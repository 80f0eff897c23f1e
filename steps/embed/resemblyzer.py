"""Speaker embeddings of the Resemblyzer package: a GE2E network whose weights are in its wheel; works offline.

Input: waveforms at 16 kHz. Output: an embedding of 256 dimensions and unit length for each. As in the package, quiet
speech is made louder, long silences are removed, windows of 1.6 s are embedded, and their embeddings are averaged. Here
the network takes the windows of many utterances at once, and the package itself is not imported.
"""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from steps.embed.backend import Backend, halves_of_windows
from steps.embed.speech_windows import Partials, ResemblyzerOptions, SpeechWindows
from steps.embed.torch_settings import settle_torch
from steps.embed.transfer import Transfer
from utils.extras import extra, require

ROWS = {"cpu": 256, "cuda": 2048}  # windows in one call of the network


class Resemblyzer(Backend):
    """The network on one device; on a CPU with one thread, since more make so small a network no faster."""

    Options = ResemblyzerOptions
    name, dim, min_seconds, any_length, longest = "resemblyzer", 256, 0.5, True, None

    def __init__(self, options: ResemblyzerOptions, device: str = "cpu"):
        super().__init__(options, device)
        (weights,) = self.files(options)
        with extra("The encoder of Resemblyzer"):
            import torch
            import webrtcvad  # noqa: F401
        from steps.networks.foreign_weights import read_tensors
        from steps.networks.ge2e import GE2E

        torch.set_num_threads(1)
        if device != "cpu":
            settle_torch(device)
        self.network, stored = GE2E(), read_tensors(weights)["model_state"]
        self.network.load_state_dict({name: stored[name] for name in self.network.state_dict()})
        self.network.eval().requires_grad_(False).to(device)
        self.windows = self.front_end(options)
        self.transfer = Transfer(device)
        self.rows = ROWS[torch.device(device).type]

    @classmethod
    def front_end(cls, options: ResemblyzerOptions) -> SpeechWindows:
        """All but the network."""
        return SpeechWindows(options)

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """Make a waveform louder, and remove long silences. Raises AudioProblem `no_speech` where nothing is left."""
        return self.windows.prepare(waveform)

    def features(self, waveforms: Sequence[np.ndarray]) -> Partials:
        """Mel spectrograms of the windows of B prepared utterances."""
        return self.windows.features(waveforms)

    def forward(self, features: Partials) -> np.ndarray:
        """(B, 256) float32: the mean of each utterance's windows, scaled to unit length."""
        return self.begin(features)()

    def begin(self, features: Partials) -> Callable[[], np.ndarray]:
        """Begin to compute what `forward` returns."""
        import torch

        from steps.training.precision import products_in

        counts = list(features.counts)
        with torch.inference_mode(), products_in(self.precision, self.transfer.device):
            (mels,) = self.transfer.to_device(features.mels)
            rows = self.transfer.to_host(torch.cat([self.network(some) for some in mels.split(self.rows)]))

        def finish() -> np.ndarray:
            means = [part.mean(axis=0) for part in np.split(rows(), np.cumsum(counts)[:-1])]
            return np.stack([mean / np.linalg.norm(mean) for mean in means])

        return finish

    def halves(self, features: Partials) -> list[Partials]:
        """Of the utterances, each with all of its windows."""
        return halves_of_windows(features)

    @classmethod
    def files(cls, options: ResemblyzerOptions) -> list[Path]:
        """The weights in the package."""
        require("The encoder of Resemblyzer", "resemblyzer")
        return [Path(importlib.util.find_spec("resemblyzer").origin).with_name("pretrained.pt")]
