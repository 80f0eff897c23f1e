"""Confidence intervals of metrics by a bootstrap over speakers: segments and trials of one speaker are not independent.

The joint bootstrap of verification draws as many speakers as there are, with replacement, on both sides of the trials
at once (N. Poh and S. Bengio, "Estimating the confidence interval of expected performance curve in biometric
authentication using joint bootstrap", ICASSP 2007). Each draw has a DET curve, from which any metric follows:

    replicates = joint_bootstrap(trials, 1000, np.random.default_rng(0))
    low, high = interval(equal_error_rate(replicates.curve))

Systems that score the same trials get the same draws from equal random states: subtract their metrics draw by draw for
the interval of a difference.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from steps.metrics.detection import DetCurve, bins_of, log_costs, target_levels
from steps.metrics.trials import ScoredTrials

LEVELS = 2048  # thresholds of the draws, where the targets have more distinct scores than that
CELLS = 1 << 22  # weights held at a time: 32 MB
MEANS = 2000  # draws for the interval of a mean


@dataclass(frozen=True, eq=False)
class Replicates:
    """DET curve and Cllr of each draw of speakers.

    Attributes:
        curve: rates of errors (draws, T). cllr: (draws,) in bits, if the scores are log likelihood ratios.
    """

    curve: DetCurve
    cllr: np.ndarray


def joint_bootstrap(blocks: Iterable[ScoredTrials], draws: int, rng: np.random.Generator) -> Replicates:
    """Draw the speakers of trials `draws` times.

    The trials within a speaker who is drawn k times count k times, and those with a speaker who is drawn m times k m
    times; copies of one speaker are not paired. A draw without targets or non-targets is repeated.

    The rates are exact at the scores of targets. Where these are more than `LEVELS`, so many of them are taken, the
    lowest ones all and then in geometric steps of the rank (.6 % for 100,000 targets); between them the curve is a
    straight line.
    """
    levels = _thinned(target_levels(blocks))
    n_speakers = next(iter(blocks)).n_speakers
    if draws < 1 or not n_speakers:
        raise ValueError(f"{draws} draws of {n_speakers} speakers; a bootstrap needs both (Trials.scored has speakers)")
    found, missing = [], draws
    while missing:
        counts = rng.multinomial(n_speakers, np.full(n_speakers, 1 / n_speakers), size=missing)
        sums = _weighted_sums(blocks, levels, counts.T.astype(np.float64))  # (2, 2 L + 2, missing)
        found.append(sums[..., (sums[:, :-1].sum(axis=1) > 0).all(axis=0)])
        missing -= found[-1].shape[-1]
    nontargets, targets = np.moveaxis(np.concatenate(found, axis=-1), -1, 1)  # (draws, 2 L + 2)
    curve = DetCurve.of_counts(levels, nontargets[:, :-1], targets[:, :-1])
    means = [sums[:, -1] / sums[:, :-1].sum(axis=1) for sums in (nontargets, targets)]
    return Replicates(curve, (means[0] + means[1]) / 2)


def _thinned(levels: np.ndarray) -> np.ndarray:
    """At most `LEVELS` of ascending levels (L,)."""
    if len(levels) <= LEVELS:
        return levels
    return levels[np.unique(np.geomspace(1, len(levels), LEVELS).astype(int)) - 1]


def _weighted_sums(blocks: Iterable[ScoredTrials], levels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The trials of each bin of `levels` (L,), and last their cost in bits, in each draw.

    Args:
        counts: (speakers, draws) how often each speaker was drawn.
    Returns:
        (2, 2 L + 2, draws), of non-targets and of targets.
    """
    sums = np.zeros((2, 2 * len(levels) + 2, counts.shape[1]))
    for block in blocks:
        for target in (False, True):
            _add(sums[int(target)], block, block.targets == target, levels, counts)
    return sums


def _add(sums: np.ndarray, block: ScoredTrials, chosen: np.ndarray, levels: np.ndarray, counts: np.ndarray) -> None:
    """Add the `chosen` trials (P,) of a block to the sums (2 L + 2, draws).

    Trials of one bin and one pair of speakers have the same weight in a draw, so they are counted first.
    """
    from scipy.sparse import coo_array

    scores, n = block.scores[chosen], block.n_speakers
    pairs, column = np.unique(
        block.enrol_speakers[chosen].astype(np.int64) * n + block.test_speakers[chosen], return_inverse=True
    )
    costs = np.bincount(column, log_costs(scores, block.targets[chosen]), minlength=len(pairs))
    ones = np.ones(len(scores))
    shape = len(sums), len(pairs)
    tally = coo_array((ones, (bins_of(scores, levels), column)), shape=shape).tocsr()
    tally += coo_array((costs, (np.full(len(pairs), len(sums) - 1), np.arange(len(pairs)))), shape=shape).tocsr()
    step = max(1, CELLS // max(1, len(pairs)))
    for start in range(0, counts.shape[1], step):
        part = counts[:, start : start + step]
        one, other = part[pairs // n], part[pairs % n]
        other[pairs // n == pairs % n] = 1
        sums[:, start : start + step] += tally @ (one * other)


def drawn_shares(hits: np.ndarray, trials: np.ndarray, enrol: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The share (draws,) of trials that are hits in each draw of speakers, such as the share that is accepted.

    NaN where a draw has no trials.

    Args:
        hits, trials: (E, T) how many there are of each pair of an enrolment and a test speaker.
        enrol: (draws, E) how often each enrolment speaker was drawn. test: (draws, T) the same of the test speakers.
    """
    found, all_of_them = (((enrol @ counts) * test).sum(axis=1) for counts in (hits, trials))
    return np.divide(found, all_of_them, out=np.full(len(found), np.nan), where=all_of_them > 0)


def interval(values: np.ndarray, share: float = 0.95) -> tuple[float, float]:
    """The bounds that hold the middle `share` of the draws (draws,), but for those that are NaN."""
    low, high = np.nanquantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def speaker_means(values: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Mean (S,) of values (N,) over the rows of each speaker; `speakers` (N,) are numbers 0 to S-1."""
    return np.bincount(speakers, values) / np.bincount(speakers)


def mean_interval(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval of the mean of values (S,), one a speaker, by drawing speakers; paired for equal states."""
    rows = rng.integers(len(values), size=(MEANS, len(values)))
    low, high = np.percentile(values[rows].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
