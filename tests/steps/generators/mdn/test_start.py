"""Where training starts: at the closed-form solution, or, with diagonal covariances, among the embeddings."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from steps.generators.covariance import cross_validated_spread, mean_map, principal_subspace
from steps.generators.linear import LinearMap
from steps.generators.linear_generator import LinearGenerator
from steps.generators.mdn.generator import MdnGenerator
from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.start import make_start
from steps.generators.mixture import Frame
from steps.generators.pairs import Pairs
from steps.generators.scale_bank import fit_scale_bank
from tests.steps.generators.experiment import DIM, LIVE, Experiment

OPTIONS = MdnOptions(hidden=16, n_components=4, folds=5)


@pytest.fixture(scope="module")
def train(experiment: Experiment) -> Pairs:
    return experiment.pairs("train")


def test_the_shared_start_is_the_regression_with_the_bank_of_scales(train):
    begin = make_start(train, OPTIONS)
    found = MdnGenerator(begin.network.weights(), begin.frame, spread=1.0)
    subspace = principal_subspace(train.x)
    y, mean_of = subspace.to_latent(train.x), mean_map(train, subspace, OPTIONS.penalty)
    spread, unseen = cross_validated_spread(train, y, subspace, OPTIONS.penalty, OPTIONS.folds)
    whitened = LinearMap(mean_of.weights @ spread.inverse_root, mean_of.offset @ spread.inverse_root)
    frame = Frame(subspace.offset, subspace.basis @ spread.root)
    wanted = LinearGenerator(frame, whitened, *fit_scale_bank((unseen**2).sum(axis=1), LIVE, 4, train.weights))
    np.testing.assert_allclose(
        found.log_density(train.x, train.variants), wanted.log_density(train.x, train.variants), rtol=1e-4
    )
    assert begin.latent.shape == (len(train.x), LIVE)


def test_the_shared_start_without_a_linear_path_is_the_mean_over_groups_with_the_bank_of_scales(train):
    far = replace(train, variants=train.variants + 3)  # where no text is near zero
    begin = make_start(far, replace(OPTIONS, linear_path=False))
    np.testing.assert_allclose(train.weights @ begin.frame.to_latent(train.x), 0, atol=0.1)
    np.testing.assert_allclose(far.weights @ begin.latent, 0, atol=1e-5)
    found = MdnGenerator(begin.network.weights(), begin.frame, spread=1.0)
    (first, *others) = found.mixtures(far.variants)
    np.testing.assert_allclose(first.means, 0, atol=1e-6)
    for other in others:
        np.testing.assert_allclose(other.log_weights, first.log_weights, atol=1e-5)
    with_path = MdnGenerator(make_start(train, OPTIONS).network.weights(), begin.frame, spread=1.0)
    np.testing.assert_allclose(first.scales, with_path.mixtures(train.variants[:1])[0].scales, rtol=1e-4)


def test_spread_narrows_everything_around_the_linear_mean(train):
    begin = make_start(train, OPTIONS)
    torch.manual_seed(1)
    torch.nn.init.normal_(begin.network.shifts.bias)  # components away from the linear mean
    wide, narrow = (MdnGenerator(begin.network.weights(), begin.frame, spread) for spread in (1.0, 0.25))
    linear = begin.network.linear(torch.from_numpy(train.variants[:1])).detach().numpy()
    centre = begin.frame.to_embedding(linear.astype(np.float64))
    a, b = (some.mixtures(train.variants[:1])[0].original_space() for some in (wide, narrow))
    np.testing.assert_allclose(b["means"] - centre, 0.5 * (a["means"] - centre), atol=1e-5)
    np.testing.assert_allclose(b["scales"], 0.5 * a["scales"])


def test_the_diagonal_start_has_components_at_embeddings(train):
    options = replace(OPTIONS, covariance="diagonal", linear_path=False, n_components=6)
    begin = make_start(train, options)
    means = begin.network.shifts.bias.detach().numpy().reshape(6, DIM)
    at = begin.frame.to_embedding(means.astype(np.float64))
    away = np.abs(at[:, None, :] - train.x[None]).max(axis=2)
    assert away.min(axis=1).max() < 1e-4
    scales = begin.network.log_scales.bias.detach().exp().numpy().reshape(6, DIM) * begin.frame.basis
    deviation = train.x.std(axis=0)
    np.testing.assert_allclose(scales, np.tile(np.maximum(deviation, 0.01 * deviation.max()), (6, 1)), rtol=1e-5)


def test_the_seed_decides_the_start(train):
    a, b, other = (make_start(train, replace(OPTIONS, seed=seed)).network.state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["trunk.0.0.weight"], other["trunk.0.0.weight"])
