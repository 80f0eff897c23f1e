"""Averages over a pool of speakers, as the first systems of VoicePrivacy make anonymous ones; for no text but a gender.

A source is one of the pool's speakers, at random. Of the `farthest` speakers of the same gender, by cosine from the
source, `averaged` are drawn, and their mean is the sample (F. Fang et al., Speaker anonymization using x-vector and
neural waveform models, SSW 2019; N. Tomashenko et al., Introducing the VoicePrivacy initiative, Interspeech 2020, which
takes 100 of 200). Speakers are the means of their embeddings.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steps.generators.contract import Fit, Generator
from steps.generators.linear import GroupClassifier, LinearMap
from steps.generators.manifold import ManifoldOptions
from steps.generators.mixture import check_temperature
from steps.generators.pairs import Pairs, sum_by
from steps.generators.rivals.strata import BY, GENDER, HELP, Strata
from steps.generators.samplers import Sampler
from steps.generators.validation import number_of, size_of
from steps.training.workplace import Workplace
from utils.command import logger
from utils.errors import InputError
from utils.options import option
from utils.vectors import check_shape, unit_rows

log = logger(__name__)
ROWS = 256  # samples that are made at once


@dataclass(frozen=True)
class PoolOptions(ManifoldOptions):
    """Pool averaging of VoicePrivacy."""

    farthest: int = option(
        200, "speakers of the pool, those farthest from the source; at most half of it", least=1, most=10**9
    )
    averaged: int = option(100, "speakers that are averaged, drawn of these; at most half of them", least=1, most=10**9)
    rescale: bool = option(False, "samples have the mean norm of the training embeddings")
    by: str = option(GENDER, HELP, choices=BY)


@dataclass(frozen=True)
class PoolAverages(Sampler):
    """Means of random speakers that are far from a random source.

    Attributes:
        pool: (S, D) float32 means of speakers.
        farthest, averaged: numbers of speakers.
        norm: of all samples; 0: that of the mean.
        shift: (D,) that is added.
    """

    pool: np.ndarray
    farthest: int
    averaged: int
    norm: float
    shift: np.ndarray | float = 0.0

    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw n embeddings. Returns (n, D) float32 and the number (n,) of each one's source in the pool."""
        sources = rng.integers(len(self.pool), size=n)
        unit = unit_rows(self.pool)
        x = np.empty((n, self.pool.shape[1]), np.float32)
        for start in range(0, n, ROWS):
            mine = slice(start, start + ROWS)
            cosines = unit[sources[mine]] @ unit.T
            far = np.argpartition(cosines, self.farthest - 1, axis=1)[:, : self.farthest]
            order = np.argpartition(rng.random(far.shape), self.averaged - 1, axis=1)[:, : self.averaged]
            x[mine] = self.pool[np.take_along_axis(far, order, axis=1)].mean(axis=1)
        if self.norm:
            x = self.norm * unit_rows(x)
        return (x + self.shift).astype(np.float32), sources

    def tempered(self, weights: float = 1.0, spread: float = 1.0) -> "PoolAverages":
        """The same. Raises InputError for a spread other than 1."""
        check_temperature("weight", weights)
        check_temperature("spread", spread)
        if spread != 1:
            raise InputError(
                f"spread temperature {spread}: averages over a pool (generators of the kind pool) have no spread that"
                " can be changed; leave it at 1"
            )
        return self

    def moved(self, shift: np.ndarray) -> "PoolAverages":
        """The same, all samples moved by `shift` (D,)."""
        return replace(self, shift=self.shift + shift)


class PoolGenerator(Generator):
    """Pools of speakers and a classifier that chooses one.

    Attributes:
        pools: one for each part that a text can mean. classifier: None where there is only one.
    """

    kind = "pool"
    no_density = "averages over a pool of speakers have none"

    def __init__(self, classifier: GroupClassifier | None, pools: list[PoolAverages], text_dim: int):
        self.classifier, self.pools = classifier, pools
        self.dim, self.text_dim = pools[0].pool.shape[1], text_dim
        if classifier:
            check_shape("map of the classifier of pools", classifier.scores.weights, (text_dim, len(pools)))
        elif len(pools) != 1:
            raise ValueError(f"{len(pools)} pools, and no classifier to choose among them")
        for one in pools:
            if not one.averaged <= one.farthest <= len(one.pool):
                raise ValueError(f"{one.averaged} of the {one.farthest} farthest of {len(one.pool)} speakers")

    def mixtures(self, text_vectors: np.ndarray) -> list[PoolAverages]:
        """The averages over the pool of each of the text vectors (T, E)."""
        chosen = self.classifier(text_vectors) if self.classifier else np.zeros(len(text_vectors), dtype=int)
        return [self.pools[row] for row in chosen]

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The pools, one after the other, and the classifier's map."""
        values = {
            "text_dim": self.text_dim,
            "norm": self.pools[0].norm,
            "pools": [
                {"size": len(one.pool), "farthest": one.farthest, "averaged": one.averaged} for one in self.pools
            ],
        }
        arrays = {"pool": np.concatenate([one.pool for one in self.pools])}
        if self.classifier:
            arrays |= {"map_weights": self.classifier.scores.weights, "map_offset": self.classifier.scores.offset}
        return values, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "PoolGenerator":
        """Build the generator from what `state` gave."""
        sizes = [[size_of(one, name) for name in ("size", "farthest", "averaged")] for one in values["pools"]]
        norm = number_of(values, "norm", above=0) if values["norm"] else 0.0
        check_shape("pool", arrays["pool"], (sum(size for size, *_ in sizes), *arrays["pool"].shape[1:2]))
        parts = np.split(arrays["pool"], np.cumsum([size for size, *_ in sizes])[:-1])
        pools = [PoolAverages(part, *own, norm) for part, (_, *own) in zip(parts, sizes, strict=True)]
        scores = LinearMap(arrays["map_weights"], arrays["map_offset"]) if "map_weights" in arrays else None
        return cls(GroupClassifier(scores) if scores else None, pools, size_of(values, "text_dim"))


def fit_pool(train: Pairs, dev: Pairs, options: PoolOptions, workplace: Workplace | None = None) -> PoolGenerator:
    """The means of the training speakers, in a pool for each part."""
    strata = Strata.of(train, options.by)
    norm = float(np.linalg.norm(train.x.astype(np.float64), axis=1).mean()) if options.rescale else 0.0
    pools = []
    for part in range(strata.number):
        mine = strata.rows == part
        speakers, of_row = np.unique(train.speakers[mine], return_inverse=True)
        means = sum_by(of_row, train.x[mine], len(speakers)) / np.bincount(of_row)[:, None]
        farthest = min(options.farthest, -(-len(means) // 2))
        averaged = min(options.averaged, -(-farthest // 2)) if farthest < options.farthest else options.averaged
        if farthest < options.farthest:
            log.warning(
                "a pool of %d speakers: %d of the farthest %d are averaged, not %d of %d",
                len(means), averaged, farthest, options.averaged, options.farthest,
            )  # fmt: skip
        pools.append(PoolAverages(means.astype(np.float32), farthest, min(averaged, farthest), norm))
    return PoolGenerator(strata.classifier, pools, train.text_dim)


POOL = Fit(PoolOptions, fit_pool)
