"""Speaker recognisers of any kind behind one interface, read from a model directory: a trained network, or a baseline.

system = load_system(Path("exp/mamba2"), "cpu")
embeddings = system.embed([frames])            # (1, D)
scores = system.scores(embeddings)             # (1, S), of system.speakers
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from steps.networks.speaker_files import model_files
from steps.sid.lda import ABOUT, ARRAYS, Lda
from steps.sid.statistics import frame_statistics
from utils.errors import InputError, brief


class SpeakerSystem(Protocol):
    """What is judged.

    Attributes:
        speakers: (S) ids of the training speakers, in the order of the scores.
        features: the options of the features that it takes.
        dim: D of the embeddings.
    """

    speakers: tuple[str, ...]
    features: Mapping[str, Any]
    dim: int

    def embed(self, utterances: Sequence[np.ndarray]) -> np.ndarray:
        """Features, (T, F) of each of N whole utterances -> embeddings (N, D) float32."""

    def scores(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings (N, D) -> a score (N, S) for each training speaker, higher for the likelier ones."""


class LdaSystem:
    """The baseline of `steps.sid.baseline`."""

    def __init__(self, model: Lda):
        self.model, self.dim = model, len(model.projection)
        self.speakers, self.features = model.speakers, model.features

    def embed(self, utterances: Sequence[np.ndarray]) -> np.ndarray:
        """See `SpeakerSystem`."""
        x = np.stack([frame_statistics(frames, self.model.statistics) for frames in utterances])
        return self.model.embed(x).astype(np.float32)

    def scores(self, embeddings: np.ndarray) -> np.ndarray:
        """See `SpeakerSystem`."""
        return self.model.scores(embeddings.astype(np.float64))


class NetworkSystem:
    """A network of `steps.sid.train`."""

    def __init__(self, directory: Path, device: str):
        from steps.networks.speaker_model import load_model

        self.model = load_model(directory, device)
        self.network, self.dim = self.model.network, self.model.network.dim
        self.speakers, self.features = tuple(self.model.speakers), self.model.features
        self.embed, self.scores = self.model.embed, self.model.logits


def system_files(directory: Path) -> list[Path]:
    """The files of a model directory that decide what it gives; checkpoints and charts do not."""
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory; train a model with steps.sid.train or steps.sid.baseline")
    if (directory / ABOUT).is_file():
        return [directory / ABOUT, directory / ARRAYS]
    return model_files(directory)


def load_system(directory: Path, device: str = "cpu") -> SpeakerSystem:
    """The system of a model directory. Raises InputError for a directory that is none."""
    lda = system_files(directory)[0].name == ABOUT
    return LdaSystem(Lda.load(directory)) if lda else NetworkSystem(directory, device)


def require_features(wanted: Mapping[str, Any], given: Mapping[str, Any], where: object) -> None:
    """Raise InputError with the options in which the features of `where` are of another kind than a model takes."""
    wanted, given = _flat(wanted), _flat(given)
    differing = [name for name in sorted(wanted.keys() | given.keys()) if wanted.get(name) != given.get(name)]
    if differing:
        pairs = ", ".join(f"{name} {brief(given.get(name))} instead of {brief(wanted.get(name))}" for name in differing)
        raise InputError(f"{where}: features of another kind than the model was trained on: {pairs}; make them anew")


def _flat(features: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of `features.json` with the options beside the others."""
    return {**features, **features["options"], "options": None} if "options" in features else dict(features)


def length_batches(lengths: Mapping[str, int], most_frames: int) -> Iterator[list[str]]:
    """Utterances in batches of like lengths: at most `most_frames` with the padding, or one utterance.

    The batches follow from the lengths and ids alone.
    """
    batch: list[str] = []
    for utterance in sorted(lengths, key=lambda one: (lengths[one], one)):
        if batch and lengths[utterance] * (len(batch) + 1) > most_frames:
            yield batch
            batch = []
        batch.append(utterance)
    if batch:
        yield batch


def in_order(found: Iterable[tuple[Sequence[str], np.ndarray]], wanted: Sequence[str]) -> np.ndarray:
    """Embeddings (N, D) of the `wanted` N utterances, from batches in another order."""
    rows = {utterance: row for keys, x in found for utterance, row in zip(keys, x, strict=True)}
    return np.stack([rows[utterance] for utterance in wanted])
