"""Likelihoods, EM, splits and MAP of mixtures, beside scikit-learn and cases worked by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.em import split, update, with_full_covariances
from steps.gmm.em_options import EmOptions
from steps.gmm.map_adaptation import MapOptions, adapt
from steps.gmm.statistics import FrameScorer

FREE = EmOptions(variance_floor=0, least_frames=0)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (5, 7))
    return (centres[rng.integers(0, 5, 3000)] + rng.normal(0, 1, (3000, 7)) * np.linspace(0.5, 2, 7) + 40).astype("f4")


@pytest.fixture
def start(frames) -> DiagGmm:
    return DiagGmm(np.full(8, 1 / 8), frames[:8].astype(float), np.tile(frames.var(axis=0, dtype=float), (8, 1)))


def densities(gmm, x):
    """Log densities (T,), component by component, by scipy."""
    spread = gmm.covariances if hasattr(gmm, "covariances") else [np.diag(v) for v in gmm.variances]
    each = [multivariate_normal(m, s).logpdf(x) for m, s in zip(gmm.means, spread, strict=True)]
    return np.logaddexp.reduce(np.log(gmm.weights)[:, None] + each)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)], ids=str)
def test_likelihoods_are_those_of_scipy(frames, start, dtype, tolerance):
    full = with_full_covariances(start)
    for _ in range(2):
        full = update(full, FrameScorer(full, dtype=torch.float64).sums([frames]), np.ones(7), FREE).gmm
    for gmm in (start, full):
        found = FrameScorer(gmm, dtype=dtype).log_likelihoods(frames)
        np.testing.assert_allclose(found, densities(gmm, frames.astype(float)), atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-8), (torch.float32, 1e-4)], ids=str)
@pytest.mark.parametrize("kind", ["diag", "full"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_ten_passes_are_those_of_scikit_learn(frames, start, kind, dtype, tolerance):
    gmm = start if kind == "diag" else with_full_covariances(start)
    precisions = 1 / start.variances if kind == "diag" else np.linalg.inv(gmm.covariances)
    theirs = GaussianMixture(8, covariance_type=kind, max_iter=10, tol=0, reg_covar=0, weights_init=start.weights)
    theirs.set_params(means_init=start.means, precisions_init=precisions).fit(frames.astype(float))
    likelihoods = []
    for _ in range(10):
        sums = FrameScorer(gmm, dtype=dtype).sums([frames[:1000], frames[1000:]])
        likelihoods.append(sums.log_likelihood / sums.n_frames)
        gmm = update(gmm, sums, np.ones(7), FREE).gmm
    assert np.diff(likelihoods).min() > -1e-6
    np.testing.assert_allclose(gmm.means, theirs.means_, atol=max(tolerance, 1e-3 * (dtype == torch.float32)))
    assert FrameScorer(gmm, dtype=dtype).log_likelihoods(frames).mean() == pytest.approx(
        theirs.score(frames.astype(float)), abs=tolerance
    )


def test_floors_and_thin_components(frames, start):
    sums = FrameScorer(start).sums([frames])
    floored = update(start, sums, np.full(7, 1e4), EmOptions(variance_floor=0.01, least_frames=0))
    assert floored.n_floored == floored.gmm.variances.size and (floored.gmm.variances == 100).all()
    full = update(
        with_full_covariances(start), FrameScorer(with_full_covariances(start)).sums([frames]), np.full(7, 1e4), FREE
    )
    assert full.n_floored == 0
    pruned = update(start, sums, np.ones(7), EmOptions(least_frames=float(np.sort(sums.counts)[3]) + 1e-6))
    assert pruned.n_pruned == 4 and pruned.gmm.n_components == 4 and pruned.gmm.weights.sum() == pytest.approx(1)
    assert update(start, sums, np.ones(7), EmOptions(least_frames=1e9)).gmm.n_components == 1


def test_splits_keep_weights_and_mean(start):
    rng = np.random.default_rng(3)
    grown = split(start, 13, rng, EmOptions())
    assert grown.n_components == 13 and grown.weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(grown.scale.mean, start.scale.mean)
    assert split(start, 100, rng, EmOptions()).n_components == 16
    assert split(start, 8, rng, EmOptions()) is start


def test_map_by_hand():
    prior = DiagGmm(np.array([0.5, 0.5]), np.array([[0.0], [100.0]]), np.ones((2, 1)))
    x = np.full((10, 1), 1.0, np.float32)  # all of the first component
    sums = FrameScorer(prior, dtype=torch.float64).sums([x])
    moved = adapt(prior, sums, MapOptions(relevance=10.0, adapt=("means", "variances", "weights")))
    np.testing.assert_allclose(moved.means, [[0.5], [100]])  # 10 / (10 + 10) of the way from 0 to 1
    np.testing.assert_allclose(moved.variances, [[0.5 * 1 + 0.5 * 1 - 0.25], [1]])
    np.testing.assert_allclose(moved.weights, np.array([0.5 * 1 + 0.5 * 0.5, 0.5]) / 1.25)
    assert adapt(prior, sums, MapOptions()).variances is prior.variances


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("kind", ["diag", "full"])
def test_likelihoods_and_sums_on_a_gpu_are_the_same(frames, start, kind):
    gmm = start if kind == "diag" else with_full_covariances(start)
    cpu, gpu = FrameScorer(gmm), FrameScorer(gmm, "cuda")
    np.testing.assert_allclose(gpu.log_likelihoods(frames), cpu.log_likelihoods(frames), atol=1e-4)
    ours, theirs = cpu.sums([frames]), gpu.sums([frames])
    np.testing.assert_allclose(theirs.expanded, ours.expanded, atol=1e-2)
    assert theirs.log_likelihood / theirs.n_frames == pytest.approx(ours.log_likelihood / ours.n_frames, abs=1e-4)


def test_likelihoods_of_tiny_densities_and_of_joined_utterances(start):
    x = np.random.default_rng(1).normal(0, 200, (50, 7)).astype(np.float32) + 40  # far from every component
    scorer = FrameScorer(start, dtype=torch.float64)
    np.testing.assert_allclose(scorer.log_likelihoods(x), densities(start, x.astype(float)), rtol=1e-9)
    whole, cut = scorer.sums([x]), scorer.sums([x[:1], x[1:1], x[1:30], x[30:]])
    np.testing.assert_allclose(cut.expanded, whole.expanded)
    assert cut.n_frames == 50 and cut.log_likelihood == pytest.approx(whole.log_likelihood)
