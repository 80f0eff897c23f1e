"""The gender of speakers: the corpus's own where it is known, otherwise that of a classifier of embeddings.

The classifier judges each utterance; the log odds of a speaker are the mean over the speaker's utterances. It is
learnt from the speakers of this corpus whose gender is known, or read from the file that an earlier run has written
(`gender.safetensors`). A speaker whose posterior is below the threshold stays unknown. The accuracy of the classifier
is measured on held-out speakers only: by cross-validation where it is learnt here, and otherwise on the speakers that
are not among those that the file names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.attributes.bins import GENDERS
from steps.attributes.gender_model import GenderModel, read_gender_model
from steps.metrics.classifiers import Classifier, fit, held_out_posteriors, learnable, log_odds

SCALES = np.geomspace(0.1, 10, 81)  # candidates of the calibration


@dataclass(frozen=True, eq=False)
class Genders:
    """The genders of a corpus.

    Attributes:
        of: speaker -> male or female; speakers of unknown gender are absent.
        odds: speaker -> log odds of being female, of those whose gender was not known and who have embeddings.
        model: the classifier; None where too few speakers are known to learn one.
        summary: counts, and the accuracy of the classifier.
    """

    of: dict[str, str]
    odds: dict[str, float]
    model: GenderModel | None
    summary: dict[str, Any]


def decide(
    utt2spk: Mapping[str, str],
    known: Mapping[str, str],
    keys: Sequence[str],
    x: np.ndarray,
    threshold: float,
    seed: int,
    model_file: Path | None = None,
) -> Genders:
    """The gender of each speaker: the known one, or that of a classifier of embeddings.

    Args:
        utt2spk: of all utterances. known: speaker -> male or female. keys (N), x (N, D): embeddings of utterances.
        threshold: least posterior of a gender. model_file: a classifier, in place of one that is learnt here.
    """
    x = x.astype(np.float64)  # the precision of the classifier
    speakers = np.array([utt2spk[key] for key in keys])
    has_label = np.array([speaker in known for speaker in speakers])
    labelled, labels = speakers[has_label], np.array([known[speaker] for speaker in speakers[has_label]])
    if model_file is not None:
        model = read_gender_model(model_file, x.shape[1])
        held_out, description = judge_unseen(model, x[has_label], labelled)
        seen = None if model.speakers is None else len(model.seen(set(speakers.tolist())))
        origin = {
            "classifier": "read from --gender_model",
            "speakers_seen_in_training": seen,
            "held_out_speakers": description,
        }
    elif learnable(labels, labelled) == list(GENDERS):
        model, held_out = learn(x[has_label], labels, labelled, known, seed)
        origin = {"classifier": "learnt from the speakers of known gender"}
    else:
        model, held_out, origin = None, {}, {"classifier": "none: too few speakers of known gender"}
    unknown = sorted(set(utt2spk.values()) - known.keys())
    odds = {} if model is None else speaker_odds(model.classifier.posteriors(x[~has_label]), speakers[~has_label])
    judged = {speaker: _gender(one) for speaker, one in odds.items() if _posterior(one) >= threshold}
    summary = {
        "known": len(set(utt2spk.values())) - len(unknown),
        "judged": len(judged),
        "unknown": len(unknown) - len(judged),
        "unknown_without_embedding": len(set(unknown) - set(speakers.tolist())),
        "threshold": threshold,
        **origin,
        "held_out": accuracy(held_out, known, threshold) if held_out else None,
    }
    return Genders(dict(sorted({**known, **judged}.items())), odds, model, summary)


def learn(
    x: np.ndarray, labels: np.ndarray, speakers: np.ndarray, known: Mapping[str, str], seed: int
) -> tuple[GenderModel, dict[str, float]]:
    """Learn a calibrated classifier from embeddings (N, D) with labels and speakers (N,).

    Returns the classifier, and speaker -> log odds by cross-validation over speakers.
    """
    classifier = fit(x, labels)
    held_out = speaker_odds(held_out_posteriors(x, labels, speakers, seed)[1], speakers)
    scale = calibration(held_out, known)
    classifier = Classifier(classifier.classes, scale * classifier.weights, scale * classifier.offsets)
    model = GenderModel(classifier, frozenset(speakers.tolist()))
    return model, {speaker: scale * odds for speaker, odds in held_out.items()}


def judge_unseen(model: GenderModel, x: np.ndarray, speakers: np.ndarray) -> tuple[dict[str, float], str]:
    """Log odds of the speakers (N,) of embeddings (N, D) whom a classifier was not fitted to.

    Returns speaker -> log odds, and a description of these speakers.
    """
    names = set(speakers.tolist())
    if not names:
        return {}, "none: no speaker's gender is known"
    if model.speakers is None:
        return {}, "unknown: the file does not name the speakers that the classifier was learnt from"
    seen = model.seen(names)
    unseen = ~np.isin(speakers, sorted(seen))
    if not unseen.any():
        return {}, f"none: by their ids, the classifier was learnt from all {len(names)} speakers of known gender"
    description = f"the speakers of known gender without {len(seen)} that, by their ids, the classifier was learnt from"
    return speaker_odds(model.classifier.posteriors(x[unseen]), speakers[unseen]), description


def speaker_odds(posteriors: np.ndarray, speakers: np.ndarray) -> dict[str, float]:
    """Speaker -> log odds of being female, of posteriors (N, 2) of the utterances of speakers (N,)."""
    names, rows = np.unique(speakers, return_inverse=True)
    odds = np.bincount(rows, log_odds(posteriors[:, GENDERS.index("female")])) / np.bincount(rows)
    return dict(zip(names.tolist(), odds.tolist(), strict=True))


def calibration(odds: Mapping[str, float], known: Mapping[str, str]) -> float:
    """The factor of held-out log odds that has the highest likelihood, so that 9 of 10 posteriors of .9 are right.

    The posteriors of a penalised fit are too close to one half. The targets are those of J. Platt, "Probabilistic
    outputs for support vector machines", 1999: no speaker counts as certain, or without an error the factor would grow
    without bound.
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


def accuracy(odds: Mapping[str, float], known: Mapping[str, str], threshold: float) -> dict[str, float | int | None]:
    """Accuracy of the log odds of speakers against their known genders, with and without the unknown band."""
    right = np.array([_gender(one) == known[speaker] for speaker, one in odds.items()])
    sure = np.array([_posterior(one) >= threshold for one in odds.values()])
    return {
        "speakers": len(odds),
        "accuracy": round(float(right.mean()), 4),
        "share_unknown": round(float(1 - sure.mean()), 4),
        "accuracy_of_the_others": round(float(right[sure].mean()), 4) if sure.any() else None,
    }
