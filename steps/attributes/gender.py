"""The gender of speakers: from the corpus where it says so, otherwise from their embeddings, where those are sure.

The classifier judges each utterance; a speaker's log odds are the mean of those of the speaker's utterances. It is
learnt from the speakers of this corpus whose gender is known, or read from a file that an earlier run has written
(`gender.safetensors`). A speaker whose posterior is below the threshold for either gender stays unknown. How right it
is is measured on speakers that it has not seen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.attributes.bins import GENDERS
from steps.attributes.crossfit import Classifier, fit, held_out_posteriors, learnable, log_odds
from utils.errors import InputError

MODEL = "gender.safetensors"


@dataclass(frozen=True, eq=False)
class Genders:
    """What is known and judged.

    Attributes:
        of: speaker -> male or female; who stays unknown is not in it.
        female: speaker -> probability of being female, of those that were judged, unknown or not.
        classifier: what has judged; None where there is nothing to learn it from.
        summary: counts, and the accuracy of the classifier.
    """

    of: dict[str, str]
    female: dict[str, float]
    classifier: Classifier | None
    summary: dict[str, Any]


def decide(
    utt2spk: Mapping[str, str],
    known: Mapping[str, str],
    keys: Sequence[str],
    x: np.ndarray,
    threshold: float,
    seed: int,
    model: Path | None = None,
) -> Genders:
    """Find the gender of each speaker.

    Args:
        utt2spk: of all utterances. known: speaker -> male or female. keys (N), x (N, D): embeddings of utterances.
        threshold: least posterior of a gender. model: file of a classifier, in place of one that is learnt here.
    """
    speakers = np.array([utt2spk[key] for key in keys])
    taught = np.array([speaker in known for speaker in speakers])
    labels = np.array([known[speaker] for speaker in speakers[taught]])
    enough = learnable(labels, speakers[taught]) == list(GENDERS)
    classifier, held_out = None, None
    if model is not None:
        classifier = load(model, x.shape[1])
        held_out = classifier.posteriors(x[taught])  # of other speakers than it has learnt from
    elif enough:
        classifier = fit(x[taught], labels)
        held_out = held_out_posteriors(x[taught], labels, speakers[taught], seed)[1]
    unknown = sorted(set(utt2spk.values()) - known.keys())
    female = {}
    if classifier is not None and not taught.all():
        female = speaker_posteriors(classifier.posteriors(x[~taught]), speakers[~taught])
    judged = {speaker: gender for speaker, p in female.items() for gender in [_gender(p)] if max(p, 1 - p) >= threshold}
    summary = {
        "known": len(set(utt2spk.values())) - len(unknown),
        "judged": len(judged),
        "unknown": len(unknown) - len(judged),
        "unknown_without_embedding": len(set(unknown) - set(speakers.tolist())),
        "threshold": threshold,
        "classifier": "none: too few speakers of known gender" if classifier is None else _origin(model),
        "held_out": None,
    }
    if held_out is not None and len(held_out):
        summary["held_out"] = accuracy(speaker_posteriors(held_out, speakers[taught]), known, threshold)
    return Genders(dict(sorted({**known, **judged}.items())), female, classifier, summary)


def speaker_posteriors(posteriors: np.ndarray, speakers: np.ndarray) -> dict[str, float]:
    """Speaker -> probability of being female, of posteriors (N, 2) of the utterances of speakers (N,)."""
    names, rows = np.unique(speakers, return_inverse=True)
    odds = np.bincount(rows, log_odds(posteriors[:, GENDERS.index("female")])) / np.bincount(rows)
    return dict(zip(names.tolist(), (1 / (1 + np.exp(-odds))).tolist(), strict=True))


def _gender(female: float) -> str:
    return "female" if female > 0.5 else "male"


def _origin(model: Path | None) -> str:
    return "learnt from the speakers of known gender" if model is None else "read from --gender_model"


def accuracy(female: Mapping[str, float], known: Mapping[str, str], threshold: float) -> dict[str, float | int | None]:
    """How right the posteriors of speakers are about their known genders, with and without the unknown band."""
    right = np.array([_gender(p) == known[speaker] for speaker, p in female.items()])
    sure = np.array([max(p, 1 - p) >= threshold for p in female.values()])
    return {
        "speakers": len(female),
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
