"""Likelihood ratios beside a plain loop over scikit-learn's scores; what the fast ways are, and lose."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from steps.gmm.em import with_full_covariances
from steps.gmm.likelihood_ratios import Movement, RatioScorer
from steps.gmm.map_adaptation import adapt
from steps.gmm.map_options import MapOptions
from steps.gmm.statistics import FrameScorer
from tests.steps.gmm.voices import DIM, background


def likelihood(gmm, x) -> float:
    """Mean log density of frames, by scikit-learn."""
    theirs = GaussianMixture(gmm.n_components, covariance_type="diag")
    theirs.weights_, theirs.means_, theirs.covariances_ = gmm.weights, gmm.means, gmm.variances
    theirs.precisions_cholesky_ = 1 / np.sqrt(gmm.variances)
    return theirs.score(x.astype(float))


@pytest.fixture(scope="module")
def recordings() -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.normal(rng.normal(0, 0.5, DIM), 2, (n, DIM)).astype("f4") for n in (30, 1, 55, 400)]


def adapted(ubm, recordings, moves=("means",)):
    scorer = FrameScorer(ubm)
    return [adapt(ubm, scorer.sums([x]), MapOptions(relevance=10, adapt=moves)) for x in recordings[:3]]


def movements(scorer, models):
    return [Movement(scorer.scorer, model) for model in models]


@pytest.mark.parametrize("moves", [("means",), ("means", "variances", "weights")], ids="+".join)
def test_ratios_are_those_of_a_loop(recordings, moves):
    ubm = background()
    models, scorer = adapted(ubm, recordings, moves), RatioScorer(FrameScorer(ubm))
    found = scorer.means(recordings, movements(scorer, models))
    expected = [[likelihood(model, x) - likelihood(ubm, x) for model in models] for x in recordings]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_nothing_is_lost_far_from_all_gaussians():
    """Frames whose likelihoods float32 could not hold."""
    ubm = background()
    far = [np.full((3, DIM), 300, np.float32), np.full((2, DIM), -250, np.float32)]
    models, scorer = adapted(ubm, [*far, far[0]]), RatioScorer(FrameScorer(ubm))
    found = scorer.means(far, movements(scorer, models))
    expected = [[likelihood(model, x) - likelihood(ubm, x) for model in models] for x in far]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_full_covariances_give_the_same_where_they_are_diagonal(recordings):
    diag, full = background(), with_full_covariances(background())
    scores = []
    for ubm in (diag, full):
        scorer = RatioScorer(FrameScorer(ubm))
        scores.append(scorer.means(recordings, movements(scorer, adapted(ubm, recordings))))
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_selection_of_all_is_all_and_of_few_is_near(recordings):
    ubm = background(24)
    models = adapted(ubm, recordings, ("means", "variances"))
    found = []
    for options in (("llr",), ("selected", 1e-30), ("selected", 0.01), ("selected", 1.0)):
        scorer = RatioScorer(FrameScorer(ubm), *options)
        found.append(scorer.means(recordings, movements(scorer, models)))
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)
    losses = [np.abs(one - found[0]).max() for one in found[2:]]
    assert losses[0] < 0.02 < losses[1]


def test_linear_scores_are_their_formula(recordings):
    """Of Glembek et al.: sum_c (m_c - mu_c) / v_c . (F_c - N_c mu_c), less half of N_c (m_c - mu_c)^2 / v_c."""
    ubm = background()
    models, scorer = adapted(ubm, recordings), RatioScorer(FrameScorer(ubm), "linear")
    found = scorer.means(recordings, movements(scorer, models))
    for row, x in zip(found, recordings, strict=True):
        sums = FrameScorer(ubm).sums([x])
        own, _ = ubm.estimated(sums.counts, sums.expanded)
        centred = sums.counts[:, None] * (own - ubm.means)
        steps = [(model.means - ubm.means) / ubm.variances for model in models]
        expected = [
            (step * (centred - sums.counts[:, None] * (model.means - ubm.means) / 2)).sum() / len(x)
            for step, model in zip(steps, models, strict=True)
        ]
        np.testing.assert_allclose(row, expected, atol=1e-5)
