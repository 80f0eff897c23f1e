"""Mixture densities, against scipy and by integration, in whole spaces and in subspaces."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from steps.generators.mixture import Frame, Mixture

DOFS = (math.inf, 5.0)


def make(dim: int, latent_dim: int, dof: float = math.inf, n_components: int = 3, seed: int = 0) -> Mixture:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(n_components))
    frame = Frame(rng.normal(size=dim), rng.normal(size=(dim, latent_dim)))
    shape = (n_components, latent_dim)
    return Mixture(np.log(weights), rng.normal(size=shape), rng.uniform(0.5, 1.5, size=shape), frame, dof)


def by_scipy(mixture: Mixture, x: np.ndarray) -> np.ndarray:
    """Log density (N,) of a mixture whose frame is square, from its parameters in the original space."""
    given = mixture.original_space()
    parts = []
    for weight, mean, scales in zip(given["weights"], given["means"], given["scales"], strict=True):
        shape = given["basis"] @ np.diag(scales**2) @ given["basis"].T
        kernel = (
            stats.multivariate_normal(mean, shape)
            if math.isinf(given["dof"])
            else stats.multivariate_t(mean, shape, given["dof"])
        )
        parts.append(np.log(weight) + kernel.logpdf(x))
    return logsumexp(parts, axis=0)


@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize("dim", [1, 4])
def test_log_density_is_that_of_scipy(dim, dof):
    mixture = make(dim, dim, dof)
    x = np.random.default_rng(1).normal(size=(50, dim)) * 3
    np.testing.assert_allclose(mixture.log_density(x), by_scipy(mixture, x), rtol=1e-9)


@pytest.mark.parametrize("dof", DOFS)
def test_integral_over_the_subspace_is_one(dof):
    mixture = make(dim=3, latent_dim=2, dof=dof)
    axes = np.linalg.qr(mixture.frame.basis)[0]  # orthonormal: areas in the plane are those of the grid
    edge, step = (100.0, 0.25) if dof < math.inf else (15.0, 0.1)
    grid = np.arange(-edge, edge, step)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    density = np.exp(mixture.log_density(mixture.frame.offset + plane @ axes.T))
    assert density.sum() * step**2 == pytest.approx(1, abs=2e-3)


def test_a_number_as_basis_is_this_multiple_of_the_identity():
    mixture = make(3, 3)
    scalar = Mixture(mixture.log_weights, mixture.means, mixture.scales, Frame(mixture.frame.offset, 2.5))
    matrix = Mixture(mixture.log_weights, mixture.means, mixture.scales, Frame(mixture.frame.offset, 2.5 * np.eye(3)))
    x = np.random.default_rng(1).normal(size=(20, 3))
    np.testing.assert_allclose(scalar.log_density(x), matrix.log_density(x), rtol=1e-10)
    np.testing.assert_allclose(scalar.log_density(x), by_scipy(scalar, x), rtol=1e-9)
    a, b = (some.sample(np.random.default_rng(2), 50)[0] for some in (scalar, matrix))
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize("n", [0, 1, 64, 257, 600])
def test_however_many_rows_the_numbers_are_those_of_the_frame(dof, n):
    mixture = make(3, 3, dof)
    frame = Frame(mixture.frame.offset, 2.5)
    scalar = Mixture(mixture.log_weights, mixture.means, mixture.scales, frame, dof)
    x, component = scalar.sample(np.random.default_rng(2), n)
    unplaced = Mixture(mixture.log_weights, mixture.means, mixture.scales, Frame(np.zeros(3), 1.0), dof)
    y, _ = unplaced.sample(np.random.default_rng(2), n)
    assert x.dtype == np.float32 and component.shape == (n,)
    np.testing.assert_array_equal(x, frame.to_embedding(y))
    alone = [scalar.log_density(row[None]) for row in x]
    np.testing.assert_allclose(scalar.log_density(x), np.concatenate([np.empty(0), *alone]), rtol=1e-12)


@pytest.mark.parametrize("latent_dim", [1, 2, 4])
def test_frame_there_and_back(latent_dim):
    frame = make(4, latent_dim).frame
    y = np.random.default_rng(1).normal(size=(10, latent_dim))
    np.testing.assert_allclose(frame.to_latent(frame.to_embedding(y)), y, atol=1e-12)
    assert frame.log_volume == pytest.approx(0.5 * np.linalg.slogdet(frame.basis.T @ frame.basis)[1])


def test_projection_onto_the_subspace_ignores_what_is_across_it():
    mixture = make(4, 2)
    x = mixture.frame.to_embedding(np.random.default_rng(1).normal(size=(10, 2)))
    across = np.linalg.svd(mixture.frame.basis)[0][:, 2:]  # orthogonal to the basis
    np.testing.assert_allclose(mixture.log_density(x), mixture.log_density(x + across.sum(1)), rtol=1e-9)


def test_temperatures():
    mixture = make(3, 3, n_components=4)
    hot = mixture.tempered(weights=2.0, spread=4.0)
    roots = np.sqrt(np.exp(mixture.log_weights))
    np.testing.assert_allclose(np.exp(hot.log_weights), roots / roots.sum())
    np.testing.assert_allclose(hot.scales**2, 4 * mixture.scales**2)
    np.testing.assert_array_equal(hot.means, mixture.means)
    same = mixture.tempered()
    np.testing.assert_allclose(same.log_weights, mixture.log_weights, atol=1e-12)
    np.testing.assert_array_equal(same.scales, mixture.scales)


def test_samples_have_the_moments_of_the_mixture():
    mixture = make(4, 3)
    x, component = mixture.sample(np.random.default_rng(3), 200_000)
    assert x.dtype == np.float32
    given = mixture.original_space()
    np.testing.assert_allclose(np.bincount(component) / len(x), given["weights"], atol=0.01)
    mean = given["weights"] @ given["means"]
    np.testing.assert_allclose(x.mean(axis=0), mean, atol=0.05)
    covariance = sum(
        weight * (given["basis"] @ np.diag(scales**2) @ given["basis"].T + np.outer(m - mean, m - mean))
        for weight, m, scales in zip(given["weights"], given["means"], given["scales"], strict=True)
    )
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=0.03 * np.abs(covariance).max())
    off = x - mixture.frame.to_embedding(mixture.frame.to_latent(x.astype(np.float64)))
    assert np.abs(off).max() < 1e-4  # samples lie in the subspace


def test_student_samples_have_student_radii():
    mixture = make(3, 3, dof=6.0, n_components=1)
    x, _ = mixture.sample(np.random.default_rng(3), 20_000)
    y = (mixture.frame.to_latent(x.astype(np.float64)) - mixture.means[0]) / mixture.scales[0]
    assert stats.kstest((y**2).sum(1) / 3, stats.f(3, 6.0).cdf).pvalue > 0.001


def test_the_seed_decides_the_samples_and_absent_components_are_never_drawn():
    mixture = make(3, 3)
    absent = Mixture(np.array([-np.inf, 0.0, -np.inf]), mixture.means, mixture.scales, mixture.frame)
    assert set(absent.sample(np.random.default_rng(0), 1000)[1]) == {1}
    assert np.isfinite(absent.log_density(np.zeros((1, 3)))).all()
    a, b, other = (mixture.sample(np.random.default_rng(seed), 10)[0] for seed in (7, 7, 8))
    assert a.tobytes() == b.tobytes() != other.tobytes()
