"""Learn from captions of persons how they differ from their groups: ridge regression, cross-validated over speakers.

Speakers are the unit: the target is the mean residual of a speaker's embeddings from the means of their groups, in the
principal directions of these residuals. A speaker's captions share the weight of one speaker. Rank and
penalty are those that tell most of speakers left out, by the gain in log density of a Gaussian

    gain = (|r|² - |r - p|²) / 2        for a speaker's residual r and the prediction p, whitened by the other speakers,

averaged over the speaker's captions one by one, and all of them taken together. The choice is the most cautious one
that is not behind the best by more than half a standard error, as the rule of one standard error [1] has it. Unless it
is better than no captions at all by one of them (three where no describers taught a consensus), there is no shift, and
the model is the one without captions.

1. L. Breiman et al., Classification and Regression Trees, 1984, section 3.4.3.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from threadpoolctl import threadpool_limits

from steps.generators.caption_shift import CaptionShift, cosines
from steps.generators.covariance import principal_subspace, shrunk_spread
from steps.generators.linear import LinearMap, fit_ridge
from steps.generators.pairs import Pairs, sum_by
from steps.text.consensus import Consensus
from utils.command import logger
from utils.vectors import unit_rows

log = logger(__name__)
DIRECTIONS = 64  # of residuals
FEWEST_SPEAKERS = 50
FOLDS = 10
CAUTION = 0.5  # standard errors behind the best
CLEARLY, BY_ITSELF = 1.0, 3.0  # standard errors better than none: with a consensus of describers, without one
RANKS = (3, 5, 8, 12)
SHRINKAGE = 0.1  # of covariances
PENALTIES = (50.0, 100.0, 200.0, 300.0, 400.0, 600.0, 800.0, 1600.0)  # in speakers, for coordinates of deviation 1
LIKE, UNLIKE = 0.05, 0.95  # quantiles of the cosines of captions, and of descriptions of groups
FADE = (0.1, 0.3)  # cosine: least and most between a text that does not count and one that counts in full


@threadpool_limits.wrap(limits=1)  # the choice of rank and penalty does not depend on the number of threads
def fit_shift(pairs: Pairs, sentence_dim: int, consensus: Consensus | None) -> CaptionShift | None:
    """The shift that captions of these pairs teach; None where they tell nothing of speakers that were left out.

    Args:
        pairs: texts are (T, E), of which the first `sentence_dim` columns are sentence vectors.
        consensus: gives coordinates of sentence vectors; None: one is learnt from the captions.
    """
    if not len(pairs.captions):
        return None
    captions = pairs.captions[:, :sentence_dim].astype(np.float64)
    spoken = pairs.speakers[pairs.caption_rows]
    if len(np.unique(spoken)) < FEWEST_SPEAKERS:
        log.info("captions of %d speakers, fewer than %d: they move nothing", len(np.unique(spoken)), FEWEST_SPEAKERS)
        return None
    captions, speakers = _distinct(captions, spoken)
    coordinates = consensus or _of_captions(captions, speakers)
    values = coordinates(captions)
    persons = Persons.of(pairs)
    rank, penalty = choose(values, speakers, persons, CLEARLY if consensus else BY_ITSELF)
    if not rank:
        log.info("captions tell nothing of speakers that were left out: they move nothing")
        return None
    log.info("captions of %d speakers: %d coordinates, penalty %g", len(np.unique(speakers)), rank, penalty)
    values = values[:, :rank]
    slope, centre = _fit(values, speakers, persons.residual(), penalty)
    own = coordinates.weights[:, :rank]
    return CaptionShift(
        LinearMap(own, -coordinates.mean @ own - centre),
        np.stack([values.min(axis=0), values.max(axis=0)]) - centre,
        *_likeness(captions, pairs.variants[:, :sentence_dim].astype(np.float64)),
        slope @ persons.back,
    )


def _distinct(captions: np.ndarray, speakers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each caption once a speaker, however many utterances it describes."""
    _, first = np.unique(np.column_stack([speakers, captions]), axis=0, return_index=True)
    first.sort()
    return captions[first], speakers[first]


def _of_captions(captions: np.ndarray, speakers: np.ndarray) -> Consensus:
    """Coordinates learnt from captions (C, S) alone: a speaker's captions by each other, or principal directions."""
    order = np.argsort(speakers, kind="stable")
    begins = np.searchsorted(speakers[order], speakers[order])
    annotators = np.empty(len(speakers), dtype=np.int64)
    annotators[order] = np.arange(len(speakers)) - begins  # the number of a caption among those of its speaker
    learnt = Consensus.fit(captions, speakers, annotators)
    return learnt or Consensus.principal(captions)


@dataclass(frozen=True)
class Persons:
    """Embeddings in the principal directions of what speakers differ in from their groups.

    Attributes:
        pairs: of which these are the embeddings.
        z: (N, q) float64 coordinates of the embeddings.
        back: (q, D) takes differences of coordinates to differences of embeddings.
    """

    pairs: Pairs
    z: np.ndarray
    back: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs) -> "Persons":
        """Find the directions."""
        subspace = principal_subspace(pairs.x)
        y = subspace.to_latent(pairs.x.astype(np.float64))
        present = cls(pairs, y, subspace.matrix.T).residual()[np.unique(pairs.speakers)]
        directions = np.linalg.eigh(present.T @ present)[1]
        kept = directions[:, -min(DIRECTIONS, len(present) // 2) :]
        return cls(pairs, y @ kept, kept.T @ subspace.matrix.T)

    def residual(self, without: np.ndarray | None = None) -> np.ndarray:
        """What each speaker differs in from the means of the groups, on the average of the embeddings (speakers, q).

        Args:
            without: speakers that are left out of the means of groups.
        """
        pairs, n_groups = self.pairs, len(self.pairs.group_names)
        weights = pairs.weights if without is None else pairs.weights * ~np.isin(pairs.speakers, without)
        mass = np.bincount(pairs.groups, weights, n_groups)
        means = sum_by(pairs.groups, self.z, n_groups, weights) / np.maximum(mass, 1e-300)[:, None]
        means[mass == 0] = weights @ self.z / weights.sum()
        counts = np.bincount(pairs.speakers)
        return sum_by(pairs.speakers, self.z - means[pairs.groups], len(counts)) / np.maximum(counts, 1)[:, None]


def choose(values: np.ndarray, speakers: np.ndarray, persons: Persons, clearly: float) -> tuple[int, float]:
    """Rank and penalty by cross-validation over speakers; (0, 0) where no captions are better.

    Args:
        values: (C, k) coordinates of captions. speakers: (C,) whose they are.
        clearly: standard errors that captions must be better by than none.
    """
    ranks = sorted({min(rank, values.shape[1]) for rank in RANKS} - {0})
    options = list(product(ranks, PENALTIES))
    if not options:
        return 0, 0.0
    known, rows = np.unique(speakers, return_inverse=True)
    fold_of = np.random.default_rng(0).permutation(len(known)) % FOLDS
    gains, sizes = np.zeros((len(options), len(known))), np.zeros(len(options))
    for fold in range(FOLDS):
        mine = fold_of == fold
        residual, test = persons.residual(known[mine])[known], mine[rows]
        residual = residual @ shrunk_spread(residual[~mine], SHRINKAGE).inverse_root  # the spread of the others
        numbers = np.unique(rows[test], return_inverse=True)[1]
        for number, (rank, penalty) in enumerate(options):
            fitted, centre = _fit(values[~test, :rank], rows[~test], residual, penalty)
            predicted = (values[test, :rank] - centre) @ fitted
            gains[number, mine] = _gains(predicted, residual[mine], numbers)
            sizes[number] += (predicted**2).sum()
    return _most_cautious(options, gains, sizes, clearly)


def _fit(
    values: np.ndarray, speakers: np.ndarray, residual: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Slope (k, q) and centre (k,) of the regression of residuals (speakers, q) on coordinates (C, k)."""
    weights = 1.0 / np.bincount(speakers)[speakers]  # the captions of a speaker share the weight of one
    return fit_ridge(values, residual[speakers], weights, penalty).weights, weights @ values / weights.sum()


def _gains(predicted: np.ndarray, residual: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The gain (speakers,) of predictions (C, q) for captions of speakers (C,), one by one and together, in nats."""
    counts = np.bincount(rows)
    together = sum_by(rows, predicted, len(counts)) / counts[:, None]
    alone = np.bincount(rows, (predicted * (residual[rows] - predicted / 2)).sum(axis=1)) / counts
    return (alone + (together * (residual - together / 2)).sum(axis=1)) / 2


def _most_cautious(
    options: list[tuple[int, float]], gains: np.ndarray, sizes: np.ndarray, clearly: float
) -> tuple[int, float]:
    """The option of the smallest size whose gain (options, speakers) is near the best; (0, 0) where that is none."""
    best = gains[gains.mean(axis=1).argmax()]
    near = np.flatnonzero((best - gains).mean(axis=1) <= CAUTION * _errors(best - gains))
    chosen = near[sizes[near].argmin()]
    return options[chosen] if gains[chosen].mean() > clearly * _errors(gains[chosen]) else (0, 0.0)


def _errors(gains: np.ndarray) -> np.ndarray:
    """The standard error of the mean of the last axis."""
    return gains.std(axis=-1, ddof=1) / np.sqrt(gains.shape[-1])


def _likeness(captions: np.ndarray, variants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The centre (S,) of captions, and the cosines (2,) at which a text begins to count, and counts in full."""
    centre = unit_rows(captions).mean(axis=0)
    centre /= np.linalg.norm(centre)
    full = np.quantile(cosines(captions, centre), LIKE)
    unlike = np.quantile(cosines(variants, centre), UNLIKE) if len(variants) else -1.0
    return centre, np.array([np.clip(unlike, full - FADE[1], full - FADE[0]), full])
