"""A generator that mixes another over the groups that a text may mean: p(x | t) = sum_g p(g | t) p(x | g, t).

The inner generator is conditioned on groups (`CorpusGroups.features`) in place of sentence vectors; the shares p(g | t)
follow from the posterior that a reader put into the text's vector. So what a text leaves unsaid follows the corpus, and
a text that is half understood gives a broad density. Where training had captions of persons that tell more than the
group, a text moves the means of its mixture (`CaptionShift`).
"""

from typing import Any

import numpy as np

from steps.generators.blend import Blend, blend
from steps.generators.caption_shift import NAMES, CaptionShift
from steps.generators.contract import Generator, inner_generator
from steps.generators.corpus_groups import CorpusGroups
from steps.generators.mixture import Mixture
from steps.generators.samplers import Sampler
from steps.text.layout import TextLayout
from utils.errors import InputError, brief
from utils.vectors import check_shape

PRIOR, SCALES = "group_prior", "group_scales"


class ReadGenerator(Generator):
    """p(x | t) = sum_g p(g | t) inner(x | features of g).

    Attributes:
        inner: gives the density of a group.
        groups: of the training set; they turn a text's posterior into shares.
        shift: how a text about a person moves the means; None: it does not.
    """

    kind = "read"

    def __init__(self, inner: Generator, groups: CorpusGroups, shift: CaptionShift | None = None):
        self.inner, self.groups, self.shift = inner, groups, shift
        self.dim, self.text_dim, self.no_density = inner.dim, groups.layout.dim, inner.no_density
        self._of_group: dict[str, Mixture | Sampler] = {}
        if shift is not None:
            check_shape("the shift of captions", shift.slope, (len(shift.slope), self.dim))
            check_shape("the centre of captions", shift.centre, (self.layout.sentence_dim,))
        if inner.text_dim != groups.n_features:
            raise ValueError(f"{groups.n_features} features of a group, the inner generator takes {inner.text_dim}")

    @property
    def layout(self) -> TextLayout:
        """What the columns of text vectors mean."""
        return self.groups.layout

    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture | Blend | Sampler]:
        """The density for each of the text vectors (T, E); one object for texts that mean the same."""
        made: dict[bytes, Mixture | Blend | Sampler] = {}
        shifts = self.shifts(text_vectors)
        keys = [
            vector[self.layout.sentence_dim :].tobytes() + (shift.tobytes() if shift.any() else b"")
            for vector, shift in zip(text_vectors, shifts, strict=True)
        ]
        for key, vector, shift in zip(keys, text_vectors, shifts, strict=True):
            if key not in made:
                shares = self.groups.shares(vector)
                mixtures = self.of_groups(list(shares))
                if shift.any():
                    mixtures = [mixture.moved(shift) for mixture in mixtures]
                made[key] = blend(list(shares.values()), mixtures)
        return [made[key] for key in keys]

    def shifts(self, text_vectors: np.ndarray) -> np.ndarray:
        """How far each text (T, E) moves the means (T, D)."""
        if self.shift is None:
            return np.zeros((len(text_vectors), 1))
        return self.shift(self.layout.sentence(text_vectors))

    def in_table(self, text_vectors: np.ndarray, most_bytes: int) -> "ReadGenerator | None":
        """The same with the inner mixtures of the groups that these texts (T, E) may mean, without the network."""
        groups = list({group: None for vector in text_vectors for group in self.groups.shares(vector)})
        inner = self.inner.in_table(self.groups.features(groups), most_bytes)
        return inner and ReadGenerator(inner, self.groups, self.shift)

    def of_groups(self, groups: list[str]) -> list[Mixture] | list[Sampler]:
        """The mixtures of groups, as they are without a text, each made once."""
        new = [group for group in groups if group not in self._of_group]
        if new:
            made = self.inner.mixtures(self.groups.features(new))
            self._of_group |= dict(zip(new, made, strict=True))
        return [self._of_group[group] for group in groups]

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What the groups are, and the state of the inner generator."""
        values, arrays = self.inner.state()
        about = {
            **self.layout.as_dict(),
            "groups": list(self.groups.names),
            "inner": {"kind": self.inner.kind, "values": values},
        }
        own = {PRIOR: self.groups.prior, SCALES: self.groups.scales}
        return about, own | (self.shift.arrays() if self.shift else {}) | arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "ReadGenerator":
        """Build the generator from what `state` gave."""
        groups = _groups_of(values, arrays)
        own = {name: array for name, array in arrays.items() if name not in (PRIOR, SCALES, *NAMES)}
        return cls(
            inner_generator(values["inner"], own, [cls.kind, "manifold"]), groups, CaptionShift.from_arrays(arrays)
        )


def _groups_of(values: dict[str, Any], arrays: dict[str, np.ndarray]) -> CorpusGroups:
    """The groups of a generator's files. Raises ValueError where they are none."""
    names = values["groups"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(f"groups: expected distinct names, found {brief(names)}")
    try:
        prior, scales = (arrays[name].astype(np.float64) for name in (PRIOR, SCALES))
        return CorpusGroups(TextLayout.of_values(values), tuple(names), prior, scales)
    except InputError as error:
        raise ValueError(f"groups: {error}") from error
