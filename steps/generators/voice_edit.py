"""Real speakers moved towards a description, in the space whose density a generator has.

The generator reads what a speaker is: a posterior over the groups of its training set, the mean over the vectors of

    p(h | z) = P(h) p(z | h) / sum_h' P(h') p(z | h')

and a text what the speaker shall become: of attribute a it has the posterior q_a, and what it leaves unsaid stays,

    p(g | t, h) = prod_a ( q_a(g_a) + q_a(unsaid) [g_a = h_a] )

All vectors of a speaker then move by amount * sum_h p(h | speaker) ( sum_g p(g | t, h) m_g + d(t) - m_h ), with the
mean m of the density of a group and the shift d of a text about a person. What the speaker differs in from the group
stays.

On a surface z are pre-activations (`manifold.py`). What a ReLU has cut off is drawn as `imputation.py` does, from the
one Gaussian that has the spread of the generator's densities.
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from steps.data.groups import group_values
from steps.generators.contract import Generator
from steps.generators.imputation import SWEEPS_OF_OTHERS, Rows, TwoLevels, draw
from steps.generators.manifold import Manifold
from steps.generators.manifold_generator import ManifoldGenerator
from steps.generators.mixture import Mixture
from steps.generators.pairs import sum_by
from steps.generators.read_generator import ReadGenerator
from steps.generators.validation import check_embeddings
from utils.errors import InputError

BLOCK = 4096  # vectors at once
LEAST_SAID = 0.01  # posterior of the values of all attributes together, below which a text says nothing
LEFT_OUT = 1e-4  # share of a group that is left out
ROUNDING = 1e-9  # of the largest entry of means: what differs less is one mean
RIDGE = 1e-6  # of the mean variance, where densities leave out directions


class Moved(NamedTuple):
    """Vectors that were moved.

    Attributes:
        x: (N, D) float32. before, after: attribute -> (S, values) the posterior of each speaker as it was read, and as
            it should be for the whole amount.
    """

    x: np.ndarray
    before: dict[str, np.ndarray]
    after: dict[str, np.ndarray]


class VoiceEditor:
    """Moves vectors of speakers.

    Args:
        generator: of texts that were read, with mixtures. Another one: InputError.
    """

    def __init__(self, generator: Generator):
        self.surface = generator.manifold if isinstance(generator, ManifoldGenerator) else None
        inner = generator.inner if isinstance(generator, ManifoldGenerator) else generator
        if not isinstance(inner, ReadGenerator):
            raise InputError(
                f"a generator of the kind {inner.kind!r}: its texts were not read into attributes, so it cannot tell"
                " what of a speaker is to change; train it on texts of text.reader=posterior"
            )
        self.read = inner
        self.names = inner.groups.names
        self.mixtures = inner.of_groups(list(self.names))
        if not all(isinstance(one, Mixture) for one in self.mixtures):
            raise InputError(f"a generator of the kind {inner.inner.kind!r} has no mixtures, whose means are moved to")
        self.means = np.stack([mean_of(one) for one in self.mixtures])

    def check_text(self, vector: np.ndarray) -> None:
        """Raise InputError for the vector (E,) of a text that says nothing; for any where all groups are alike."""
        if self.read.shifts(vector[None]).any():
            return
        if np.ptp(self.means, axis=0).max() <= ROUNDING * np.abs(self.means).max():
            raise InputError("--model: one mean for all groups, as of one that heeds no text, so nobody would be moved")
        unsaid = math.prod(self.read.groups.read(vector)[1])
        if 1 - unsaid < LEAST_SAID:
            known = ", ".join(self.read.layout.attributes)
            raise InputError(f"the text says nothing of {known}, so nobody would be moved; name what shall change")

    def move(self, x: np.ndarray, speakers: np.ndarray, vector: np.ndarray, amount: float, seed: int = 0) -> Moved:
        """Move vectors (N, D) of speakers (N,), numbered from 0, towards the text with the vector (E,)."""
        z, posterior = self._read(x, np.random.default_rng(seed))
        of_speaker = sum_by(speakers, posterior, int(speakers.max()) + 1) / np.bincount(speakers)[:, None]
        wanted, targets = self._targets(vector)
        step = of_speaker @ (targets - self.means)
        z += amount * step[speakers]
        before = {name: of_speaker @ self._has(name, self.names) for name in self.read.groups.values}
        after = {name: of_speaker @ shares for name, shares in wanted.items()}
        return Moved(self._embeddings(z, x) if amount else x, before, after)

    def _targets(self, vector: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """What a text makes of each group (G): shares (G, values) of each attribute, and the mean (G, L) moved to."""
        said, unsaid = self.read.groups.read(vector)
        values = self.read.groups.values
        wanted = {
            name: said[axis].ravel() + unsaid[axis] * self._has(name, self.names) for axis, name in enumerate(values)
        }
        means = [self._mean_of(*(shares[row] for shares in wanted.values())) for row in range(len(self.names))]
        return wanted, np.stack(means) + self.read.shifts(vector[None])[0]

    def _mean_of(self, *shares: np.ndarray) -> np.ndarray:
        """The mean (L,) of voices with these shares (values,) of each attribute."""
        kept = [[(value, share) for value, share in enumerate(own) if share > LEFT_OUT] for own in shares]
        cells = {
            np.ravel_multi_index([value for value, _ in cell], self.read.groups.corpus.shape): math.prod(
                share for _, share in cell
            )
            for cell in itertools.product(*kept)
        }
        cells = {cell: share for cell, share in cells.items() if share > LEFT_OUT}
        mixtures = self.read.of_groups([self.read.groups.cells[cell] for cell in cells])
        weights = np.array(list(cells.values()))
        return weights / weights.sum() @ np.stack([mean_of(one) for one in mixtures])

    def _has(self, attribute: str, groups: tuple[str, ...]) -> np.ndarray:
        """(G, values) 1 where a group has a value of an attribute."""
        values = self.read.groups.values[attribute]
        names = tuple(self.read.layout.attributes)
        return np.array(
            [[group_values(group, names)[attribute] == value for value in values] for group in groups], float
        )

    def _read(self, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """z (N, L) float64 of vectors (N, D), and the posterior (N, G) of the training groups."""
        parts = [self._read_block(x[start : start + BLOCK], rng) for start in range(0, len(x), BLOCK)]
        z, posterior = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return z, posterior

    def _read_block(self, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if self.surface is None:
            z = x.astype(np.float64)
            return z, self._posterior(z)
        z = self.surface.known(x)
        if self.surface.norm:
            z *= self.surface.norm / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
        if not self.surface.rectified:
            return z, self._posterior(z)
        rows = Rows.begin(z, np.arange(len(z)), np.zeros(len(z), np.int64), rng)
        levels, sums = self._levels(), np.zeros((len(x), len(self.names)))
        for sweep in range(SWEEPS_OF_OTHERS):
            posterior = self._posterior(rows.z)
            edges = posterior.cumsum(axis=1)
            rows.groups[:] = (rng.random((len(x), 1)) * edges[:, -1:] >= edges).sum(axis=1)
            draw(rows, levels, rng)
            if sweep >= SWEEPS_OF_OTHERS // 2:
                sums += self._posterior(rows.z)
        return rows.z, sums / sums.sum(axis=1, keepdims=True)

    def _posterior(self, z: np.ndarray) -> np.ndarray:
        """p(h | z) (N, G) for z (N, L)."""
        log = np.stack([mixture.log_density(z) for mixture in self.mixtures], axis=1) + np.log(self.read.groups.prior)
        log -= log.max(axis=1, keepdims=True)
        return np.exp(log) / np.exp(log).sum(axis=1, keepdims=True)

    def _levels(self) -> TwoLevels:
        """The Gaussians that unknown entries are drawn from: one covariance, as all spread were that of utterances."""
        covariance = np.einsum("g,gij->ij", self.read.groups.prior, [covariance_of(one) for one in self.mixtures])
        covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        return TwoLevels(self.means, np.zeros_like(covariance), covariance)

    def _embeddings(self, z: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Vectors (N, D) float32 of moved z (N, L); what no sample has stays as in x (N, D)."""
        return z.astype(np.float32) if self.surface is None else self.surface.to_embedding(z, x)


def mean_of(mixture: Mixture) -> np.ndarray:
    """The mean (L,) of a mixture."""
    weights = np.exp(mixture.log_weights)
    return mixture.frame.to_embedding((weights / weights.sum() @ mixture.means)[None])[0]


def covariance_of(mixture: Mixture) -> np.ndarray:
    """The covariance (L, L) of a mixture; of heavy tails, that of the same scales."""
    weights = np.exp(mixture.log_weights)
    weights /= weights.sum()
    away = mixture.means - weights @ mixture.means
    latent = (away * weights[:, None]).T @ away + np.diag(weights @ mixture.scales**2)
    basis = mixture.frame.matrix
    return basis @ latent @ basis.T


def check_vectors(x: np.ndarray, surface: Manifold | None, describe: Callable[[int], str]) -> None:
    """Raise InputError for the first of vectors (N, D) that the network of the training vectors cannot have made.

    Args:
        describe: names a row, and begins the message.
    """
    check_embeddings(x, describe)
    if surface is None:
        if (empty := ~x.any(axis=1)).any():
            raise InputError(f"{describe(int(empty.argmax()))}: zero in all dimensions, which no vector of a voice is")
        return
    if surface.rectified and (negative := (x < 0).any(axis=1)).any():
        raise InputError(
            f"{describe(int(negative.argmax()))}: negative entries, and the vectors that the model was trained on have"
            " none; give vectors of the same network as they are, not centred or projected"
        )
    if (empty := ~(x[:, surface.alive] != 0).any(axis=1)).any():
        raise InputError(f"{describe(int(empty.argmax()))}: zero in all dimensions that vectors of the model have")
