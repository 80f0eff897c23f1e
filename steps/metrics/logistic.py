"""Logistic regression of the scores of one system (calibration) or of several (fusion): natural log likelihood ratios.

    llr = w . s + b  least: p mean_T log(1 + exp(-llr - l)) + (1 - p) mean_N log(1 + exp(llr + l)) + c |w'|^2 / 2

with l = log(p / (1 - p)), means over targets T and non-targets N, and w' the weights of scores that are divided by
their deviations: with the penalty c separable scores have finite weights, too (N. Brümmer and J. du Preez,
"Application-independent evaluation of speaker detection", 2006; N. Brümmer et al., "Fusion of heterogeneous speaker
recognition systems in the STBU submission for the NIST speaker recognition evaluation 2006", IEEE TASLP 15, 2007). The
prior p says which thresholds matter most: `effective_prior` has that of a pair of costs. Non-targets may be of several
kinds, each of which counts the same.

Cross-fitting: the speakers are dealt into folds; a trial of speakers of the folds i and j is judged by weights that are
fitted to trials both of whose speakers are in other folds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from steps.metrics.detection import Cost
from utils.errors import InputError

STEPS = 200  # of Newton's method, at most; it takes about ten


@dataclass(frozen=True, eq=False)
class LinearScore:
    """What makes a log likelihood ratio of the scores (P, S) of S systems.

    Attributes:
        weights: (S,). offset: in nats.
    """

    weights: np.ndarray
    offset: float

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """(P, S) -> (P,)."""
        return scores @ self.weights + self.offset


def effective_prior(cost: Cost) -> float:
    """The prior at which equal costs of both errors lead to the same decisions as `cost`."""
    miss, false_alarm = cost.c_miss * cost.p_target, cost.c_false_alarm * (1 - cost.p_target)
    return miss / (miss + false_alarm)


def fit_logistic(
    scores: np.ndarray, targets: np.ndarray, kind: np.ndarray, prior: float, penalty: float
) -> LinearScore:
    """Fit to scores (P, S).

    Args:
        targets: (P,) bool, some of both. kind: (P,) numbers; those of non-targets count the same.
        prior: of a target. penalty: of squared weights, against a cost of log(2) where nothing is known.
    """
    from sklearn.linear_model import LogisticRegression

    means, scales = scores.mean(axis=0), scores.std(axis=0)
    equal = np.flatnonzero(~(scales > np.finfo(float).eps * np.abs(means)))
    if len(equal):
        raise InputError(f"all scores of system {equal[0] + 1} are equal; nothing can be learnt from them")
    shares = _shares(targets, kind, prior)
    model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-9, max_iter=STEPS)
    model.fit((scores - means) / scales, targets, sample_weight=shares)
    found = model.coef_[0] / scales
    return LinearScore(found, float(model.intercept_[0] - found @ means - np.log(prior / (1 - prior))))


def _shares(targets: np.ndarray, kind: np.ndarray, prior: float) -> np.ndarray:
    """Weights (P,) of trials, with a sum of one."""
    counts = np.bincount(kind[~targets])
    shares = 1 / (np.count_nonzero(counts) * np.maximum(counts, 1)[np.where(targets, 0, kind)])
    return np.where(targets, prior / np.count_nonzero(targets), (1 - prior) * shares)


@dataclass(frozen=True, eq=False)
class CrossFit:
    """The weights of one pair of folds.

    Attributes:
        folds: the two, equal where the trials are within a fold. score: the weights.
        rows: (R,) numbers of the trials that they judge. n_targets, n_nontargets: what they were fitted to.
    """

    folds: tuple[int, int]
    score: LinearScore
    rows: np.ndarray
    n_targets: int
    n_nontargets: int


def cross_fit_trials(
    scores: np.ndarray, targets: np.ndarray, kind: np.ndarray, folds: np.ndarray, prior: float, penalty: float
) -> Iterator[CrossFit]:
    """The weights of each pair of folds that has trials.

    Args:
        scores: (P, S). targets, kind, prior, penalty: as `fit_logistic` has them.
        folds: (2, P) of the model's speaker and of the test's.
    """
    low, high = folds.min(axis=0), folds.max(axis=0)
    for one, other in np.unique(np.stack([low, high], axis=1), axis=0).tolist():
        known = ~np.isin(folds, [one, other]).any(axis=0)
        n_targets = int(np.count_nonzero(targets & known))
        n_nontargets = int(np.count_nonzero(known)) - n_targets
        if not n_targets or not n_nontargets:
            raise InputError(
                f"trials of folds {one} and {other} are judged by those of speakers of other folds alone, of which"
                f" {n_targets} are targets and {n_nontargets} non-targets; deal the speakers into more folds"
            )
        score = fit_logistic(scores[known], targets[known], kind[known], prior, penalty)
        rows = np.flatnonzero((low == one) & (high == other))
        yield CrossFit((one, other), score, rows, n_targets, n_nontargets)
