"""The figures of a list of scored trials that reports show: error rates with intervals, and the counts behind them.

A rate that rests on few errors says little, whatever its interval: G. Doddington's rule of 30 asks for 30 errors of
each kind ("The NIST speaker recognition evaluation", Speech Communication 31, 2000). `FEW` is that number.
"""

from typing import Any

import numpy as np

from steps.metrics.bootstrap import interval, joint_bootstrap
from steps.metrics.detection import Cost, DetCurve, equal_error_rate, min_dcf
from steps.metrics.trials import ScoredTrials

FEW = 30  # errors
COST = Cost(p_target=0.01)
POINTS = 400  # of a curve that is stored


def detection_figures(trials: ScoredTrials, draws: int, seed: int) -> dict[str, Any]:
    """Equal error rate and minDCF(0.01) with 95 % intervals over speakers, and the errors at both thresholds."""
    curve = DetCurve.of(trials.scores, trials.targets)
    drawn = joint_bootstrap([trials], draws, np.random.default_rng(seed)).curve
    n_targets = int(np.count_nonzero(trials.targets))
    n_nontargets = len(trials.targets) - n_targets
    rate = float(equal_error_rate(curve))
    costs = COST.p_target * curve.misses + (1 - COST.p_target) * curve.false_alarms
    best = int(np.argmin(costs))
    return {
        "targets": n_targets,
        "nontargets": n_nontargets,
        "speakers": int(len(np.unique(np.concatenate([trials.enrol_speakers, trials.test_speakers])))),
        "eer": rate,
        "eer_ci95": interval(equal_error_rate(drawn)),
        "eer_misses": round(rate * n_targets),
        "eer_false_alarms": round(rate * n_nontargets),
        "min_dcf": float(min_dcf(curve, COST)),
        "min_dcf_ci95": interval(min_dcf(drawn, COST)),
        "min_dcf_misses": round(float(curve.misses[best]) * n_targets),
        "min_dcf_false_alarms": round(float(curve.false_alarms[best]) * n_nontargets),
    }


def det_points(trials: ScoredTrials) -> tuple[np.ndarray, np.ndarray]:
    """False alarms and misses (T,), (T,) along the curve, at most about POINTS of them, dense at both ends."""
    curve = DetCurve.of(trials.scores, trials.targets)
    n = len(curve.misses)
    if n <= POINTS:
        return curve.false_alarms, curve.misses
    half = np.unique(np.geomspace(1, n // 2, POINTS // 2).astype(int)) - 1
    kept = np.union1d(half, n - 1 - half)
    return curve.false_alarms[kept], curve.misses[kept]
