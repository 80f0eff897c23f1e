"""MAP beside a case worked by hand and the equations of Reynolds; what has no frames stays."""

import numpy as np
import pytest

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.em import with_full_covariances
from steps.gmm.map_adaptation import adapt, adapt_in_passes
from steps.gmm.map_options import ADAPTABLE, MapOptions
from steps.gmm.statistics import FrameScorer
from tests.steps.gmm.voices import DIM, background
from utils.errors import InputError


def test_a_case_worked_by_hand():
    """Two Gaussians far apart: 3 frames, at 9, 10 and 14, are all of the second, and r is 2: it goes 3/5 of the way."""
    prior = DiagGmm(np.array([0.5, 0.5]), np.array([[-100.0], [10.0]]), np.array([[1.0], [4.0]]))
    sums = FrameScorer(prior).sums([np.array([[9.0], [10.0], [14.0]], np.float32)])
    model = adapt(prior, sums, MapOptions(relevance=2, adapt=ADAPTABLE))
    np.testing.assert_allclose(model.means, [[-100], [0.6 * 11 + 0.4 * 10]], rtol=1e-6)
    # E[x^2] = (81 + 100 + 196) / 3; 0.6 of it and 0.4 (4 + 100), less 10.6^2
    np.testing.assert_allclose(model.variances, [[1], [0.6 * 377 / 3 + 0.4 * 104 - 10.6**2]], rtol=1e-4)
    # the second: 0.6 * 3 / 3 + 0.4 * 0.5 = 0.8; the first keeps 0.5; over their sum
    np.testing.assert_allclose(model.weights, [0.5 / 1.3, 0.8 / 1.3], rtol=1e-6)


@pytest.mark.parametrize("moves", [("means",), ("variances",), ("weights",), ("means", "variances")], ids="+".join)
def test_only_what_is_asked_for_moves(moves):
    prior, rng = background(), np.random.default_rng(0)
    model = adapt(prior, FrameScorer(prior).sums([rng.normal(1, 2, (50, DIM)).astype("f4")]), MapOptions(adapt=moves))
    changed = [name for name in ADAPTABLE if not np.array_equal(getattr(model, name), getattr(prior, name))]
    assert set(changed) == set(moves)


def test_gaussians_without_frames_keep_the_prior_in_every_pass():
    prior = DiagGmm(np.array([0.5, 0.5]), np.array([[-100.0], [0.0]]), np.ones((2, 1)))
    frames = [np.array([[1.0], [2.0]], np.float32)]
    model = adapt_in_passes(
        prior, lambda gmm: FrameScorer(gmm).sums(frames), MapOptions(passes=3, adapt=("means", "variances"))
    )
    assert model.means[0] == -100 and model.variances[0] == 1 and model.means[1] > 0


def test_each_pass_takes_the_posteriors_of_the_one_before_and_starts_from_the_prior():
    prior, rng, options = background(), np.random.default_rng(3), MapOptions(relevance=4)
    frames = [rng.normal(1, 2, (80, DIM)).astype("f4")]
    first = adapt(prior, FrameScorer(prior).sums(frames), options)
    second = adapt(prior, FrameScorer(first).sums(frames), options, first)
    found = adapt_in_passes(prior, lambda gmm: FrameScorer(gmm).sums(frames), MapOptions(relevance=4, passes=2))
    np.testing.assert_array_equal(found.means, second.means)
    x = frames[0].astype(float)
    logs = np.log(first.weights) - 0.5 * (
        np.log(2 * np.pi * first.variances) + (x[:, None] - first.means) ** 2 / first.variances
    ).sum(axis=2)
    posteriors = np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None])
    counts = posteriors.sum(axis=0)[:, None]
    by_hand = (posteriors.T @ x + 4 * prior.means) / (counts + 4)
    np.testing.assert_allclose(found.means, by_hand, atol=1e-5)


def test_full_covariances_have_means_that_move():
    prior, rng = with_full_covariances(background()), np.random.default_rng(0)
    sums = FrameScorer(prior).sums([rng.normal(1, 2, (50, DIM)).astype("f4")])
    same = adapt(background(), FrameScorer(background()).sums([rng.normal(1, 2, (50, DIM)).astype("f4")]), MapOptions())
    assert adapt(prior, sums, MapOptions()).means.shape == same.means.shape
    with pytest.raises(InputError, match="full covariances are not adapted"):
        adapt(prior, sums, MapOptions(adapt=("variances",)))
