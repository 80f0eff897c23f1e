"""Units of features: those of the k-means that steps/units/train.sh has trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.data.unit_sequences import UnitsInfo
from steps.features.logmel import WINDOW
from steps.features.types import load_features
from steps.units.backends import KMEANS
from steps.units.kmeans_dir import read_features, read_kmeans
from utils.errors import InputError
from utils.json_files import json_text


@dataclass(frozen=True)
class KmeansOptions:
    """All follows from the model."""


class KmeansEncoder:
    """Waveforms -> units."""

    Options: ClassVar[type] = KmeansOptions
    FREE: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: Path, options: KmeansOptions):
        self.centroids, features = read_kmeans(model), read_features(model)
        self.extractor = load_features(features, str(model))
        self.sample_rate = sample_rate_of(features, model)
        if self.centroids.dim != self.extractor.dim:
            raise InputError(
                f"{model}: centroids of {self.centroids.dim} values, features of {self.extractor.dim}; train it anew"
            )

    @classmethod
    def describe(cls, model: Path, options: KmeansOptions) -> UnitsInfo:
        """What the units are."""
        centroids, features = read_kmeans(model), read_features(model)
        digest = sha256((centroids.digest() + json_text(features, model, sort_keys=True)).encode()).hexdigest()
        rate = sample_rate_of(features, model)
        about = {"sample_rate": rate, "window_seconds": WINDOW, "features": features}
        return UnitsInfo(len(centroids), round(1 / features["frames_per_second"], 9), f"{KMEANS}-{digest[:12]}", about)

    def __call__(self, waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [self.centroids.units(self.extractor(waveform, self.sample_rate)) for waveform in waveforms]


def sample_rate_of(features: dict, model: Path) -> int:
    """Hz of the features' waveforms. Raises InputError where each has its own."""
    rate = features["options"].get("sample_rate")
    if not isinstance(rate, int):
        raise InputError(f"{model}: features without a sample_rate; train with --feats_set sample_rate=16000")
    return rate
