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
from steps.score.inside_gender import GENDER, InsideGender

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


def posteriors(judges: Mapping[str, Any], x: np.ndarray) -> dict[str, np.ndarray]:
    """Posteriors (N, C) of the values of each attribute, sorted, for embeddings (N, D) of any gender.

    They are the pooled judges' for the gender, and for an attribute that is judged inside the genders
    p(value | x) = sum over genders of p(gender | x) p(value | x, gender).
    """
    pooled: AttributeClassifiers = judges[POOLED]
    inside: InsideGender = judges[INSIDE_GENDER]
    found = pooled.posteriors(x)
    values = dict(zip(pooled.attributes, pooled.classes, strict=True))
    for name, of_gender in inside.judges.items():
        mixed = np.zeros_like(found[name])
        for column, gender in enumerate(values[GENDER]):
            if gender in of_gender:
                columns = [values[name].index(value) for value in of_gender[gender].classes[0]]
                mixed[:, columns] += found[GENDER][:, [column]] * of_gender[gender].posteriors(x)[name]
            else:
                mixed += found[GENDER][:, [column]] * found[name]
        found[name] = mixed
    return found
