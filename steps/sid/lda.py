"""The baseline of speaker networks: statistics of the frames of an utterance, and linear discriminant analysis.

Statistics of each band (`steps.sid.statistics`) stand for an utterance. Speakers are Gaussians with one covariance
within them, estimated from the deviations of utterances from their speaker's mean, with Ledoit and Wolf's shrinkage.
The discriminant directions (`steps.metrics.discriminants`) are the embedding; the score of a speaker is the log
likelihood of the utterance, up to a constant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.data.arrays import read_arrays
from steps.features.types import check_features
from steps.metrics.discriminants import deviations_within, discriminants
from steps.metrics.plda import speaker_statistics
from steps.sid.statistics import STATISTICS, frame_statistics
from utils.errors import InputError, brief
from utils.json_files import json_text, read_json
from utils.tables import check_keys

ARRAYS, ABOUT = "lda.safetensors", "lda.json"
REMEDY = "train it anew with steps.sid.baseline"


@dataclass(frozen=True, eq=False)
class Lda:
    """A fitted model of the statistics x (D,) of utterances.

    Attributes:
        speakers: (S) ids. statistics: names of the statistics. features: options of the features.
        centre: (D,). projection: (q, D). means: (S, q) of the speakers' embeddings.
    """

    speakers: tuple[str, ...]
    statistics: tuple[str, ...]
    features: Mapping[str, Any]
    centre: np.ndarray
    projection: np.ndarray
    means: np.ndarray

    def embed(self, x: np.ndarray) -> np.ndarray:
        """Statistics x (N, D) -> embeddings (N, q) float64."""
        return (x - self.centre) @ self.projection.T

    def scores(self, embeddings: np.ndarray) -> np.ndarray:
        """Log likelihoods (N, S) of embeddings (N, q), up to a constant."""
        squares = (embeddings**2).sum(axis=1)[:, None] + (self.means**2).sum(axis=1)
        return embeddings @ self.means.T - squares / 2

    def save(self, directory: Path) -> None:
        """Write lda.safetensors and lda.json."""
        from safetensors.numpy import save_file

        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in ("centre", "projection", "means")}
        save_file(arrays, str(directory / ARRAYS))
        about = {"statistics": self.statistics, "features": self.features, "speakers": self.speakers}
        text = json_text(about, directory / ABOUT, indent=1)
        (directory / ABOUT).write_text(f"{text}\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "Lda":
        """Read what `save` has written. Raises InputError for anything else."""
        speakers, statistics, features = _read_about(directory / ABOUT)
        arrays = read_arrays(directory / ARRAYS, REMEDY)
        names = ("centre", "projection", "means")
        shapes = [np.shape(arrays.get(name)) for name in names]
        (*_, dim), (q, *_) = shapes[0] or (0,), shapes[1] or (0,)
        fits = dim == len(frame_statistics(np.zeros((1, features["dim"])), statistics))
        if not fits or shapes != [(dim,), (q, dim), (len(speakers), q)]:
            raise InputError(f"{directory / ARRAYS}: not the arrays of {ABOUT}, with the shapes {shapes}; {REMEDY}")
        if not all(np.isfinite(arrays[name]).all() for name in names):
            raise InputError(f"{directory / ARRAYS}: numbers that are not finite; {REMEDY}")
        return cls(speakers, statistics, features, *(arrays[name] for name in names))


def _read_about(path: Path) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """The speakers, the statistics and the features that lda.json names."""
    about = read_json(path, ("statistics", "features", "speakers"))
    speakers, statistics = (_different_texts(about[key], f"{path}: {key}") for key in ("speakers", "statistics"))
    if not set(statistics) <= {*STATISTICS}:
        raise InputError(f"{path}: statistics: expected some of {', '.join(STATISTICS)}; {REMEDY}")
    return speakers, statistics, check_features(about["features"], f"{path}: features")


def _different_texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise InputError(f"{where}: expected a list of texts, found {brief(value)}; {REMEDY}")
    if len(set(value)) < len(value):
        raise InputError(f"{where}: {brief(value)} names something twice; {REMEDY}")
    check_keys(value, where)
    return tuple(value)


def fit_lda(x: np.ndarray, speakers: Sequence[str], statistics: Sequence[str], features: Mapping[str, Any]) -> Lda:
    """Fit a model to statistics x (N, D) of utterances and their speakers (N)."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    x, labels = np.asarray(x, dtype=np.float64), np.array(speakers, dtype=object)
    names, numbers = np.unique(labels, return_inverse=True)
    found = speaker_statistics(x, labels)
    if len(names) < 2 or len(x) == len(names):
        raise InputError(
            f"{len(x)} utterances of {len(names)} speakers: LDA needs two speakers or more, and more utterances than"
            " speakers"
        )
    scale = deviations_within(found)
    live = scale > 0
    shrinkage = ledoit_wolf_shrinkage((x - found.means[numbers])[:, live] / scale[live], assume_centered=True)
    projection, centre = discriminants(found, shrinkage), found.means.mean(axis=0)
    ids = tuple(map(str, names))
    return Lda(ids, tuple(statistics), features, centre, projection, (found.means - centre) @ projection.T)
