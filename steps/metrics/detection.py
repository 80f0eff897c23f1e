"""Metrics of scores of targets and non-targets: DET curve, equal error rate, detection cost, Cllr.

All metrics of the order of the scores come from one sort, that of the target scores: between two of them only the rate
of false alarms changes, so that a count of the non-targets there is all that any of these metrics needs of them.

    EER      where misses and false alarms are equally frequent. Scores that are equal are accepted or rejected
             together; between two thresholds the curve is a straight line (T. Fawcett, "An introduction to ROC
             analysis", Pattern Recognition Letters 27, 2006: what a random choice among the two reaches).
    min DCF  the least cost of any threshold, over that of the better of accepting and rejecting all:
             (C_miss P P_miss + C_fa (1 - P) P_fa) / min(C_miss P, C_fa (1 - P))
             (NIST 2010 Speaker Recognition Evaluation Plan, C_Norm with C_Default).
    Cllr     the mean cost, in bits, of scores that claim to be natural log likelihood ratios; min Cllr that of the
             same scores after the best monotone calibration, which the convex hull of the curve gives
             (N. Brümmer and J. du Preez, "Application-independent evaluation of speaker detection", 2006).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from steps.metrics.trials import ScoredTrials
from utils.errors import InputError
from utils.vectors import check_shape


@dataclass(frozen=True)
class Cost:
    """Costs of the two errors, and the prior probability of a target."""

    p_target: float = 0.01
    c_miss: float = 1.0
    c_false_alarm: float = 1.0


@dataclass(frozen=True, eq=False)
class DetCurve:
    """Rates of both errors at rising thresholds, from accepting all trials to rejecting all.

    Points on a straight line between two others may be left out.

    Attributes:
        thresholds: (T,) a trial is accepted whose score is at least the threshold.
        misses: (..., T) share of the targets that is rejected, rising from 0 to 1.
        false_alarms: (..., T) share of the non-targets that is accepted, falling from 1 to 0.
    """

    thresholds: np.ndarray
    misses: np.ndarray
    false_alarms: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, targets: np.ndarray) -> "DetCurve":
        """The curve of scores (P,), of which `targets` (P,) are targets; both may be columns of a table."""
        numbers = np.asarray(scores, dtype=np.result_type(np.asarray(scores), np.float32))
        check_shape("targets", targets, numbers.shape)
        return cls.of_blocks([ScoredTrials(numbers, np.asarray(targets, dtype=bool))])

    @classmethod
    def of_blocks(cls, blocks: Iterable[ScoredTrials]) -> "DetCurve":
        """The curve of all trials of some blocks, which are iterated over twice; one block at a time is in memory."""
        levels = target_levels(blocks)
        counts = np.zeros((2, 2 * len(levels) + 1))  # of non-targets, of targets
        for block in blocks:
            for target in (False, True):
                bins = bins_of(block.scores[block.targets == target], levels)
                counts[int(target)] += np.bincount(bins, minlength=counts.shape[1])
        return cls.of_counts(levels, *counts)

    @classmethod
    def of_counts(cls, levels: np.ndarray, nontargets: np.ndarray, targets: np.ndarray) -> "DetCurve":
        """The curve of counts of non-targets and targets (..., 2 L + 1) in the bins of `levels` (L,)."""
        with np.errstate(over="ignore"):  # above the largest number there is no other
            above = np.nextafter(levels, np.array(np.inf, levels.dtype))
        thresholds = np.concatenate([[-np.inf], np.stack([levels, above], axis=1).ravel(), [np.inf]])
        rejected = [np.cumsum(counts, axis=-1) for counts in (nontargets, targets)]
        shares = [np.pad(one / one[..., -1:], [(0, 0)] * (one.ndim - 1) + [(1, 0)]) for one in rejected]
        return cls(thresholds, shares[1], 1 - shares[0])


def target_levels(blocks: Iterable[ScoredTrials]) -> np.ndarray:
    """The distinct scores (L,) of the targets, ascending. Both kinds of trials must be there, all scores finite."""
    if iter(blocks) is blocks:
        raise ValueError("blocks of trials are iterated over more than once; give a list, or AllPairs(...).scored(...)")
    found, n, infinite = [], 0, 0
    for block in blocks:
        found.append(block.scores[block.targets])
        n += len(block.scores)
        infinite += np.count_nonzero(~np.isfinite(block.scores))
    if infinite:
        raise InputError(f"{infinite} of {n} scores are not finite")
    targets = sum(map(len, found))
    if targets in (0, n):
        raise InputError(f"an error rate needs targets and non-targets; of {n} trials, {targets} are targets")
    return np.unique(np.concatenate(found))


def bins_of(scores: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The bin (P,) of each score (P,): 2 i + 1 where it is levels[i], 2 i where it lies just below that."""
    below = np.searchsorted(levels, scores)
    return 2 * below + (levels[np.minimum(below, len(levels) - 1)] == scores)


def equal_error_rate(curve: DetCurve) -> np.ndarray:
    """The equal error rate (...) of one curve or of many."""
    gaps = curve.false_alarms - curve.misses  # falls from 1 to -1
    after = np.argmax(gaps <= 0, axis=-1)[..., None]
    (gap, next_gap), (miss, next_miss) = (
        (np.take_along_axis(values, after - 1, -1)[..., 0], np.take_along_axis(values, after, -1)[..., 0])
        for values in (gaps, curve.misses)
    )
    return miss + gap / (gap - next_gap) * (next_miss - miss)


def min_dcf(curve: DetCurve, cost: Cost) -> np.ndarray:
    """The normalised minimum detection cost (...) of one curve or of many."""
    miss, false_alarm = cost.c_miss * cost.p_target, cost.c_false_alarm * (1 - cost.p_target)
    if not (0 < cost.p_target < 1 and miss > 0 and false_alarm > 0):
        raise InputError(f"{cost}: expected a prior between 0 and 1, and costs above 0")
    return (miss * curve.misses + false_alarm * curve.false_alarms).min(axis=-1) / min(miss, false_alarm)


def cllr(scores: np.ndarray, targets: np.ndarray) -> float:
    """Cllr, in bits, of natural log likelihood ratios (P,), of which `targets` (P,) are of targets."""
    scores, targets = np.asarray(scores), np.asarray(targets, dtype=bool)
    if np.isnan(scores).any() or targets.all() or not targets.any():
        raise InputError("Cllr needs targets and non-targets, and scores that are numbers")
    costs = log_costs(scores, targets)
    return float(costs[targets].mean() + costs[~targets].mean()) / 2


def log_costs(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The cost (P,) in bits of each natural log likelihood ratio (P,)."""
    return np.logaddexp(0, np.where(targets, -scores, scores).astype(np.float64)) / np.log(2)


def min_cllr(curve: DetCurve) -> np.ndarray:
    """The least Cllr (...), in bits, that a monotone calibration of the scores can reach."""
    rates = np.stack([curve.false_alarms, curve.misses], axis=-1)
    found = [_hull_cllr(_lower_hull(points)) for points in rates.reshape(-1, *rates.shape[-2:]).tolist()]
    return np.array(found).reshape(rates.shape[:-2])


def _hull_cllr(hull: np.ndarray) -> float:
    """Cllr of the log likelihood ratios that the segments of a hull (H, 2) stand for."""
    nontargets, targets = np.abs(np.diff(hull, axis=0)).T  # shares in each segment
    both = nontargets + targets
    bits = [share @ np.log2(both / np.where(share > 0, share, 1)) for share in (targets, nontargets)]
    return float(sum(bits)) / 2


def _lower_hull(points: list[list[float]]) -> np.ndarray:
    """Those (H, 2) of the points, from (1, 0) to (0, 1), that are corners of their convex hull towards the origin."""
    hull: list[list[float]] = []
    for point in points:
        while len(hull) > 1:
            (x1, y1), (x2, y2) = hull[-2:]
            if (x2 - x1) * (point[1] - y1) < (y2 - y1) * (point[0] - x1):
                break
            hull.pop()
        hull.append(point)
    return np.array(hull)
