"""Ridge regression and the classifier of groups."""

import numpy as np
from sklearn.linear_model import Ridge

from steps.generators.linear import GroupClassifier, fit_ridge


def problem(n: int = 30, e: int = 6, d: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, e)), rng.normal(size=(n, d)) + 5, rng.uniform(0, 3, size=n)


def test_ridge_is_that_of_scikit_learn():
    texts, targets, weights = problem()
    for penalty in (0.01, 1.0, 100.0):
        fitted = fit_ridge(texts, targets, weights, penalty)
        wanted = Ridge(alpha=penalty).fit(texts, targets, sample_weight=weights)
        np.testing.assert_allclose(fitted.weights, wanted.coef_.T, atol=1e-9)
        np.testing.assert_allclose(fitted(texts), wanted.predict(texts), atol=1e-9)


def test_a_weight_is_a_number_of_observations():
    texts, targets, _ = problem()
    counts = np.arange(30) % 3
    once = fit_ridge(texts, targets, counts.astype(float), 0.3)
    repeated = fit_ridge(texts.repeat(counts, axis=0), targets.repeat(counts, axis=0), np.ones(counts.sum()), 0.3)
    np.testing.assert_allclose(once.weights, repeated.weights, atol=1e-9)
    np.testing.assert_allclose(once.offset, repeated.offset, atol=1e-9)


def test_more_dimensions_than_texts():
    texts, targets, weights = problem(n=5, e=40)
    fitted = fit_ridge(texts, targets, weights, 1e-8)
    np.testing.assert_allclose(fitted(texts), targets, atol=1e-5)  # interpolates


def test_a_huge_penalty_leaves_the_weighted_mean():
    texts, targets, weights = problem()
    fitted = fit_ridge(texts, targets, weights, 1e12)
    np.testing.assert_allclose(fitted(texts[:3]), np.tile(weights @ targets / weights.sum(), (3, 1)), atol=1e-6)


def test_groups_are_told_from_noisy_texts():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(5, 12))
    groups = np.arange(50) % 5
    classify = GroupClassifier.fit(centres[groups] + 0.3 * rng.normal(size=(50, 12)), groups, 5)
    np.testing.assert_array_equal(classify(centres + 0.1 * rng.normal(size=(5, 12))), np.arange(5))


def test_a_single_text_a_group_is_its_own_and_others_get_the_nearest():
    texts = np.array([[0, 0, 1, 0.01], [0, 1, 1, 0], [1, 0, 1, 0], [5, 5, 5, 0]])
    classify = GroupClassifier.fit(texts, np.array([2, 0, 1, 3]), 4)
    np.testing.assert_array_equal(classify(texts), [2, 0, 1, 3])
    np.testing.assert_array_equal(classify(np.array([[0, 0.9, 1, 0], [9, 9, 9, 9], [0.1, 0, 1, 0]])), [0, 3, 2])
