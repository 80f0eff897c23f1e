"""The bank of scales: recovers scales that are there, follows heavy tails, and survives bad data."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from steps.generators.scale_bank import fit_scale_bank, summarised


def fit(x: np.ndarray, n_components: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return fit_scale_bank((x**2).sum(axis=1), x.shape[1], n_components, weights)


def log_density(x: np.ndarray, log_weights: np.ndarray, scales: np.ndarray) -> np.ndarray:
    parts = [
        w + stats.multivariate_normal(cov=s**2 * np.eye(x.shape[1])).logpdf(x)
        for w, s in zip(log_weights, scales, strict=True)
    ]
    return logsumexp(parts, axis=0)


def test_two_scales_are_recovered():
    rng = np.random.default_rng(0)
    narrow = rng.random(8000) < 0.7
    x = rng.normal(size=(8000, 10)) * np.where(narrow, 0.5, 2.0)[:, None]
    log_weights, scales = fit(x, 2, np.full(8000, 1 / 8000))
    np.testing.assert_allclose(scales, [0.5, 2.0], rtol=0.03)
    np.testing.assert_allclose(np.exp(log_weights), [0.7, 0.3], atol=0.02)


def test_one_component_is_the_maximum_likelihood_gaussian():
    x = np.random.default_rng(0).normal(size=(500, 3)) * 1.7
    log_weights, scales = fit(x, 1, np.full(500, 1 / 500))
    assert log_weights == pytest.approx(0)
    assert scales[0] == pytest.approx(np.sqrt((x**2).mean()), rel=1e-3)


def test_heavy_tails_are_followed():
    kernel = stats.multivariate_t(shape=np.eye(20), df=8, seed=0)
    x, unseen = kernel.rvs(4000), kernel.rvs(4000)
    bank = log_density(unseen, *fit(x, 8, np.full(4000, 1 / 4000))).mean()
    gaussian = log_density(unseen, np.zeros(1), np.sqrt([(x**2).mean()])).mean()
    assert gaussian + 0.5 < bank
    assert bank == pytest.approx(kernel.logpdf(unseen).mean(), abs=0.1)  # no worse than the truth, nearly


def test_a_row_of_double_weight_counts_twice():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4)) * rng.uniform(0.5, 2, size=(300, 1))
    weights = np.where(np.arange(300) < 100, 2.0, 1.0)
    single = fit(x, 3, weights / weights.sum())
    twice = fit(np.concatenate([x, x[:100]]), 3, np.full(400, 1 / 400))
    # the start depends on quantiles of the rows; what it converges to should not, nearly
    assert log_density(x, *single) @ weights == pytest.approx(log_density(x, *twice) @ weights, rel=1e-3)


@pytest.mark.parametrize("x", [np.ones((20, 3)), np.zeros((20, 3)), np.eye(3)[:1]])
def test_degenerate_rows_give_finite_scales(x):
    log_weights, scales = fit(x, 4, np.full(len(x), 1 / len(x)))
    assert np.isfinite(log_weights).all() and (scales > 0).all() and np.isfinite(scales).all()
    assert logsumexp(log_weights) == pytest.approx(0)


def test_many_radii_in_classes_give_the_density_of_all():
    rng = np.random.default_rng(0)
    radii = 30 * rng.chisquare(30, 30_000) / rng.chisquare(8, 30_000)
    weights = rng.uniform(1, 2, 30_000)
    weights /= weights.sum()
    means, total = summarised(radii, weights)
    assert len(means) == 4096 and (np.diff(means) > 0).all()
    assert total.sum() == pytest.approx(1) and total @ means == pytest.approx(weights @ radii)
    exact = fit_scale_bank(radii, 30, 5, weights, iterations=50)
    found = fit_scale_bank(means, 30, 5, total, iterations=50)

    def density(log_weights: np.ndarray, scales: np.ndarray) -> np.ndarray:
        return logsumexp(log_weights - 30 * np.log(scales) - radii[:, None] / (2 * scales**2), axis=1)

    np.testing.assert_allclose(density(*found), density(*exact), rtol=1e-3)
    assert weights @ density(*found) == pytest.approx(weights @ density(*exact), abs=1e-4)
    few = summarised(radii[:100], weights[:100])
    order = np.argsort(radii[:100])
    np.testing.assert_allclose(few, (radii[order], weights[order]))
