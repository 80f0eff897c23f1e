"""Two families of judges of the attributes, and which of them an attribute is claimed by.

    judges = fit_judges(data, held_out, seed=0)
    judges[INSIDE_GENDER].accuracies(x, values)    # {"pitch": .58, "speaking_rate": .61}

The first pools the genders; the second judges inside each gender, and is the stricter. Both are reported; targets hold
for the stricter one, wherever it judges an attribute.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from steps.score.attribute_classifiers import AttributeClassifiers
from steps.score.data import ScoreData, VectorSet
from steps.score.inside_gender import InsideGender

POOLED, INSIDE_GENDER = FAMILIES = ("attributes", "attributes_inside_gender")  # keys of their figures


class Judge(Protocol):
    """A family of judges.

    Attributes:
        floors, held_out: accuracy of each attribute by chance, and on the held-out speakers.
    """

    floors: Mapping[str, float]
    held_out: Mapping[str, float]

    def accuracies(self, x: np.ndarray, values: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
        """Accuracy of each attribute on x (N, D) that should have the values (N, A), weighted by (N,)."""
        ...


def stricter(figures: Mapping[str, Any], attribute: str) -> Any:
    """What `figures` (family -> attribute -> figures) have of an attribute by the stricter judge that there is."""
    return figures[INSIDE_GENDER].get(attribute, figures[POOLED].get(attribute))


def fit_judges(data: ScoreData, held_out: VectorSet, seed: int) -> dict[str, AttributeClassifiers | InsideGender]:
    """Fit both families to speakers whom no generator has seen, for the groups of the test set."""
    known = (data.attributes, held_out.x, held_out.speaker_codes, data.values(held_out.groups))
    asked = data.values(np.array(data.groups))
    return {POOLED: AttributeClassifiers(*known, seed), INSIDE_GENDER: InsideGender.fit(*known, asked, seed)}
