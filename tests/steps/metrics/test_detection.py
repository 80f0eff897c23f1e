"""DET curve, equal error rate, detection cost and Cllr: by hand, by brute force over thresholds, by other formulas."""

import math

import numpy as np
import pytest

from steps.metrics.detection import Cost, DetCurve, cllr, equal_error_rate, min_cllr, min_dcf
from steps.metrics.trials import ScoredTrials
from utils.errors import InputError


def curve(targets, others) -> DetCurve:
    """The curve of target scores and non-target scores."""
    scores = np.array([*targets, *others], dtype=float)
    return DetCurve.of(scores, np.arange(len(scores)) < len(targets))


def draw(seed: int, levels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Scores of 20 targets and 300 non-targets; where `levels` is given, of so many values, so that many are equal."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=320) + np.repeat([1.5, 0], [20, 300])
    return (np.round(scores * levels / 8) if levels else scores), np.arange(320) < 20


def rates(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Misses and false alarms (2, T) at every threshold there is."""
    thresholds = [*np.unique(scores), np.inf]
    return np.array([[(scores[targets] < t).mean(), (scores[~targets] >= t).mean()] for t in thresholds]).T


DRAWS = [(seed, levels) for seed in range(6) for levels in (None, 3, 12)]


@pytest.mark.parametrize(
    ("targets", "others", "expected"),
    [
        ([3, 4], [1, 2], 0.0),
        ([1, 2], [3, 4], 1.0),
        ([1, 3], [0, 2], 0.5),
        ([2, 2], [2, 2], 0.5),
        ([2], [2] * 9, 0.5),
        ([1, 4, 5, 6], [0, 2, 3, 4.5], 0.25),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [0, 0, 0, 0, 1.5], 0.1),
        ([2, 2, 3, 4, 5], [0, 0, 0, 0, 2], 0.4 / 3),  # equal ones: from (0, 1/5) straight to (2/5, 0)
        ([2, 3], [0, 1, 2, 2], 0.25),  # from (0, 1/2) straight to (1/2, 0)
    ],
)
def test_equal_error_rate_by_hand(targets, others, expected):
    for change in (lambda x: x, np.exp, lambda x: 5 * np.asarray(x, dtype=float) - 7):  # the order alone counts
        assert equal_error_rate(curve(change(targets), change(others))) == pytest.approx(expected)
    assert equal_error_rate(curve(-np.array(others), -np.array(targets))) == pytest.approx(expected)


@pytest.mark.parametrize(("seed", "levels"), DRAWS)
def test_the_curve_passes_through_every_threshold(seed, levels):
    scores, targets = draw(seed, levels)
    found = DetCurve.of(scores, targets)
    points = set(zip(found.misses.round(9), found.false_alarms.round(9), strict=True))
    every = rates(scores, targets).round(9)
    assert points <= set(zip(*every, strict=True))
    for threshold, miss, alarm in zip(found.thresholds, found.misses, found.false_alarms, strict=True):
        assert miss == pytest.approx((scores[targets] < threshold).mean())
        assert alarm == pytest.approx((scores[~targets] >= threshold).mean())
    left_out = [point for point in zip(*every, strict=True) if point not in points]
    assert all(miss in found.misses.round(9) for miss, _ in left_out)  # on a line along which only alarms change
    assert (np.diff(found.misses) >= 0).all() and (np.diff(found.false_alarms) <= 1e-12).all()


@pytest.mark.parametrize(("seed", "levels"), DRAWS)
def test_equal_error_rate_agrees_with_roc_curve(seed, levels):
    from scipy.interpolate import interp1d
    from scipy.optimize import brentq
    from sklearn.metrics import roc_curve

    scores, targets = draw(seed, levels)
    alarms, hits, _ = roc_curve(targets, scores, drop_intermediate=False)
    share = np.cumsum(np.hypot(np.diff(alarms, prepend=0), np.diff(hits, prepend=0)))  # along the curve
    gap = interp1d(share, 1 - hits - alarms)
    expected = float(interp1d(share, alarms)(brentq(gap, 0, share[-1])))
    assert equal_error_rate(DetCurve.of(scores, targets)) == pytest.approx(expected, abs=1e-9)


def test_equal_error_rate_of_two_normal_distributions():
    """Two apart, of deviation one: the threshold lies between, the error rate is Phi(-1)."""
    rng = np.random.default_rng(0)
    labels = rng.random(400_000) < 0.1
    scores = rng.normal(size=len(labels)) + 2 * labels
    assert equal_error_rate(DetCurve.of(scores, labels)) == pytest.approx(math.erfc(1 / math.sqrt(2)) / 2, abs=0.004)


@pytest.mark.parametrize(("seed", "levels"), DRAWS)
@pytest.mark.parametrize("cost", [Cost(), Cost(0.05), Cost(0.01, 10, 1), Cost(0.9, 1, 2)])
def test_detection_cost_agrees_with_every_threshold(seed, levels, cost):
    scores, targets = draw(seed, levels)
    misses, alarms = rates(scores, targets)
    expected = (cost.c_miss * cost.p_target * misses + cost.c_false_alarm * (1 - cost.p_target) * alarms).min()
    expected /= min(cost.c_miss * cost.p_target, cost.c_false_alarm * (1 - cost.p_target))
    found = min_dcf(DetCurve.of(scores, targets), cost)
    assert found == pytest.approx(expected) and found <= 1


def test_detection_cost_by_hand():
    assert min_dcf(curve([3, 4], [1, 2]), Cost()) == 0
    assert min_dcf(curve([1, 2], [3, 4]), Cost()) == 1  # reject all
    half = curve([1, 5], [*range(2, 5), *[0] * 97])
    assert min_dcf(half, Cost(0.5)) == pytest.approx(0.03)  # accept 1 and above: 3 of 100 false alarms
    assert min_dcf(half, Cost(0.01)) == pytest.approx(0.5)  # accept 5 alone: half of the targets are missed
    for wrong in (Cost(0), Cost(1), Cost(0.5, -1)):
        with pytest.raises(InputError, match="expected a prior between 0 and 1"):
            min_dcf(half, wrong)


def test_cllr():
    targets = np.array([True, True, False])
    assert cllr(np.zeros(3), targets) == pytest.approx(1)  # scores that say nothing
    assert cllr(np.array([np.inf, np.inf, -np.inf]), targets) == 0
    assert cllr(np.array([1000.0, 1000, 1000]), targets) == pytest.approx(500 / math.log(2))  # no overflow
    expected = (np.log2(1 + np.exp([-1, 0.5])).mean() + np.log2(1 + np.exp(-2))) / 2
    assert cllr(np.array([1, -0.5, -2]), targets) == pytest.approx(expected)
    for wrong in (np.array([np.nan, 0, 0]), np.zeros(3)):
        with pytest.raises(InputError, match="Cllr needs targets and non-targets, and scores that are numbers"):
            cllr(wrong, targets & np.isnan(wrong))


@pytest.mark.parametrize(("seed", "levels"), DRAWS)
def test_min_cllr_is_that_of_isotonic_regression(seed, levels):
    from sklearn.isotonic import IsotonicRegression

    scores, targets = draw(seed, levels)
    weights = np.where(targets, 1 / targets.sum(), 1 / (~targets).sum())
    posterior = IsotonicRegression(y_min=0, y_max=1).fit_transform(scores, targets, sample_weight=weights)
    with np.errstate(divide="ignore"):
        expected = cllr(np.log(posterior) - np.log1p(-posterior), targets)
    found = min_cllr(DetCurve.of(scores, targets))
    assert found == pytest.approx(expected, abs=1e-9) and found <= cllr(scores, targets)


def test_log_likelihood_ratios_of_a_known_law_are_calibrated():
    rng = np.random.default_rng(2)
    targets = rng.random(200_000) < 0.3
    scores = rng.normal(size=len(targets)) + np.where(targets, 1, -1)  # log likelihood ratio: twice that
    least = min_cllr(DetCurve.of(scores, targets))
    assert cllr(2 * scores, targets) == pytest.approx(least, rel=0.003) and cllr(5 * scores, targets) > 1.2 * least


def test_blocks_give_the_curve_of_all():
    scores, targets = draw(7, 12)
    parts = np.array_split(np.arange(len(scores)), 5)  # some without a target
    whole = DetCurve.of(scores, targets)
    found = DetCurve.of_blocks([ScoredTrials(scores[part], targets[part]) for part in parts])
    for name in ("thresholds", "misses", "false_alarms"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


def test_whole_numbers_and_columns_of_a_table():
    import pandas as pd

    table = pd.DataFrame({"score": [2, 2, 3, 4, 5, 0, 0, 0, 0, 2], "target": [True] * 5 + [False] * 5})
    assert equal_error_rate(DetCurve.of(table.score, table.target)) == pytest.approx(0.4 / 3)
    assert cllr(table.score, table.target) == cllr(table.score.to_numpy(), table.target.to_numpy())
    single = DetCurve.of(table.score.to_numpy(np.float32), table.target)
    assert equal_error_rate(single) == pytest.approx(0.4 / 3)


def test_blocks_that_can_be_seen_once_only_are_refused():
    with pytest.raises(ValueError, match="iterated over more than once"):
        DetCurve.of_blocks(ScoredTrials(*draw(seed)) for seed in range(2))


def test_wrong_scores():
    for targets in (np.ones(3, bool), np.zeros(3, bool)):
        with pytest.raises(InputError, match=f"of 3 trials, {targets.sum()} are targets"):
            DetCurve.of(np.arange(3.0), targets)
    with pytest.raises(InputError, match="1 of 2 scores are not finite"):
        DetCurve.of(np.array([np.nan, 1]), np.array([True, False]))


def test_lists_of_different_lengths_and_costs_that_are_no_numbers():
    with pytest.raises(ValueError, match=r"targets has the shape \(1,\), expected \(2,\)"):
        DetCurve.of(np.array([1.0, 2.0]), np.array([True]))
    with pytest.raises(InputError, match="costs above 0"):
        min_dcf(curve([1], [0]), Cost(c_false_alarm=math.nan))


@pytest.mark.filterwarnings("error")
def test_the_largest_numbers_are_scores_too():
    largest = np.finfo(float).max
    assert equal_error_rate(curve([largest], [-largest])) == 0
    assert equal_error_rate(curve([-largest], [largest])) == 1
