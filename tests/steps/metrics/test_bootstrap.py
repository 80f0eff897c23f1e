"""Draws of speakers: against plain copies of trials, and intervals that hold what they should."""

import numpy as np
import pytest

from steps.metrics import bootstrap
from steps.metrics.bootstrap import drawn_shares, interval, joint_bootstrap, mean_interval, speaker_means
from steps.metrics.detection import Cost, DetCurve, cllr, equal_error_rate, min_cllr, min_dcf
from steps.metrics.trials import AllPairs, ScoredTrials
from utils.vectors import unit_rows


def voices(rng: np.random.Generator, n_speakers: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Four segments each of speakers on a sphere, as unit vectors (N, 16), and the speakers' names."""
    centres = np.repeat(rng.normal(size=(n_speakers, 16)), 4, axis=0)
    return unit_rows(centres + spread * rng.normal(size=centres.shape)), np.repeat(np.arange(n_speakers) * 7, 4)


def list_of(seed: int, n_speakers: int = 6, levels: int = 9) -> ScoredTrials:
    """150 trials; some non-targets are of one speaker (another text), and many scores are equal."""
    rng = np.random.default_rng(seed)
    enrol, test = rng.integers(0, n_speakers, (2, 150))
    targets = (enrol == test) & (rng.random(150) < 0.7)
    scores = np.round((rng.normal(size=150) + 2 * targets) * levels / 6)
    return ScoredTrials(scores, targets, enrol, test, n_speakers)


def copied(trials: ScoredTrials, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores and targets of a draw, each trial repeated as often as it counts."""
    of_enrol, of_test = counts[trials.enrol_speakers], counts[trials.test_speakers]
    times = np.where(trials.enrol_speakers == trials.test_speakers, of_enrol, of_enrol * of_test)
    return np.repeat(trials.scores, times), np.repeat(trials.targets, times)


def draws_of(rng: np.random.Generator, n_speakers: int):
    """Counts of speakers, one draw after the other."""
    while True:
        yield rng.multinomial(n_speakers, np.full(n_speakers, 1 / n_speakers))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n_speakers", "cells"), [(6, 1 << 22), (2, 1 << 22), (6, 50)])
def test_every_metric_of_a_draw_is_that_of_copied_trials(seed, n_speakers, cells, monkeypatch):
    monkeypatch.setattr(bootstrap, "CELLS", cells)
    trials = list_of(seed, n_speakers)
    found = joint_bootstrap([trials], 12, np.random.default_rng(5))
    expected = []
    for counts in draws_of(np.random.default_rng(5), n_speakers):
        scores, targets = copied(trials, counts)
        if targets.any() and not targets.all():  # else the draw is repeated
            one = DetCurve.of(scores, targets)
            metrics = equal_error_rate(one), min_dcf(one, Cost(0.1)), min_cllr(one), cllr(scores, targets)
            expected.append([float(value) for value in metrics])
        if len(expected) == 12:
            break
    curve = found.curve
    values = [equal_error_rate(curve), min_dcf(curve, Cost(0.1)), min_cllr(curve), found.cllr]
    np.testing.assert_allclose(np.transpose(values), expected, atol=1e-12)


def test_blocks_and_lists_of_the_same_pairs_have_the_same_draws():
    x, speakers = voices(np.random.default_rng(0), 8, spread=0.9)
    blocks = list(AllPairs(speakers, block=50).cosines(x))
    fields = ("scores", "targets", "enrol_speakers", "test_speakers")
    whole = ScoredTrials(*(np.concatenate([getattr(one, name) for one in blocks]) for name in fields), 8)
    first, second = (joint_bootstrap(one, 9, np.random.default_rng(1)) for one in (blocks, [whole]))
    np.testing.assert_allclose(first.curve.misses, second.curve.misses)
    np.testing.assert_allclose(first.curve.false_alarms, second.curve.false_alarms)


def test_fewer_thresholds_change_little(monkeypatch):
    x, speakers = voices(np.random.default_rng(1), 60, spread=0.9)
    trials = AllPairs(speakers).cosines(x)
    exact = joint_bootstrap(trials, 30, np.random.default_rng(2)).curve
    monkeypatch.setattr(bootstrap, "LEVELS", 100)  # of 360 scores of targets
    few = joint_bootstrap(trials, 30, np.random.default_rng(2)).curve
    assert len(few.thresholds) < 0.6 * len(exact.thresholds)
    np.testing.assert_allclose(equal_error_rate(few), equal_error_rate(exact), atol=0.003)
    np.testing.assert_allclose(few.misses[:, -1], 1)
    np.testing.assert_allclose(few.false_alarms[:, -1], 0)


def test_the_interval_is_that_of_other_speakers():
    """95 % intervals of 40 speakers, against the error rate of 400: most cover it."""
    rng = np.random.default_rng(2)
    x, speakers = voices(rng, 400, spread=0.9)
    truth = equal_error_rate(DetCurve.of_blocks(AllPairs(speakers).cosines(x)))
    covered = []
    for _ in range(40):
        x, speakers = voices(rng, 40, spread=0.9)
        trials = AllPairs(speakers).cosines(x)
        low, high = interval(equal_error_rate(joint_bootstrap(trials, 100, rng).curve))
        covered.append(low <= truth <= high)
    assert np.mean(covered) > 0.85


def test_two_systems_meet_the_same_draws():
    """The interval of the difference to a system with a little noise is far shorter than by other draws."""
    rng = np.random.default_rng(3)
    x, speakers = voices(rng, 30, spread=1.2)
    noisy = unit_rows(x + 0.05 * rng.normal(size=x.shape))
    first, again, second, other = (
        equal_error_rate(joint_bootstrap(AllPairs(speakers).cosines(one), 200, np.random.default_rng(seed)).curve)
        for one, seed in ((x, 4), (x, 4), (noisy, 4), (noisy, 5))
    )
    assert np.array_equal(first, again)
    assert np.std(first - second) < 0.6 * np.std(first - other)


def test_interval():
    assert interval(np.arange(1001.0)) == pytest.approx((25, 975))
    assert interval(np.arange(1001.0), 0.5) == pytest.approx((250, 750))


def test_speakers_count_the_same():
    np.testing.assert_allclose(speaker_means(np.array([1.0, 3.0, 10.0]), np.array([0, 0, 1])), [2, 10])


def test_the_interval_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(7)
    intervals = [mean_interval(rng.normal(size=60), np.random.default_rng(0)) for _ in range(300)]
    assert 0.90 < np.mean([low < 0 < high for low, high in intervals]) < 0.98


def test_trials_without_speakers_and_no_draws_are_refused():
    trials = list_of(0)
    with pytest.raises(ValueError, match="10 draws of 0 speakers"):
        joint_bootstrap([ScoredTrials(trials.scores, trials.targets)], 10, np.random.default_rng(0))
    with pytest.raises(ValueError, match="0 draws of 6 speakers"):
        joint_bootstrap([trials], 0, np.random.default_rng(0))


def test_drawn_shares_are_those_of_the_trials_that_a_draw_repeats():
    hits, trials = np.array([[1, 0], [2, 1]]), np.array([[1, 1], [2, 4]])
    enrol, test = np.array([[1, 1], [0, 2], [2, 0]]), np.array([[1, 1], [1, 3], [0, 0]])
    shares = drawn_shares(hits, trials, enrol, test)
    assert shares[:2].tolist() == [4 / 8, 2 * (2 + 3) / (2 * (2 + 12))] and np.isnan(shares[2])
    assert interval(shares) == pytest.approx((5 / 14 + 0.025 / 7, 0.5 - 0.025 / 7))
