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
from steps.metrics.crossfit import Classifier, fit, held_out_posteriors, learnable, log_odds
from utils.errors import InputError

MODEL = "gender.safetensors"
SCALES = np.geomspace(0.1, 10, 81)  # that the calibration chooses from


@dataclass(frozen=True, eq=False)
class Genders:
    """What is known and judged.

    Attributes:
        of: speaker -> male or female; who stays unknown is not in it.
        odds: speaker -> log odds of being female, of those whose gender was not known and who have embeddings.
        classifier: what has judged; None where there is nothing to learn it from.
        summary: counts, and the accuracy of the classifier.
    """

    of: dict[str, str]
    odds: dict[str, float]
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
    classifier, held_out = None, {}
    if model is not None:
        classifier = load(model, x.shape[1])
        held_out = speaker_odds(classifier.posteriors(x[taught]), speakers[taught])  # it has not seen these speakers
    elif enough:
        classifier = fit(x[taught], labels)
        held_out = speaker_odds(held_out_posteriors(x[taught], labels, speakers[taught], seed)[1], speakers[taught])
        scale = calibration(held_out, known)
        classifier = Classifier(classifier.classes, scale * classifier.weights, scale * classifier.offsets)
        held_out = {speaker: scale * odds for speaker, odds in held_out.items()}
    unknown = sorted(set(utt2spk.values()) - known.keys())
    odds = {} if classifier is None else speaker_odds(classifier.posteriors(x[~taught]), speakers[~taught])
    judged = {speaker: _gender(one) for speaker, one in odds.items() if _posterior(one) >= threshold}
    summary = {
        "known": len(set(utt2spk.values())) - len(unknown),
        "judged": len(judged),
        "unknown": len(unknown) - len(judged),
        "unknown_without_embedding": len(set(unknown) - set(speakers.tolist())),
        "threshold": threshold,
        "classifier": "none: too few speakers of known gender" if classifier is None else _origin(model),
        "held_out": accuracy(held_out, known, threshold) if held_out else None,
    }
    return Genders(dict(sorted({**known, **judged}.items())), odds, classifier, summary)


def speaker_odds(posteriors: np.ndarray, speakers: np.ndarray) -> dict[str, float]:
    """Speaker -> log odds of being female, of posteriors (N, 2) of the utterances of speakers (N,)."""
    names, rows = np.unique(speakers, return_inverse=True)
    odds = np.bincount(rows, log_odds(posteriors[:, GENDERS.index("female")])) / np.bincount(rows)
    return dict(zip(names.tolist(), odds.tolist(), strict=True))


def calibration(odds: Mapping[str, float], known: Mapping[str, str]) -> float:
    """The factor that makes held-out log odds of speakers likeliest, so that 9 of 10 posteriors of .9 are right.

    A penalised fit is unsure of what it knows. The targets are those of J. Platt, "Probabilistic outputs for support
    vector machines", 1999: no speaker counts as certain, or without an error the factor would grow without bound.
    """
    female = np.array([known[speaker] == "female" for speaker in odds])
    target = np.where(female, (female.sum() + 1) / (female.sum() + 2), 1 / ((~female).sum() + 2))
    scaled = np.outer(SCALES, list(odds.values()))  # (S, speakers)
    likelihood = -(target * np.logaddexp(0, -scaled) + (1 - target) * np.logaddexp(0, scaled)).sum(axis=1)
    return float(SCALES[likelihood.argmax()])


def _gender(odds: float) -> str:
    return "female" if odds > 0 else "male"


def _posterior(odds: float) -> float:
    """Of the likelier gender."""
    return float(1 / (1 + np.exp(-abs(odds))))


def _origin(model: Path | None) -> str:
    return "learnt from the speakers of known gender" if model is None else "read from --gender_model"


def accuracy(odds: Mapping[str, float], known: Mapping[str, str], threshold: float) -> dict[str, float | int | None]:
    """How right the log odds of speakers are about their known genders, with and without the unknown band."""
    right = np.array([_gender(one) == known[speaker] for speaker, one in odds.items()])
    sure = np.array([_posterior(one) >= threshold for one in odds.values()])
    return {
        "speakers": len(odds),
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
