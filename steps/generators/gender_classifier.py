"""The classifier of the gender of sampled speakers, where neither group nor user tells it.

Training fits it to the corpus's own embeddings, and writes it into the model directory as `gender.json`: weights (D)
and offset of the log odds of being female, the number of speakers, and the accuracy on dev speakers. It is a logistic
regression (`steps.metrics.classifiers`) in which both genders weigh the same.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.data.index import Index
from steps.generators.gender import gender_of
from steps.generators.validation import LARGEST
from steps.metrics.classifiers import balanced_accuracy, fit, learnable
from utils.command import logger
from utils.errors import InputError, brief
from utils.json_files import json_text, read_json

log = logger(__name__)
NAME = "gender.json"
POSITIVE = "f"  # the gender whose odds the classifier gives
MOST_UTTERANCES = 10  # of a speaker, from which the classifier learns


@dataclass(frozen=True, eq=False)
class GenderClassifier:
    """Judges embeddings.

    Attributes:
        weights: (D,), offset: the log odds of being female are x @ weights + offset.
    """

    weights: np.ndarray
    offset: float

    @classmethod
    def read(cls, model: Path, dim: int) -> "GenderClassifier | None":
        """That of a model directory; None where the training had no genders. InputError where it is no such file."""
        if not (model / NAME).is_file():
            return None
        content = read_json(model / NAME, ("weights", "offset"))
        try:
            weights, offset = np.array(content["weights"], dtype=np.float64), float(content["offset"])
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{model / NAME}: not a classifier ({error}); train the model again") from error
        if weights.shape != (dim,) or not (np.abs([*weights, offset]) <= LARGEST).all():  # NaN too
            raise InputError(
                f"{model / NAME}: expected {dim} weights and an offset up to {LARGEST:g}, as the embeddings have {dim}"
                " dimensions; train the model again"
            )
        if content.get("positive", POSITIVE) != POSITIVE:
            raise InputError(f"{model / NAME}: odds of {brief(content['positive'])}, expected those of {POSITIVE!r}")
        return cls(weights, offset)

    def female(self, x: np.ndarray) -> np.ndarray:
        """The posterior (N,) of being female for embeddings (N, D), both genders being as likely before."""
        odds = x.astype(np.float64) @ self.weights + self.offset
        return 0.5 + 0.5 * np.tanh(0.5 * odds)  # the logistic function, for odds of any size


def letters(female: np.ndarray, threshold: float) -> list[str | None]:
    """m, f, or None where the posterior of the likelier one is below the threshold; female: (N,)."""
    sure = np.maximum(female, 1 - female) >= threshold
    return [("f" if p >= 0.5 else "m") if known else None for p, known in zip(female.tolist(), sure, strict=True)]


def write_gender_classifier(index: Path, directory: Path) -> None:
    """Fit a classifier to the training set of an index and write it, unless too few genders are known."""
    x, genders, speakers = _labelled(index / "train")
    if len(learnable(genders, speakers)) < 2:
        log.info("no %s: too few training speakers of known gender", NAME)
        return
    model = fit(x, genders, ("f", "m"))
    weights = model.weights[:, 0] - model.weights[:, 1]
    offset = float(model.offsets[0] - model.offsets[1])
    about = {"speakers": len(np.unique(speakers)), "dev": _accuracy(GenderClassifier(weights, offset), index / "dev")}
    content = {"positive": POSITIVE, "weights": weights.tolist(), "offset": offset, **about}
    (directory / NAME).write_text(json_text(content, directory / NAME) + "\n", encoding="utf-8")


def _labelled(index_dir: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings (N, D) float64 of speakers of known gender, with gender and speaker (N) of each."""
    index = Index.open(index_dir)
    known = index.genders if (index_dir / "spk2gender").is_file() else {}
    taken: dict[str, int] = {}
    rows, genders = [], []
    for row, (speaker, group) in enumerate(zip(index.speakers, index.groups, strict=True)):
        gender = known.get(speaker) or gender_of(group)
        if gender and taken.setdefault(speaker, 0) < MOST_UTTERANCES:
            taken[speaker] += 1
            rows.append(row)
            genders.append(gender)
    speakers = np.array(index.speakers)[rows]
    return index.matrix()[rows].astype(np.float64), np.array(genders), speakers


def _accuracy(classifier: GenderClassifier, index_dir: Path) -> dict[str, Any]:
    """How often the likelier gender is right for speakers that the classifier has not seen; genders count equally."""
    x, genders, speakers = _labelled(index_dir)
    if not len(x):
        return {"speakers": 0, "utterances": 0, "balanced_accuracy": None}
    correct = np.array(letters(classifier.female(x), 0)) == genders
    return {
        "speakers": len(np.unique(speakers)),
        "utterances": len(x),
        "balanced_accuracy": balanced_accuracy(correct, genders),
    }
