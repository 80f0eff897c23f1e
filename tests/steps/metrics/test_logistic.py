"""Logistic regression of scores: what is known in closed form, and which trials weights have seen."""

import numpy as np
import pytest
from scipy.optimize import minimize

from steps.metrics.detection import Cost, cllr
from steps.metrics.logistic import cross_fit_trials, effective_prior, fit_logistic
from utils.errors import InputError


def gaussian_scores(n: int, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores (2 n, 1) of targets and non-targets, `distance` apart, of deviation 1: the ratio is distance times s."""
    rng = np.random.default_rng(0)
    targets = np.arange(2 * n) < n
    return (rng.normal(size=2 * n) + np.where(targets, 0.5, -0.5) * distance)[:, None], targets


def test_gaussian_scores_become_their_ratios_at_any_prior():
    scores, targets = gaussian_scores(20_000, 2.0)
    for prior in (0.5, 0.05):
        found = fit_logistic(3 * scores + 7, targets, np.zeros(len(targets), int), prior, 1e-6)
        assert found.weights == pytest.approx([2 / 3], rel=0.03)
        assert found.offset == pytest.approx(-7 * 2 / 3, rel=0.03)


def test_the_cost_is_least():
    scores, targets = gaussian_scores(300, 1.0)
    scores = np.hstack([scores, scores + np.random.default_rng(1).normal(size=scores.shape)])
    kind = np.where(targets, 0, np.arange(len(targets)) % 5 == 0).astype(int)
    prior, penalty = 0.1, 1e-3
    found = fit_logistic(scores, targets, kind, prior, penalty)
    logit = np.log(prior / (1 - prior))
    scales = scores.std(axis=0)

    def cost(values: np.ndarray) -> float:
        log_odds = scores @ values[:2] + values[2] + logit
        misses = np.logaddexp(0, -log_odds[targets]).mean()
        alarms = [np.logaddexp(0, log_odds[~targets & (kind == one)]).mean() for one in (0, 1)]
        squares = ((values[:2] * scales) ** 2).sum()
        return prior * misses + (1 - prior) * np.mean(alarms) + penalty * squares / 2

    best = minimize(cost, np.zeros(3), method="BFGS", options={"gtol": 1e-8})
    assert [*found.weights, found.offset] == pytest.approx(best.x, abs=1e-4)


def test_no_weights_have_seen_the_speakers_of_their_trials():
    scores, targets = gaussian_scores(500, 2.0)
    folds = np.random.default_rng(2).integers(4, size=(2, len(targets)))
    folds[1, targets] = folds[0, targets]
    kind = np.zeros(len(targets), int)
    fits = list(cross_fit_trials(scores, targets, kind, folds, 0.5, 1e-4))
    assert sorted(np.concatenate([fit.rows for fit in fits])) == list(range(len(targets)))
    for fit in fits:
        seen = ~np.isin(folds, fit.folds).any(axis=0)
        assert set(np.sort(folds[:, fit.rows], axis=0).T.ravel()) == set(fit.folds)
        assert (fit.n_targets, fit.n_nontargets) == ((targets & seen).sum(), (~targets & seen).sum())
        again = fit_logistic(scores[seen], targets[seen], kind[seen], 0.5, 1e-4)
        assert again.offset == fit.score.offset
        judged = fit.score(scores[fit.rows])
        assert not targets[fit.rows].any() or cllr(judged, targets[fit.rows]) < 0.75


def test_the_effective_prior_of_costs():
    assert effective_prior(Cost(0.01, 10, 1)) == pytest.approx(0.1 / 1.09)
    assert effective_prior(Cost(0.5)) == 0.5


def test_separable_scores_have_finite_weights():
    scores = np.array([[1.0], [2.0], [3.0], [4.0]])
    found = fit_logistic(scores, np.array([False, False, True, True]), np.zeros(4, int), 0.5, 1e-4)
    assert np.isfinite(found.weights).all() and found(scores)[1] < -2 < 2 < found(scores)[2]


def test_what_cannot_be_learnt_is_named():
    targets = np.array([True, False, True, False])
    with pytest.raises(InputError, match="all scores of system 2 are equal"):
        fit_logistic(np.array([[1.0, 3], [2, 3], [3, 3], [4, 3]]), targets, np.zeros(4, int), 0.5, 1e-4)
    folds = np.array([[0, 0, 1, 1], [0, 0, 1, 1]])
    targets = np.array([True, False, False, False])
    fits = cross_fit_trials(np.arange(4.0)[:, None], targets, np.zeros(4, int), folds, 0.5, 1e-4)
    with pytest.raises(
        InputError, match="folds 0 and 0 .* 0 are targets and 2 non-targets; deal the speakers into more"
    ):
        list(fits)
