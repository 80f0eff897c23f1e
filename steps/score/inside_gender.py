"""The stricter judges: classifiers of each attribute that are fitted inside each gender, and judge inside it.

Classifiers that pool the genders call women high and men low, and so take for pitch what is told by the gender alone.
These are fitted to held-out speakers of one gender, and judge samples that were asked for with that gender. The
accuracy of an attribute is balanced over its values inside a gender, then averaged over the genders. It has a ceiling,
real training segments judged in the same way, and a floor, what chance finds.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from steps.metrics.classifiers import FOLDS, learnable
from steps.score.attribute_classifiers import AttributeClassifiers

GENDER = "gender"
Judges = dict[str, AttributeClassifiers]  # gender -> classifiers of one attribute


@dataclass(frozen=True)
class InsideGender:
    """Classifiers of every attribute but the gender, for each gender.

    Attributes:
        attributes: names, in the order in which group ids hold their values.
        judges: attribute -> gender -> classifiers; an attribute or gender that cannot be judged is absent.
        left_out: what is not judged, in words.
    """

    attributes: tuple[str, ...]
    judges: dict[str, Judges]
    left_out: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        attributes: Sequence[str],
        x: np.ndarray,
        speakers: np.ndarray,
        values: np.ndarray,
        asked: np.ndarray,
        seed: int,
    ) -> "InsideGender":
        """Fit the classifiers.

        Args:
            attributes: names of A attributes.
            x: (N, D) embeddings of held-out speakers. speakers: (N,). values: (N, A) attribute values.
            asked: (G, A) values of the groups that samples are asked for.
            seed: decides the folds.
        """
        attributes = tuple(attributes)
        if GENDER not in attributes:
            return cls(attributes, {}, (f"every attribute (there is no attribute {GENDER})",))
        judges: dict[str, Judges] = {}
        left_out: list[str] = []
        genders, asked_genders = (some[:, attributes.index(GENDER)] for some in (values, asked))
        others = [(column, name) for column, name in enumerate(attributes) if name != GENDER]
        for (column, name), gender in itertools.product(others, np.unique(asked_genders).tolist()):
            wanted = asked[asked_genders == gender, column]
            rows = (genders == gender) & np.isin(values[:, column], wanted)
            known, missing = _judged(values[rows, column], speakers[rows], wanted)
            left_out += [f"{name} {value} of {gender} ({reason})" for value, reason in missing.items()]
            if known:
                rows &= np.isin(values[:, column], known)
                judge = AttributeClassifiers((name,), x[rows], speakers[rows], values[rows][:, [column]], seed)
                judges.setdefault(name, {})[gender] = judge
        return cls(attributes, judges, tuple(left_out))

    @cached_property
    def floors(self) -> dict[str, float]:
        """Accuracy by chance."""
        return {name: _mean(judge.floors[name] for judge in found.values()) for name, found in self.judges.items()}

    @cached_property
    def held_out(self) -> dict[str, float]:
        """Accuracy on the held-out speakers, each judged by the classifier that has not seen them."""
        return {name: _mean(judge.held_out[name] for judge in found.values()) for name, found in self.judges.items()}

    def accuracies(self, x: np.ndarray, values: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
        """Balanced accuracy of each attribute on x (N, D) that should have the values (N, A), weighted by (N,).

        Rows of a value that is not judged inside its gender do not count.
        """
        weights = np.ones(len(x)) if weights is None else weights
        accuracies = {}
        for name, found in self.judges.items():
            column = self.attributes.index(name)
            shares = []
            for gender, judge in found.items():
                rows = values[:, self.attributes.index(GENDER)] == gender
                rows &= np.isin(values[:, column], judge.classes[0])
                if rows.any():
                    shares.append(judge.accuracies(x[rows], values[rows][:, [column]], weights[rows])[name])
            accuracies[name] = _mean(shares)
        return accuracies


def _judged(labels: np.ndarray, speakers: np.ndarray, wanted: np.ndarray) -> tuple[list[str], dict[str, str]]:
    """The values of `wanted` that one gender is judged for, and those it is not, with the reason."""
    known = learnable(labels, speakers, FOLDS)
    counts = {str(value): len(set(speakers[labels == value])) for value in np.unique(wanted)}
    reasons = {
        value: f"{n} of at least {FOLDS} held-out speakers" if n < FOLDS else "the only value"
        for value, n in counts.items()
    }
    return known, {value: reason for value, reason in reasons.items() if value not in known}


def _mean(numbers: Iterable[float]) -> float:
    """The mean of some numbers; NaN of none."""
    numbers = list(numbers)
    return sum(numbers) / len(numbers) if numbers else float("nan")
