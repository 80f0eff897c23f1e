"""A mixture of mixtures: the density for a text that may mean any of several groups.

`blend` joins the mixtures of the groups by their shares. Those that stand in one frame become one `Mixture`; where each
group has a frame of its own, they are the parts of a `Blend`, which can do what a `Mixture` can. Samplers that are no
mixtures become a `SamplerBlend`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steps.generators.mixture import Frame, Mixture, draw_components, tempered_weights
from steps.generators.samplers import Sampler, SamplerBlend
from utils.vectors import log_sum_exp


@dataclass(frozen=True)
class Blend:
    """A mixture whose components stand in several frames.

    Attributes:
        log_weights: (K,) logarithms of the weights of all components, which sum to 1.
        parts: mixtures with K components in all, which are numbered through, part by part. Their own weights do not
            count. They have the same numbers of latent coordinates and degrees of freedom.
    """

    log_weights: np.ndarray
    parts: Sequence[Mixture]

    def __post_init__(self) -> None:
        kinds = {(part.frame.latent_dim, part.dof) for part in self.parts}
        if len(kinds) != 1 or sum(len(part.log_weights) for part in self.parts) != len(self.log_weights):
            raise ValueError(
                f"parts with (coordinates, degrees of freedom) {kinds} for {len(self.log_weights)} weights"
            )

    @property
    def dof(self) -> float:
        """Degrees of freedom of all components; infinity means Gaussian."""
        return self.parts[0].dof

    @property
    def frames(self) -> list[Frame]:
        """The frame of each component (K)."""
        return [part.frame for part in self.parts for _ in part.log_weights]

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density (N,) in nats of embeddings (N, D), in their own units."""
        return log_sum_exp(self.component_log_density(x) + self.log_weights)

    def component_log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density (N, K) of embeddings (N, D) under each component, weights left out."""
        return np.concatenate([part.component_log_density(x) for part in self.parts], axis=1)

    def tempered(self, weights: float = 1.0, spread: float = 1.0) -> "Blend":
        """The same at other temperatures, as `Mixture.tempered` says; `weights` is for all components together."""
        parts = [part.tempered(spread=spread) for part in self.parts]
        return Blend(tempered_weights(self.log_weights, weights), parts)

    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw n embeddings. Returns (n, D) float32 and the component (n,) of each."""
        components = draw_components(rng, self.log_weights, n)
        x = np.empty((n, len(self.parts[0].frame.offset)), dtype=np.float32)
        first = 0
        for part in self.parts:
            last = first + len(part.log_weights)
            mine = np.flatnonzero((first <= components) & (components < last))
            x[mine] = part.sample_of(rng, components[mine] - first)
            first = last
        return x, components

    def original_space(self) -> dict[str, np.ndarray]:
        """The parameters as `Mixture.original_space` gives them, but with a basis for each component (K, D, q)."""
        given = [part.original_space() for part in self.parts]
        return {
            "weights": np.exp(self.log_weights),
            "means": np.concatenate([one["means"] for one in given]),
            "basis": np.stack([frame.matrix for frame in self.frames]),
            "scales": np.concatenate([one["scales"] for one in given]),
            "dof": np.array(self.dof),
        }


def blend(shares: Sequence[float], mixtures: Sequence[Mixture] | Sequence[Sampler]) -> Mixture | Blend | Sampler:
    """The mixture of `mixtures` with these shares, which sum to 1; equal mixtures are taken together."""
    total: list[float] = []
    distinct: list = []
    for share, mixture in zip(shares, mixtures, strict=True):
        same = [number for number, known in enumerate(distinct) if _same(known, mixture)]
        if same:
            total[same[0]] += share
        else:
            total.append(share)
            distinct.append(mixture)
    if isinstance(distinct[0], Sampler):
        return distinct[0] if len(distinct) == 1 else SamplerBlend(np.log(total), distinct)
    parts = [_joined(np.log(own), members) for own, members in _by_frame(total, distinct)]
    if len(parts) == 1:
        return parts[0]
    return Blend(np.concatenate([part.log_weights for part in parts]), parts)


def _by_frame(shares: list[float], mixtures: list[Mixture]) -> list[tuple[list[float], list[Mixture]]]:
    """Shares and mixtures of each distinct frame, in the order in which these come."""
    found: list[tuple[list[float], list[Mixture]]] = []
    for share, mixture in zip(shares, mixtures, strict=True):
        own = [entry for entry in found if same_frame(entry[1][0].frame, mixture.frame)]
        if own:
            own[0][0].append(share)
            own[0][1].append(mixture)
        else:
            found.append(([share], [mixture]))
    return found


def _joined(log_shares: np.ndarray, mixtures: list[Mixture]) -> Mixture:
    """Mixtures of one frame as one, whose weights sum to the sum of the shares (P,)."""
    if len(mixtures) == 1 and log_shares[0] == 0:
        return mixtures[0]
    weights = [share + one.log_weights for share, one in zip(log_shares, mixtures, strict=True)]
    means, scales = (np.concatenate([getattr(one, name) for one in mixtures]) for name in ("means", "scales"))
    return Mixture(np.concatenate(weights), means, scales, mixtures[0].frame, mixtures[0].dof)


def same_frame(a: Frame, b: Frame) -> bool:
    """Is this one frame, number by number?"""
    return a is b or (np.array_equal(a.offset, b.offset) and np.array_equal(a.basis, b.basis))


def _same(a: Mixture | Sampler, b: Mixture | Sampler) -> bool:
    """Are these the same density, number by number? Samplers are, where they are one object."""
    if isinstance(a, Sampler):
        return a is b
    arrays = ("log_weights", "means", "scales")
    equal = a is b or all(np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays)
    return equal and same_frame(a.frame, b.frame)
