"""Attribute accuracy as a metric of samples beside real speakers: is a sample heard as its group says?

Both families of judges (see `judges`), and one of whitened directions (see `label_accuracy`), are fitted to the test
speakers, and to those of a dev set where there is one, and judge samples in the mix of groups of the test set. Real
training speakers of those groups are the ceiling.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steps.data.groups import group_values
from steps.metrics.classifiers import FOLDS
from steps.metrics.label_accuracy import label_accuracies
from steps.metrics.speaker_vectors import Comparison, NotMeasured, SpeakerVectors
from steps.score.attribute_classifiers import AttributeClassifiers, mix_weights
from steps.score.inside_gender import InsideGender


@dataclass(frozen=True, eq=False)
class AttributeMetric:
    """The metric.

    Attributes:
        attributes: names of the values that groups are made of.
        dev: more real speakers whom no generator has seen, or None.
    """

    attributes: Sequence[str]
    dev: SpeakerVectors | None = None

    def __call__(self, comparison: Comparison) -> dict[str, float]:
        """Accuracy by attribute, 0 to 1. Raises NotMeasured where groups are not known."""
        samples, test = comparison.samples, comparison.test
        comparison.require_groups()
        held_out = test if self.dev is None or self.dev.groups is None else test.followed_by(self.dev)
        if held_out.n_speakers < 2 * FOLDS:
            raise NotMeasured(f"{held_out.n_speakers} held-out speakers; classifiers need {2 * FOLDS}; give --dev")
        values = self._values(held_out.groups)
        asked = self._values(np.unique(test.groups))
        known = (tuple(self.attributes), held_out.x, held_out.speakers, values)
        weights = mix_weights(samples.groups, _mix(test.groups))
        if not weights.any():
            raise NotMeasured("no sample is of a group of the test speakers")
        rows = weights > 0
        judged = samples.x[rows], self._values(samples.groups[rows]), weights[rows]
        judges = AttributeClassifiers(*known, comparison.seed)
        several = {name for name, classes in zip(self.attributes, judges.classes, strict=True) if len(classes) > 1}
        if not several:
            raise NotMeasured("no attribute has two values among the held-out speakers, so that nothing is to be told")
        found = {name: value for name, value in judges.accuracies(*judged).items() if name in several}
        inside = InsideGender.fit(*known, asked, comparison.seed).accuracies(*judged)
        inside = {f"{name}_inside_gender": value for name, value in inside.items() if np.isfinite(value)}
        kept = samples.rows(rows)
        families = label_accuracies(kept, held_out, comparison.train.whitening, comparison.seed)
        whitened = {
            f"{name}_whitened": families[f"whitened_{place}"]
            for place, name in enumerate(self.attributes)
            if f"whitened_{place}" in families
        }
        return found | inside | whitened

    def _values(self, groups: np.ndarray) -> np.ndarray:
        names, codes = np.unique(groups.astype(str), return_inverse=True)
        return np.array([list(group_values(str(name), self.attributes).values()) for name in names])[codes]


def _mix(groups: np.ndarray) -> dict[str, float]:
    names, counts = np.unique(groups.astype(str), return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))
