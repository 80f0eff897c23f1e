"""A generator of embeddings on a surface: another gives the density of pre-activations, whose samples are mapped there.

On the surface there is no density with respect to volume, so no log density is told.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from steps.generators.blend import Blend
from steps.generators.contract import Generator, inner_generator
from steps.generators.manifold import Manifold
from steps.generators.mixture import Mixture
from steps.generators.samplers import Sampler
from steps.generators.validation import number_of
from steps.text.layout import TextLayout
from utils.errors import brief

ALIVE = "alive"


@dataclass(frozen=True)
class MappedMixture:
    """The density of pre-activations given a text, whose samples are mapped to embeddings.

    Attributes:
        inner: over z (L). manifold: maps z to x (D).
    """

    inner: Mixture | Blend | Sampler
    manifold: Manifold

    def tempered(self, weights: float = 1.0, spread: float = 1.0) -> "MappedMixture":
        """The same at other temperatures of the inner mixture, as `Mixture.tempered` says."""
        return MappedMixture(self.inner.tempered(weights, spread), self.manifold)

    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw n embeddings. Returns (n, D) float32 and the component (n,) of each."""
        z, components = self.inner.sample(rng, n)
        return self.manifold.to_embedding(z), components


class ManifoldGenerator(Generator):
    """x = map(z), z ~ inner(t).

    Attributes:
        inner: gives the density of pre-activations. manifold: what embeddings have in common.
    """

    kind = "manifold"
    no_density = "its samples lie on a surface, which has no density with respect to volume"

    def __init__(self, inner: Generator, manifold: Manifold):
        self.inner, self.manifold = inner, manifold
        self.dim, self.text_dim = len(manifold.alive), inner.text_dim
        if inner.dim != manifold.alive.sum():
            raise ValueError(f"{ALIVE}: {int(manifold.alive.sum())} dimensions, the inner generator has {inner.dim}")

    @property
    def layout(self) -> TextLayout:
        """What the columns of text vectors mean."""
        return self.inner.layout

    def mixtures(self, text_vectors: np.ndarray) -> list[MappedMixture]:
        """The density for each of the text vectors (T, E); one object for texts that mean the same."""
        made: dict[int, MappedMixture] = {}
        return [
            made.setdefault(id(inner), MappedMixture(inner, self.manifold))
            for inner in self.inner.mixtures(text_vectors)
        ]

    def in_table(self, text_vectors: np.ndarray, most_bytes: int) -> "ManifoldGenerator | None":
        """The same for these texts (T, E) alone, without a network."""
        inner = self.inner.in_table(text_vectors, most_bytes)
        return inner and ManifoldGenerator(inner, self.manifold)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What embeddings have in common, and the state of the inner generator."""
        values, arrays = self.inner.state()
        about = {
            "rectified": self.manifold.rectified,
            "norm": self.manifold.norm,
            "inner": {"kind": self.inner.kind, "values": values},
        }
        return about, {ALIVE: self.manifold.alive.astype(np.float32), **arrays}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "ManifoldGenerator":
        """Build the generator from what `state` gave."""
        rectified = values["rectified"]
        if not isinstance(rectified, bool):
            raise ValueError(f"rectified: expected true or false, found {brief(rectified)}")
        own = {name: array for name, array in arrays.items() if name != ALIVE}
        made = inner_generator(values["inner"], own, [cls.kind])
        norm = number_of(values, "norm", above=0) if values["norm"] else 0.0
        return cls(made, Manifold(arrays[ALIVE] > 0, rectified, norm))
