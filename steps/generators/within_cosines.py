"""How like the utterances of one speaker are: their cosines, and a spread within speakers that gives samples the same.

Moments of residuals tell how far utterances are from their speaker, but not all of it comes out in samples: a surface
rounds what lies far off (`manifold.py`), and large factors of the spread make the others small. So samples are drawn as
training speakers are, with as many utterances each for the texts of the same groups. The covariance within speakers is
multiplied by (1 - m) / (1 - m'), and the variance of the factors of utterances by (v - v_0) / (v' - v_0), with the mean
m and the variance v of the cosines of all pairs of utterances of one speaker, m' and v' of samples, and v_0 of samples
without these factors: simulated moments (D. McFadden, Econometrica 57, 1989), found by a few such steps.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from steps.generators.blend import Blend
from steps.generators.contract import Generator
from steps.generators.manifold_generator import MappedMixture
from steps.generators.mixture import Mixture
from steps.generators.pairs import Pairs
from steps.generators.within_speaker import WithinSpeaker
from utils.command import logger

log = logger(__name__)
STEPS = 4
START = 0.1  # of the variance of the factors of utterances, at least, where there is one
SPEAKERS = 600  # at least, of samples, and at most of training speakers
UTTERANCES = 8  # of a speaker, at most
MOST_SPREAD = 2.0  # of the factors of utterances: 5 degrees of freedom
MOST_GAIN = 4.0  # by which it grows in a step
MOST_SCALE = 2.0  # of the covariance, and 1 over it


class SameSpeakerCosines(NamedTuple):
    """Mean and variance of the cosines of all pairs of utterances of one speaker."""

    mean: float
    variance: float

    def as_dict(self) -> dict[str, float]:
        """Mean and deviation."""
        return {"mean": self.mean, "deviation": self.variance**0.5}

    @classmethod
    def of(cls, x: np.ndarray, counts: np.ndarray) -> "SameSpeakerCosines":
        """Of utterances (S, U, D), of which the first `counts` (S,) of each speaker exist."""
        unit = x / np.maximum(np.linalg.norm(x, axis=2, keepdims=True), np.finfo(np.float32).tiny)
        rows, columns = np.triu_indices(x.shape[1], 1)
        pairs = (unit @ unit.transpose(0, 2, 1))[:, rows, columns][columns < counts[:, None]]
        return cls(float(pairs.mean(dtype=np.float64)), float(pairs.var(dtype=np.float64)))


class Matched(NamedTuple):
    """What became of a spread.

    Attributes:
        scale: factor on the covariance within speakers. real: of training speakers. before, after: of samples.
    """

    scale: float
    real: SameSpeakerCosines
    before: SameSpeakerCosines
    after: SameSpeakerCosines


class SampledAsTrained(NamedTuple):
    """What is drawn, and what the training speakers have.

    Attributes:
        counts: (S,) utterances of each speaker, at least 2. groups: (S,) numbers of `mixtures`.
        mixtures: of the texts of groups. target: of the training speakers.
    """

    counts: np.ndarray
    groups: np.ndarray
    mixtures: list[Mixture | Blend | MappedMixture]
    target: SameSpeakerCosines

    @classmethod
    def of(cls, generator: Generator, train: Pairs, embeddings: np.ndarray) -> "SampledAsTrained | None":
        """Of training speakers with two utterances or more; None where the generator has no mixtures."""
        order = np.argsort(train.speakers, kind="stable")
        counts = np.bincount(train.speakers)
        starts = np.cumsum(counts) - counts
        chosen = np.flatnonzero(counts > 1)
        chosen = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), SPEAKERS)).astype(int)]
        counts = np.minimum(counts[chosen], UTTERANCES)
        rows = order[starts[chosen][:, None] + np.minimum(np.arange(UTTERANCES), counts[:, None] - 1)]
        groups, of_speaker = np.unique(train.groups[rows[:, 0]], return_inverse=True)
        texts = dict(zip(train.text_groups[::-1].tolist(), reversed(range(len(train.texts))), strict=True))
        mixtures = generator.mixtures(train.texts[[texts[group] for group in groups.tolist()]])
        inner = [one.inner if isinstance(one, MappedMixture) else one for one in mixtures]
        if not all(isinstance(one, Mixture | Blend) for one in inner):
            return None
        repeats = -(-SPEAKERS // len(chosen))
        target = SameSpeakerCosines.of(embeddings[rows], counts)
        return cls(np.tile(counts, repeats), np.tile(of_speaker, repeats), mixtures, target)

    def simulate(self, within: WithinSpeaker, seed: int) -> SameSpeakerCosines:
        """Of samples that have this spread within speakers."""
        rng, most = np.random.default_rng(seed), int(self.counts.max())
        found, order = [], []
        for group, mixture in enumerate(self.mixtures):
            mine = np.flatnonzero(self.groups == group)
            found.append(within.sample_embeddings(mixture, rng, len(mine), most)[0])
            order.append(mine)
        return SameSpeakerCosines.of(np.concatenate(found), self.counts[np.concatenate(order)])


@threadpool_limits.wrap(limits=1)  # the same numbers for any number of threads
def match_cosines(
    within: WithinSpeaker, generator: Generator, train: Pairs, embeddings: np.ndarray, seed: int
) -> tuple[WithinSpeaker, Matched | None]:
    """The spread whose samples have the cosines of training speakers; as it is, where the generator has no mixtures.

    Args:
        embeddings: (N, D) that train.x (N, L) stand for.
    """
    design = SampledAsTrained.of(generator, train, embeddings)
    if design is None:
        return within, None
    scale, spread, target = 1.0, 0.0, design.target
    if target.mean >= 1 or target.variance <= 0:  # of utterances that are all alike
        return within, None
    before = design.simulate(within, seed)
    for _ in range(STEPS):
        floor = found = design.simulate(_with(within, scale, 0.0), seed)
        if target.variance > floor.variance:
            spread = max(spread, START)
            found = design.simulate(_with(within, scale, spread), seed)
            gained = max(found.variance - floor.variance, (target.variance - floor.variance) / MOST_GAIN)
            spread = min(spread * (target.variance - floor.variance) / gained, MOST_SPREAD)
        else:
            spread = 0.0
        scale = float(np.clip(scale * (1 - target.mean) / (1 - found.mean), 1 / MOST_SCALE, MOST_SCALE))
    found = design.simulate(_with(within, scale, spread), seed)
    log.info(
        "cosines of utterances of one speaker: %.3f, deviation %.3f; of samples %.3f, %.3f, with factors of variances"
        " %.2f (speakers) and %.2f (utterances)",
        *(target.mean, target.variance**0.5, found.mean, found.variance**0.5, within.spreads[0], spread),
    )
    return _with(within, scale, spread), Matched(scale, target, before, found)


def _with(within: WithinSpeaker, scale: float, spread: float) -> WithinSpeaker:
    return replace(within, covariance=scale * within.covariance, spreads=np.array([within.spreads[0], spread]))
