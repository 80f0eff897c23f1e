"""A generator that mixes another over the groups that a text may mean: p(x | t) = sum_g p(g | t) p(x | g, t).

The inner generator is conditioned on groups (`CorpusGroups.features`) in place of sentence vectors; the shares p(g | t)
follow from the posterior that a reader put into the text's vector. So what a text leaves unsaid follows the corpus, and
a text that is half understood gives a broad density. Where training had captions of persons that tell more than the
group, a text moves the means of its mixture (`CaptionShift`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from steps.generators.blend import Blend, blend
from steps.generators.caption_shift import NAMES, CaptionShift
from steps.generators.contract import Generator, inner_generator
from steps.generators.corpus_groups import CorpusGroups
from steps.generators.mixture import Mixture
from steps.generators.nuisance import SHARES, Cell, Nuisance
from steps.generators.samplers import Sampler
from steps.text.layout import TextLayout
from utils.errors import InputError, brief
from utils.vectors import check_shape

PRIOR, SCALES = "group_prior", "group_scales"


class ReadGenerator(Generator):
    """p(x | t) = sum_g p(g | t) inner(x | features of g), or with a nuisance a mixture over its values for each g.

    Attributes:
        inner: gives the density of a group, or of a group and a value of the nuisance.
        groups: of the training set; they turn a text's posterior into shares.
        shift: how a text about a person moves the means; None: it does not.
        nuisance: what no text tells, and the inner generator knows.
    """

    kind = "read"

    def __init__(
        self,
        inner: Generator,
        groups: CorpusGroups,
        shift: CaptionShift | None = None,
        nuisance: Nuisance | None = None,
    ):
        self.inner, self.groups, self.shift, self.nuisance = inner, groups, shift, nuisance
        self.dim, self.text_dim, self.no_density = inner.dim, groups.layout.dim, inner.no_density
        self._of_cell: dict[str | Cell, Mixture | Sampler] = {}
        if shift is not None:
            check_shape("the shift of captions", shift.slope, (len(shift.slope), self.dim))
            check_shape("the centre of captions", shift.centre, (self.layout.sentence_dim,))
        n_features = groups.n_features + (len(nuisance.values) if nuisance else 0)
        if inner.text_dim != n_features:
            raise ValueError(f"{n_features} features of a group, the inner generator takes {inner.text_dim}")

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
                shares = self._cells(self.groups.shares(vector))
                mixtures = self._of_cells(list(shares))
                if shift.any():
                    mixtures = [mixture.moved(shift) for mixture in mixtures]
                made[key] = blend(list(shares.values()), mixtures)
        return [made[key] for key in keys]

    def shifts(self, text_vectors: np.ndarray) -> np.ndarray:
        """How far each text (T, E) moves the means (T, D)."""
        if self.shift is None:
            return np.zeros((len(text_vectors), 1))
        return self.shift(self.layout.sentence(text_vectors))

    def _cells(self, shares: Mapping[str, float]) -> dict[str | Cell, float]:
        """What the inner generator is asked for, and its share, given the shares of groups."""
        if self.nuisance is None:
            return dict(shares)
        return {
            cell: share * of_value for group, share in shares.items() for cell, of_value in self.nuisance.cells(group)
        }

    def _features(self, cells: Sequence[str | Cell]) -> np.ndarray:
        return self.nuisance.features(self.groups, cells) if self.nuisance else self.groups.features(cells)

    def in_table(self, text_vectors: np.ndarray, most_bytes: int) -> "ReadGenerator | None":
        """The same with the inner mixtures of the groups that these texts (T, E) may mean, without the network."""
        cells = list({cell: None for vector in text_vectors for cell in self._cells(self.groups.shares(vector))})
        inner = self.inner.in_table(self._features(cells), most_bytes)
        return inner and ReadGenerator(inner, self.groups, self.shift, self.nuisance)

    def of_groups(self, groups: list[str]) -> list[Mixture | Blend] | list[Sampler]:
        """The mixtures of groups, as they are without a text."""
        if self.nuisance is None:
            return self._of_cells(groups)
        cells = [self._cells({group: 1.0}) for group in groups]
        return [blend(list(own.values()), self._of_cells(list(own))) for own in cells]

    def _of_cells(self, cells: Sequence[str | Cell]) -> list[Mixture] | list[Sampler]:
        """The mixtures that the inner generator gives, each made once."""
        new = [cell for cell in cells if cell not in self._of_cell]
        if new:
            made = self.inner.mixtures(self._features(new))
            self._of_cell |= dict(zip(new, made, strict=True))
        return [self._of_cell[cell] for cell in cells]

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What the groups are, and the state of the inner generator."""
        values, arrays = self.inner.state()
        about = {
            **self.layout.as_dict(),
            "groups": list(self.groups.names),
            "inner": {"kind": self.inner.kind, "values": values},
        }
        own = {PRIOR: self.groups.prior, SCALES: self.groups.scales}
        if self.nuisance:
            about["nuisance"] = self.nuisance.as_dict()
            own[SHARES] = self.nuisance.shares
        return about, own | (self.shift.arrays() if self.shift else {}) | arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "ReadGenerator":
        """Build the generator from what `state` gave."""
        groups = _groups_of(values, arrays)
        own = {name: array for name, array in arrays.items() if name not in (PRIOR, SCALES, SHARES, *NAMES)}
        about = values.get("nuisance")
        nuisance = Nuisance.from_state(about, groups.names, arrays[SHARES]) if about else None
        inner = inner_generator(values["inner"], own, [cls.kind, "manifold"])
        return cls(inner, groups, CaptionShift.from_arrays(arrays), nuisance)


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
