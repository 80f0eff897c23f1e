"""Units of HuBERT: the nearest centroid to each frame of one of its layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.data.unit_sequences import UnitsInfo
from steps.units.backends import HUBERT
from steps.units.hubert_layers import SAMPLE_RATE, HubertLayer, frame_times
from steps.units.hubert_model import CONFIG, is_normalised, weights_file
from steps.units.kmeans_files import read_centroids
from utils.errors import InputError
from utils.options import option


@dataclass(frozen=True)
class HubertOptions:
    """What decides the units, and how they are made."""

    layer: int = option(help="whose output is taken, from 1", least=1, most=1000)
    kmeans: Path = option(help="centroids: of steps/units/train.sh, or a file .npz, .npy or of faiss")
    normalise: str = option("auto", "waveforms first; auto: as the model says", choices=("auto", "true", "false"))
    use_gpu: str = option("auto", "run the network on a GPU", choices=("auto", "true", "false"))
    batch_seconds: float | None = option(
        None, "most audio in a batch; default: as the memory allows", above=0, most=1e6
    )


class HubertEncoder:
    """Waveforms -> units."""

    Options: ClassVar[type] = HubertOptions
    FREE: ClassVar[tuple[str, ...]] = ("use_gpu", "batch_seconds", "kmeans")  # whose content is in the model's name

    def __init__(self, model: Path, options: HubertOptions):
        self.layer = HubertLayer(model, options.layer, options.normalise, options.use_gpu, options.batch_seconds)
        self.centroids = read_centroids(options.kmeans)
        hidden = self.layer.network.config.hidden_size
        if self.centroids.dim != hidden:
            raise InputError(
                f"{options.kmeans}: centroids of {self.centroids.dim} values, frames of {model} of {hidden}; are they"
                " of another model?"
            )

    @classmethod
    def describe(cls, model: Path, options: HubertOptions) -> UnitsInfo:
        """What the units are."""
        centroids = read_centroids(options.kmeans)
        step, window = frame_times(model)
        normalise = is_normalised(model, options.normalise)
        digest = sha256(f"{centroids.digest()} {options.layer} {normalise}".encode())
        for path in (model / CONFIG, weights_file(model)):
            with path.open("rb") as file:
                digest.update(file_digest(file, "sha256").digest())
        about = {"sample_rate": SAMPLE_RATE, "window_seconds": window, "layer": options.layer, "normalise": normalise}
        return UnitsInfo(len(centroids), step, f"{HUBERT}-{digest.hexdigest()[:12]}", about)

    def __call__(self, waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [self.centroids.units(frames) for frames in self.layer(waveforms)]
