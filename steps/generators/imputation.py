"""Draw what a ReLU has cut off: the negative entries of pre-activations, from their conditional density.

Pre-activations z of the utterances u of speakers s in groups g are Gaussian on two levels,

    z_u = m_g + b_s + w_u,        b_s ~ N(0, B),  w_u ~ N(0, W)

z is known where the embedding is above zero, and negative elsewhere. Gibbs sampling (S. Geman and D. Geman, 1984)
draws in turn each speaker's b_s given its z, and each unknown entry given all others: a Gaussian, cut at zero. Each
sweep fits m, B and W to what it has drawn (data augmentation: M. Tanner and W. Wong, Journal of the American
Statistical Association 82, 1987). Groups share a mean the more, the fewer speakers they have; covariances are shrunk.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from steps.generators.manifold import Manifold
from steps.generators.pairs import Pairs, sum_by
from utils.command import progress

SWEEPS = 60
SWEEPS_OF_OTHERS = 20  # of speakers that nothing is fitted to
PRIOR = 0.2  # speakers, of the mean of all groups in that of a group
SHRINKAGE_BETWEEN, SHRINKAGE_WITHIN = 0.1, 0.05  # of what lies off the diagonal
FLOOR = 1e-3  # of the largest variance between speakers, in any direction
BLOCK = 32  # entries between which single draws are passed on
FARTHEST = 1e-12  # a cut in the tail below this probability is drawn by its exponential limit


class TwoLevels(NamedTuple):
    """Means and spreads.

    Attributes:
        means: (G + 1, L) of the groups, and of all.
        between, within: (L, L), covariances of speakers and of their utterances.
    """

    means: np.ndarray
    between: np.ndarray
    within: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Utterances whose pre-activations are known in part.

    Attributes:
        z: (N, L) float64, changed in place. free: (N, L) bool, the entries that are drawn.
        speakers, groups: (N,) numbers from 0.
    """

    z: np.ndarray
    free: np.ndarray
    speakers: np.ndarray
    groups: np.ndarray

    @classmethod
    def of(cls, manifold: Manifold, pairs: Pairs, rng: np.random.Generator) -> "Rows":
        """Those of embeddings."""
        return cls.begin(manifold.known(pairs.x), pairs.speakers, pairs.groups, rng)

    @classmethod
    def begin(cls, z: np.ndarray, speakers: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> "Rows":
        """Those of z (N, L), unknown where not positive: these about as far below zero as others lie above."""
        free = z <= 0
        z[free] = (-np.abs(rng.standard_normal(z.shape)) * z.std(axis=0) / 2)[free]
        return cls(z, free, speakers, groups)


@threadpool_limits.wrap(limits=1)  # the same numbers for any number of threads
def impute(manifold: Manifold, train: Pairs, dev: Pairs, seed: int) -> tuple[Pairs, Pairs]:
    """The training and the dev pairs with pre-activations (N, L) for embeddings; the latter do not move the fit."""
    if not manifold.rectified:
        return _with(train, manifold.known(train.x)), _with(dev, manifold.known(dev.x))
    rng = np.random.default_rng(seed)
    rows = Rows.of(manifold, train, rng)
    for _ in progress(range(SWEEPS), SWEEPS, "drawing what lies below zero"):
        levels = fit_levels(rows, len(train.group_names))
        draw(rows, levels, rng)
    number = {name: position for position, name in enumerate(train.group_names)}
    known = replace(dev, groups=np.array([number.get(name, len(number)) for name in dev.group_names])[dev.groups])
    others = Rows.of(manifold, known, rng)
    for _ in range(SWEEPS_OF_OTHERS if len(dev.x) else 0):
        draw(others, levels, rng)
    return _with(train, rows.z), _with(dev, others.z)


def _with(pairs: Pairs, z: np.ndarray) -> Pairs:
    return replace(pairs, x=z.astype(np.float32))


def fit_levels(rows: Rows, n_groups: int) -> TwoLevels:
    """Moments of the pre-activations as they stand; the last row of means is of a group without speakers.

    Where no speaker has two utterances, all of the spread is that of speakers.
    """
    z, counts = rows.z, np.bincount(rows.speakers)
    pairs = np.unique(np.stack([rows.groups, rows.speakers]), axis=1)
    n_speakers = np.bincount(pairs[0], minlength=n_groups)
    own = sum_by(rows.groups, z, n_groups) / np.maximum(np.bincount(rows.groups, minlength=n_groups), 1)[:, None]
    means = z.mean(axis=0) + (n_speakers / (n_speakers + PRIOR))[:, None] * (own - z.mean(axis=0))
    means = np.concatenate([means, z.mean(axis=0)[None]])
    residual = z - means[rows.groups]
    of_speaker = sum_by(rows.speakers, residual, len(counts)) / np.maximum(counts, 1)[:, None]
    left = residual - of_speaker[rows.speakers]
    seen = counts > 0
    spare = len(z) - int(seen.sum())
    within = _shrunk(left.T @ left / max(spare, 1), SHRINKAGE_WITHIN)
    between = of_speaker.T @ of_speaker / seen.sum() - (within * np.mean(1 / counts[seen]) if spare else 0)
    values, vectors = np.linalg.eigh(_shrunk(between, SHRINKAGE_BETWEEN))
    between = (vectors * np.maximum(values, FLOOR * values[-1])) @ vectors.T
    tiny = 1e-6 * np.trace(between) / len(between) * np.eye(len(between))
    return TwoLevels(means, between, within + tiny)


def _shrunk(covariance: np.ndarray, shrinkage: float) -> np.ndarray:
    return (1 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance))


def draw(rows: Rows, levels: TwoLevels, rng: np.random.Generator) -> None:
    """One sweep: the means of all speakers, then every unknown entry of `rows.z`."""
    mean = levels.means[rows.groups] + draw_speakers(rows, levels, rng)[rows.speakers]
    precision = np.linalg.inv(levels.within)
    error = rows.z - mean
    for start in range(0, error.shape[1], BLOCK):
        block = slice(start, start + BLOCK)
        among, pull = precision[block, block], error @ precision[:, block]  # of all entries on those of the block
        for column, pulls in enumerate(among, start):
            mine, own = np.flatnonzero(rows.free[:, column]), pulls[column - start]
            before = rows.z[mine, column]
            drawn = below_zero(before - pull[mine, column - start] / own, own**-0.5, rng)
            rows.z[mine, column] = drawn
            error[mine, column] += drawn - before
            pull[mine] += np.outer(drawn - before, pulls)


def draw_speakers(rows: Rows, levels: TwoLevels, rng: np.random.Generator) -> np.ndarray:
    """b (S, L) of each speaker given its n utterances.

    In coordinates where W is the identity and B diagonal, with the variances r, they are independent Gaussians of mean
    r / (1 + n r) times the sum over the utterances, and variance r / (1 + n r).
    """
    from scipy.linalg import eigh

    ratios, axes = eigh(levels.between, levels.within)  # axes' W axes = 1, axes' B axes = diag(ratios)
    counts = np.bincount(rows.speakers)
    sums = sum_by(rows.speakers, rows.z - levels.means[rows.groups], len(counts)) @ axes
    variances = ratios / (1 + counts[:, None] * ratios)
    drawn = variances * sums + np.sqrt(np.maximum(variances, 0)) * rng.standard_normal(sums.shape)
    return drawn @ axes.T @ levels.within


def below_zero(mean: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Draws (N,) of Gaussians with these means (N,) and one deviation, cut at zero from above."""
    from scipy.special import ndtr, ndtri

    edge = -mean / deviation
    mass, share = ndtr(edge), 1 - rng.random(len(mean))
    near = mass > FARTHEST
    standard = np.where(near, ndtri(np.where(near, mass, 1) * share), edge + np.log(share) / np.maximum(-edge, 1))
    return np.minimum(mean + deviation * standard, 0)
