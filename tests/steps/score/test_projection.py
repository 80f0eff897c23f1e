"""Densities in the fixed subspace: exact projections, and dead dimensions that buy nothing."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, multivariate_t

from steps.generators.blend import blend
from steps.generators.covariance import principal_subspace
from steps.generators.mixture import Frame, Mixture
from steps.score.projection import FullMixture, NoDensity, Projector

D, Q = 5, 3


@pytest.fixture
def subspace() -> Frame:
    """Three principal directions of five dimensions."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, Q)) @ rng.normal(size=(Q, D)) + rng.normal(size=D)
    return principal_subspace(x)


def mixture(frame: Frame, seed: int = 1, dof: float = np.inf) -> Mixture:
    """Two components in the latent space of a frame."""
    rng = np.random.default_rng(seed)
    q = frame.latent_dim
    return Mixture(np.log([0.3, 0.7]), rng.normal(size=(2, q)), rng.uniform(0.4, 2, size=(2, q)), frame, dof)


@pytest.mark.parametrize("dof", [np.inf, 6.0])
def test_a_full_space_mixture_has_its_exact_marginal(subspace: Frame, dof: float):
    rng = np.random.default_rng(2)
    given = mixture(Frame(rng.normal(size=D), rng.normal(size=(D, D))), dof=dof)
    projected = Projector(subspace)(given)
    assert isinstance(projected, FullMixture)
    z = rng.normal(size=(20, Q))
    to_z = subspace.basis.T
    expected = np.zeros(20)
    for weight, mean, scale in zip(np.exp(given.log_weights), given.means, given.scales, strict=True):
        factor = to_z @ given.frame.basis * scale
        centre = to_z @ (given.frame.to_embedding(mean[None])[0] - subspace.offset)
        law = multivariate_normal(centre, factor @ factor.T)
        if np.isfinite(dof):
            law = multivariate_t(centre, factor @ factor.T, df=dof)
        expected += weight * law.pdf(z)
    np.testing.assert_allclose(projected.log_density(z), np.log(expected), rtol=1e-9)


@pytest.mark.parametrize("dof", [np.inf, 6.0])
def test_parts_in_frames_of_their_own_are_projected_each(subspace: Frame, dof: float):
    rng = np.random.default_rng(4)
    parts = [mixture(Frame(rng.normal(size=D), rng.normal(size=(D, D))), seed, dof) for seed in (1, 2)]
    projector, z = Projector(subspace), rng.normal(size=(20, Q))
    found = projector(blend([0.2, 0.8], parts)).log_density(z)
    alone = [np.exp(projector(part).log_density(z)) for part in parts]
    np.testing.assert_allclose(np.exp(found), 0.2 * alone[0] + 0.8 * alone[1], rtol=1e-9)


@pytest.mark.parametrize("dof", [np.inf, 6.0])
def test_the_quick_path_agrees_with_the_full_one(subspace: Frame, dof: float):
    rng = np.random.default_rng(3)
    basis = subspace.basis @ rng.normal(size=(Q, Q)) + 0.1 * rng.normal(size=(D, Q))  # not quite in the subspace
    given = mixture(Frame(rng.normal(size=D), basis), dof=dof)
    padded = Frame(given.frame.offset, np.concatenate([basis, np.zeros((D, 1))], axis=1))
    wide = Mixture(
        given.log_weights, np.pad(given.means, [(0, 0), (0, 1)]),
        np.pad(given.scales, [(0, 0), (0, 1)], constant_values=7), padded, dof,
    )  # fmt: skip
    quick, full = Projector(subspace)(given), Projector(subspace)(wide)
    assert isinstance(quick, Mixture) and isinstance(full, FullMixture)
    z = rng.normal(size=(30, Q))
    np.testing.assert_allclose(quick.log_density(z), full.log_density(z), rtol=1e-8)


def test_a_density_in_the_subspace_is_that_of_the_mixture_itself(subspace: Frame):
    given = mixture(Frame(subspace.offset, subspace.basis @ np.diag([2.0, 0.5, 1.0])))
    x = given.sample(np.random.default_rng(4), 25)[0]
    projected = Projector(subspace)(given).log_density(subspace.to_latent(x.astype(float)))
    np.testing.assert_allclose(projected, given.log_density(x), rtol=1e-6)


def test_densities_integrate_to_one_in_one_dimension():
    rng = np.random.default_rng(5)
    line = principal_subspace(np.outer(rng.normal(size=50), [1.0, 2.0, 0.0]) + 1e-6)
    for dof in (np.inf, 4.0):
        projected = Projector(line)(mixture(Frame(rng.normal(size=3)), dof=dof))
        area, _ = quad(lambda z, law=projected: float(np.exp(law.log_density(np.array([[z]])))[0]), -60, 60, limit=200)
        assert area == pytest.approx(1, abs=1e-3)


def test_a_sliver_on_a_dead_dimension_buys_nothing(subspace: Frame):
    dead = np.linalg.svd(subspace.basis, full_matrices=True)[0][:, Q:]
    basis = np.concatenate([subspace.basis, dead], axis=1)
    given = mixture(Frame(subspace.offset, basis))
    greedy = Mixture(given.log_weights, given.means, given.scales * [1, 1, 1, 1e-4, 1e-4], given.frame)
    z = np.random.default_rng(6).normal(size=(10, Q))
    project = Projector(subspace)
    np.testing.assert_allclose(project(greedy).log_density(z), project(given).log_density(z))


def test_too_few_dimensions_have_no_density(subspace: Frame):
    with pytest.raises(NoDensity, match="2 dimensions, the subspace of the training set 3"):
        Projector(subspace)(mixture(Frame(subspace.offset, subspace.basis[:, :2])))
