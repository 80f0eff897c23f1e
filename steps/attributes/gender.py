"""The gender of speakers: from the corpus where it says so, otherwise from their embeddings, where those are sure.

The classifier works on a speaker's mean embedding. It is learnt from the speakers of this corpus whose gender is known,
or read from a file that an earlier run has written (`gender.safetensors`). A speaker whose posterior is below the
threshold for either gender stays unknown. How right it is is measured on speakers that it has not seen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.attributes.bins import GENDERS
from steps.attributes.crossfit import Classifier, fit, held_out_posteriors, learnable
from utils.errors import InputError

MODEL = "gender.safetensors"


@dataclass(frozen=True, eq=False)
class Genders:
    """What is known and judged.

    Attributes:
        of: speaker -> male or female; who stays unknown is not in it.
        posterior: speaker -> probability of the likelier gender, of those that were judged, unknown or not.
        classifier: what has judged; None where there is nothing to learn it from.
        summary: counts, and the accuracy of the classifier.
    """

    of: dict[str, str]
    posterior: dict[str, float]
    classifier: Classifier | None
    summary: dict[str, Any]


def decide(
    speakers: Sequence[str],
    known: Mapping[str, str],
    means: Mapping[str, np.ndarray],
    threshold: float,
    seed: int,
    model: Path | None = None,
) -> Genders:
    """Find the gender of each speaker.

    Args:
        known: speaker -> male or female. means: speaker -> mean embedding (D,), of those that have one.
        threshold: least posterior of a gender. model: file of a classifier, in place of one that is learnt here.
    """
    taught = sorted(known.keys() & means.keys())
    x = np.array([means[speaker] for speaker in taught])
    labels = np.array([known[speaker] for speaker in taught])
    enough = learnable(labels, np.array(taught)) == list(GENDERS)
    if model is not None:
        classifier = load(model, len(next(iter(means.values()))))
        posteriors = classifier.posteriors(x) if taught else None
    else:
        classifier = fit(x, labels) if enough else None
        posteriors = held_out_posteriors(x, labels, np.array(taught), seed)[1] if enough else None
    unknown = [speaker for speaker in speakers if speaker not in known]
    judged, posterior = _judge(classifier, [speaker for speaker in unknown if speaker in means], means, threshold)
    summary = {
        "known": len(speakers) - len(unknown),
        "judged": len(judged),
        "unknown": len(unknown) - len(judged),
        "unknown_without_embedding": sum(speaker not in means for speaker in unknown),
        "threshold": threshold,
        "classifier": "none: too few speakers of known gender" if classifier is None else _origin(model),
        "held_out": accuracy(posteriors, labels, threshold) if posteriors is not None else None,
    }
    return Genders(dict(sorted({**known, **judged}.items())), posterior, classifier, summary)


def _origin(model: Path | None) -> str:
    return "learnt from the speakers of known gender" if model is None else "read from --gender_model"


def _judge(
    classifier: Classifier | None, speakers: list[str], means: Mapping[str, np.ndarray], threshold: float
) -> tuple[dict[str, str], dict[str, float]]:
    """Genders of those who are judged, and the likelier gender's posterior of all."""
    if classifier is None or not speakers:
        return {}, {}
    posteriors = classifier.posteriors(np.array([means[speaker] for speaker in speakers]))
    likelier = [classifier.classes[column] for column in posteriors.argmax(axis=1)]
    posterior = dict(zip(speakers, posteriors.max(axis=1).tolist(), strict=True))
    genders = dict(zip(speakers, likelier, strict=True))
    return {speaker: gender for speaker, gender in genders.items() if posterior[speaker] >= threshold}, posterior


def accuracy(posteriors: np.ndarray, labels: np.ndarray, threshold: float) -> dict[str, float | int]:
    """How right posteriors (N, 2) of speakers are about their genders (N,), with and without the unknown band."""
    right = np.array(GENDERS)[posteriors.argmax(axis=1)] == labels
    sure = posteriors.max(axis=1) >= threshold
    return {
        "speakers": len(labels),
        "accuracy": round(float(right.mean()), 4),
        "share_unknown": round(float(1 - sure.mean()), 4),
        "accuracy_of_the_others": round(float(right[sure].mean()), 4) if sure.any() else None,
    }


def save(path: Path, classifier: Classifier) -> None:
    """Write a classifier, for other corpora with embeddings of the same network."""
    from safetensors.numpy import save_file

    tensors = {"weights": classifier.weights, "offsets": classifier.offsets}
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, path, {"classes": _classes()})


def load(path: Path, dim: int) -> Classifier:
    """Read a classifier of embeddings of `dim` dimensions."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
            classes = (file.metadata() or {}).get("classes")
    except SafetensorError as error:
        raise InputError(f"{path}: not a safetensors file: {error}") from error
    if classes != _classes() or {name: array.shape for name, array in tensors.items()} != {
        "weights": (dim, 2),
        "offsets": (2,),
    }:
        raise InputError(f"{path}: expected a {MODEL} of this project for embeddings of {dim} dimensions")
    return Classifier(GENDERS, tensors["weights"], tensors["offsets"])


def _classes() -> str:
    return json.dumps(GENDERS)
