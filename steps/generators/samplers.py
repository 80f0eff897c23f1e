"""Densities that are no mixtures of a few known components: what other kinds of generators give for a text.

`Sampler` is what they have in common with a `Mixture`; `SamplerBlend` joins several by their shares, as the groups that
a text may mean. There are no parameters to be written, and no utterances of one speaker.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steps.generators.mixture import Frame, draw_components, tempered_weights
from utils.vectors import log_sum_exp


class Sampler(ABC):
    """The distribution of embeddings, given one text. It has one component, so that weights have no temperature."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw n embeddings. Returns (n, D) float32 and a number (n,) of each that says where it comes from."""

    @abstractmethod
    def tempered(self, weights: float = 1.0, spread: float = 1.0) -> "Sampler":
        """The same with variances times `spread`.

        Raises InputError where the kind has no variance to be changed, and for numbers that are not above 0.
        """

    @abstractmethod
    def moved(self, shift: np.ndarray) -> "Sampler":
        """The same, all embeddings moved by `shift` (D,), as far as they lie in a subspace that has this direction."""

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density (N,) in nats of embeddings (N, D), of generators that have one (`Generator.has_density`)."""
        raise NotImplementedError(f"{type(self).__name__} has no density")

    @property
    def frames(self) -> list[Frame]:
        """The frames that the density stands in, one where several are alike; none where there is no density."""
        return []


@dataclass(frozen=True)
class SamplerBlend(Sampler):
    """One of several samplers, by chance; the number of a sample is that of its part.

    Attributes:
        log_weights: (P,) logarithms of the shares, which sum to 1.
        parts: P samplers.
    """

    log_weights: np.ndarray
    parts: Sequence[Sampler]

    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw the part of each, then the embeddings part by part."""
        chosen = draw_components(rng, self.log_weights, n)
        if n == 0:
            return self.parts[0].sample(rng, 0)[0], chosen
        drawn = {
            number: self.parts[number].sample(rng, int((chosen == number).sum()))[0] for number in np.unique(chosen)
        }
        x = np.empty((n, next(iter(drawn.values())).shape[1]), np.float32)
        for number, rows in drawn.items():
            x[chosen == number] = rows
        return x, chosen

    def tempered(self, weights: float = 1.0, spread: float = 1.0) -> "SamplerBlend":
        """Shares to the power 1/weights, and the parts with their variances times `spread`."""
        parts = [part.tempered(spread=spread) for part in self.parts]
        return SamplerBlend(tempered_weights(self.log_weights, weights), parts)

    def moved(self, shift: np.ndarray) -> "SamplerBlend":
        """All parts moved."""
        return SamplerBlend(self.log_weights, [part.moved(shift) for part in self.parts])

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """The logarithm of the sum of the densities, by their shares."""
        return log_sum_exp(np.stack([part.log_density(x) for part in self.parts], axis=1) + self.log_weights)

    @property
    def frames(self) -> list[Frame]:
        """Those of the parts."""
        return list({id(frame): frame for part in self.parts for frame in part.frames}.values())
