"""A generator at other temperatures: where dev speakers contradict a generator, training keeps it in this form."""

from typing import Any

import numpy as np

from steps.generators.blend import Blend
from steps.generators.contract import Generator, inner_generator
from steps.generators.mixture import Mixture
from steps.generators.read_generator import ReadGenerator
from steps.generators.validation import number_of
from steps.text.layout import TextLayout


class TemperedGenerator(Generator):
    """p(x | t) = inner(x | t), tempered.

    Attributes:
        inner: gives mixtures. weights, spread: as `Mixture.tempered` has them.
    """

    kind = "tempered"

    def __init__(self, inner: Generator, weights: float, spread: float):
        self.inner, self.weights, self.spread = inner, weights, spread
        self.dim, self.text_dim, self.no_density = inner.dim, inner.text_dim, inner.no_density

    @property
    def layout(self) -> TextLayout:
        """What the columns of text vectors mean."""
        return self.inner.layout

    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture | Blend]:
        """The density for each of the text vectors (T, E); one object for texts that mean the same."""
        made: dict[int, Mixture | Blend] = {}
        for mixture in (known := self.inner.mixtures(text_vectors)):
            if id(mixture) not in made:
                made[id(mixture)] = mixture.tempered(self.weights, self.spread)
        return [made[id(mixture)] for mixture in known]

    def in_table(self, text_vectors: np.ndarray, most_bytes: int) -> "TemperedGenerator | None":
        """The same for these texts (T, E) alone, without a network."""
        inner = self.inner.in_table(text_vectors, most_bytes)
        return inner and TemperedGenerator(inner, self.weights, self.spread)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The temperatures, and the state of the inner generator."""
        values, arrays = self.inner.state()
        inner = {"kind": self.inner.kind, "values": values}
        return {"weight_temperature": self.weights, "spread_temperature": self.spread, "inner": inner}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "TemperedGenerator":
        """Build the generator from what `state` gave."""
        weights, spread = (number_of(values, f"{name}_temperature", above=0) for name in ("weight", "spread"))
        return cls(inner_generator(values["inner"], arrays, [cls.kind, "read", "manifold"]), weights, spread)


def tempered(generator: Generator, weights: float, spread: float) -> Generator:
    """The generator at these temperatures; itself where both are 1. Shares of groups that a text may mean stay."""
    if weights == spread == 1:
        return generator
    if isinstance(generator, ReadGenerator):
        inner = tempered(generator.inner, weights, spread)
        return ReadGenerator(inner, generator.groups, generator.shift, generator.nuisance)
    if isinstance(generator, TemperedGenerator):
        return TemperedGenerator(generator.inner, weights * generator.weights, spread * generator.spread)
    return TemperedGenerator(generator, weights, spread)
