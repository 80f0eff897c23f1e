"""The figures of a list of scored trials that reports show: error rates with intervals, and the counts behind them.

A rate that rests on few errors says little, whatever its interval: G. Doddington's rule of 30 asks for 30 errors of
each kind ("The NIST speaker recognition evaluation", Speech Communication 31, 2000). `FEW` is that number.
"""

from collections.abc import Mapping
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
    return (
        trial_counts(trials) | eer_figures(trials, curve, drawn) | cost_figures(trials, curve, drawn, COST, "min_dcf")
    )


def trial_counts(trials: ScoredTrials) -> dict[str, Any]:
    """How many targets, non-targets and speakers there are."""
    n_targets = int(np.count_nonzero(trials.targets))
    return {
        "targets": n_targets,
        "nontargets": len(trials.targets) - n_targets,
        "speakers": int(len(np.unique(np.concatenate([trials.enrol_speakers, trials.test_speakers])))),
    }


def eer_figures(trials: ScoredTrials, curve: DetCurve, drawn: DetCurve) -> dict[str, Any]:
    """Equal error rate with its interval, and the errors there."""
    rate = float(equal_error_rate(curve))
    return {"eer": rate, "eer_ci95": interval(equal_error_rate(drawn))} | _errors(trials, "eer", rate, rate)


def cost_figures(trials: ScoredTrials, curve: DetCurve, drawn: DetCurve, cost: Cost, name: str) -> dict[str, Any]:
    """The minimum of a detection cost, called `name`, with its interval, and the errors there."""
    costs = cost.c_miss * cost.p_target * curve.misses + cost.c_false_alarm * (1 - cost.p_target) * curve.false_alarms
    best = int(np.argmin(costs))
    found = {name: float(min_dcf(curve, cost)), f"{name}_ci95": interval(min_dcf(drawn, cost))}
    return found | _errors(trials, name, float(curve.misses[best]), float(curve.false_alarms[best]))


def _errors(trials: ScoredTrials, name: str, misses: float, false_alarms: float) -> dict[str, int]:
    """The numbers of both errors, of their rates."""
    n_targets = int(np.count_nonzero(trials.targets))
    n_nontargets = len(trials.targets) - n_targets
    return {f"{name}_misses": round(misses * n_targets), f"{name}_false_alarms": round(false_alarms * n_nontargets)}


def few(figures: Mapping[str, Any], metric: str) -> bool:
    """Whether a figure rests on fewer than FEW errors, of either kind."""
    kinds = [
        figures[name] for name in (f"{metric}_errors", f"{metric}_misses", f"{metric}_false_alarms") if name in figures
    ]
    return min(kinds) < FEW


def det_points(trials: ScoredTrials) -> tuple[np.ndarray, np.ndarray]:
    """False alarms and misses (T,), (T,) along the curve, at most about POINTS of them, dense at both ends."""
    curve = DetCurve.of(trials.scores, trials.targets)
    n = len(curve.misses)
    if n <= POINTS:
        return curve.false_alarms, curve.misses
    half = np.unique(np.geomspace(1, n // 2, POINTS // 2).astype(int)) - 1
    kept = np.union1d(half, n - 1 - half)
    return curve.false_alarms[kept], curve.misses[kept]
