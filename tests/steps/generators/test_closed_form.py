"""The closed-form generators against formulae of their own: scipy's densities, scikit-learn's mixtures, sums."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from steps.generators.group_generator import GmmOptions, GroupGaussianOptions, fit_gmm, fit_group_gaussian
from steps.generators.linear import LinearMap
from steps.generators.linear_generator import (
    DEGREES_OF_FREEDOM,
    GaussianOptions,
    LinearGenerator,
    RidgeOptions,
    fit_gaussian,
    fit_ridge_generator,
    mean_log_density,
)
from steps.generators.mixture import Frame, Mixture
from steps.generators.pairs import Pairs
from tests.steps.generators.experiment import LIVE, Experiment
from utils.errors import InputError

FITS = {
    "gaussian": lambda train, dev: fit_gaussian(train, dev, GaussianOptions()),
    "ridge_gaussian": lambda train, dev: fit_ridge_generator(train, dev, RidgeOptions()),
    "ridge_student": lambda train, dev: fit_ridge_generator(train, dev, RidgeOptions(student=True)),
    "group_gaussian": lambda train, dev: fit_group_gaussian(train, dev, GroupGaussianOptions()),
    "group_gmm": lambda train, dev: fit_gmm(train, dev, GmmOptions(per_group=True, n_components=2)),
    "blind_gmm": lambda train, dev: fit_gmm(train, dev, GmmOptions(n_components=3)),
}


@pytest.fixture(scope="module")
def train(experiment: Experiment) -> Pairs:
    return experiment.pairs("train")


@pytest.fixture(scope="module")
def dev(experiment: Experiment) -> Pairs:
    return experiment.pairs("dev")


def live(pairs: Pairs) -> Pairs:
    """Only the dimensions that live."""
    return replace(pairs, x=pairs.x[:, :LIVE])


def shrunk(scatter: np.ndarray, share: float = 0.1) -> np.ndarray:
    return np.where(np.eye(len(scatter)) > 0, scatter, (1 - share) * scatter)


def test_the_gaussian_has_the_mean_and_the_shrunk_covariance(train, dev):
    x = live(train).x.astype(np.float64)
    generator = FITS["gaussian"](live(train), dev)
    axes = np.linalg.eigh(np.cov(x.T))[1]  # uncorrelated along these: shrinking does nothing
    whole = axes @ shrunk(axes.T @ np.cov(x.T, bias=True) @ axes) @ axes.T
    wanted = stats.multivariate_normal(x.mean(axis=0), whole).logpdf(live(dev).x)
    np.testing.assert_allclose(
        generator.log_density(live(dev).x, dev.variants), np.tile(wanted[:, None], 16), rtol=1e-6
    )


def test_ridge_has_the_mean_of_the_text_and_the_covariance_around_it(train, dev):
    generator = FITS["ridge_gaussian"](live(train), live(dev))
    mixtures = generator.mixtures(train.variants)
    means = np.array([mixture.original_space()["means"][0] for mixture in mixtures])
    x = live(train).x.astype(np.float64)
    of_group = np.array([means[train.variant_groups == group].mean(axis=0) for group in range(4)])
    left = x - of_group[train.groups]
    axes = np.linalg.eigh(np.cov(x.T))[1]
    shape = axes @ shrunk(axes.T @ (left.T @ left / len(x)) @ axes) @ axes.T
    for mixture, mean in list(zip(mixtures, means, strict=True))[:3]:
        wanted = stats.multivariate_normal(mean, shape).logpdf(live(dev).x)
        np.testing.assert_allclose(mixture.log_density(live(dev).x), wanted, rtol=1e-6)


def test_student_has_the_degrees_of_freedom_that_dev_likes_best(train, dev):
    generator = FITS["ridge_student"](train, dev)
    density = {
        dof: mean_log_density(LinearGenerator(generator.frame, generator.mean_of, np.zeros(1), np.ones(1), dof), dev)
        for dof in DEGREES_OF_FREEDOM
    }
    assert generator.dof == max(density, key=density.get)
    gaussian = LinearGenerator(generator.frame, generator.mean_of, np.zeros(1), np.ones(1))
    np.testing.assert_allclose(
        FITS["ridge_gaussian"](train, dev).log_density(dev.x, dev.variants), gaussian.log_density(dev.x, dev.variants)
    )


def test_a_group_gaussian_leans_on_the_pooled_covariance(train, dev):
    few = live(train).of_speakers((train.groups != 2) | (train.speakers < 3))  # one speaker left of group 2
    generator = fit_group_gaussian(few, live(dev), GroupGaussianOptions(prior=2.0, shrinkage=0.3))
    x, counts = few.x.astype(np.float64), np.bincount(few.groups)
    assert counts[2] == 4
    parts = [x[few.groups == group] for group in range(4)]
    scatters = [len(part) * np.cov(part.T, bias=True) for part in parts]
    axes = np.linalg.eigh(np.cov(x.T))[1]
    pooled = axes @ shrunk(axes.T @ (sum(scatters) / len(x)) @ axes, 0.3) @ axes.T
    prior = 2.0 * LIVE
    for group in range(4):
        shape = (scatters[group] + prior * pooled) / (counts[group] + prior)
        wanted = stats.multivariate_normal(parts[group].mean(axis=0), shape).logpdf(live(dev).x)
        text = train.variants[train.variant_groups == group][:1]
        np.testing.assert_allclose(generator.log_density(live(dev).x, text)[:, 0], wanted, rtol=1e-6)


def test_groups_of_one_embedding_tell_no_spread_and_are_named(train, dev):
    first = np.isin(np.arange(len(train.x)), np.unique(train.groups, return_index=True)[1])
    with pytest.raises(InputError, match="no group has two embeddings that differ"):
        fit_group_gaussian(train.of_speakers(first), dev, GroupGaussianOptions())


@pytest.mark.parametrize("per_group", [True, False])
def test_mixtures_are_those_of_scikit_learn(train, dev, per_group):
    from sklearn.mixture import GaussianMixture

    generator = fit_gmm(train, dev, GmmOptions(per_group=per_group, n_components=2, seed=3))
    floor = (0.01 * train.x.std(axis=0).max()) ** 2
    for group in range(4):
        rows = train.x[train.groups == group] if per_group else train.x
        fitted = GaussianMixture(2, covariance_type="diag", reg_covar=floor, random_state=3).fit(
            rows.astype(np.float64)
        )
        text = train.variants[train.variant_groups == group][:1]
        found = generator.log_density(dev.x, text)[:, 0]
        np.testing.assert_allclose(found, fitted.score_samples(dev.x.astype(np.float64)), rtol=1e-6)


@pytest.mark.parametrize("name", ["gaussian", "blind_gmm"])
def test_the_deaf_say_the_same_to_all_texts(train, dev, name):
    density = FITS[name](train, dev).log_density(dev.x, dev.variants)
    np.testing.assert_allclose(density, np.tile(density[:, :1], density.shape[1]))


@pytest.mark.parametrize("name", ["ridge_gaussian", "group_gaussian", "group_gmm"])
def test_the_others_listen(train, dev, name):
    generator = FITS[name](train, dev)
    density = generator.log_density(dev.x, dev.variants)
    own = dev.groups[:, None] == dev.variant_groups[None, :]
    assert density[own].mean() > density[~own].mean() + 1


@pytest.mark.parametrize("name", ["group_gaussian", "group_gmm", "ridge_gaussian", "ridge_student"])
def test_a_group_without_training_speakers_borrows_from_the_others(train, dev, name):
    generator = FITS[name](train.of_speakers(train.groups != 1), dev)
    density = generator.log_density(dev.x, dev.variants)
    assert np.isfinite(density).all()
    own = (dev.groups[:, None] == dev.variant_groups[None, :]) & (dev.groups != 1)[:, None]
    assert density[own].mean() > density[~own].mean()  # what is known stays known


def test_a_group_of_one_embedding_has_a_mixture(train, dev):
    single = train.of_speakers((train.groups != 1) | (np.arange(len(train.x)) == np.flatnonzero(train.groups == 1)[0]))
    generator = FITS["group_gmm"](single, dev)
    text = train.variants[train.variant_groups == 1][:1]
    found = generator.mixtures(text)[0].original_space()
    np.testing.assert_allclose(found["means"][0], single.x[single.groups == 1][0], rtol=1e-6)
    assert np.exp(generator.mixtures(text)[0].log_weights).tolist() == [1, 0]


def in_live_dimensions(mixture: Mixture) -> Mixture:
    """The same mixture of the first LIVE dimensions alone: an exact projection."""
    frame = mixture.frame
    if np.ndim(frame.basis) == 0:
        cut = Frame(frame.offset[:LIVE], frame.basis)
        return replace(mixture, means=mixture.means[:, :LIVE], scales=mixture.scales[:, :LIVE], frame=cut)
    return replace(mixture, frame=Frame(frame.offset[:LIVE], frame.basis[:LIVE]))


@pytest.mark.parametrize("name", FITS)
def test_a_constant_dimension_buys_no_likelihood(train, dev, name):
    wider = replace(train, x=train.x[:, : LIVE + 1]), replace(dev, x=dev.x[:, : LIVE + 1])
    found, wanted = FITS[name](*wider), FITS[name](live(train), live(dev))
    texts, x = dev.variants[:3], wider[1].x
    alive = wanted.log_density(x[:, :LIVE], texts)
    projected = [in_live_dimensions(mixture).log_density(x[:, :LIVE]) for mixture in found.mixtures(texts)]
    np.testing.assert_allclose(np.transpose(projected), alive, rtol=1e-5)
    if "gmm" not in name:  # these know their subspace: their own density is the same, too
        np.testing.assert_allclose(found.log_density(x, texts), alive, rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in FITS if "gmm" not in name])
def test_copied_and_summed_dimensions_buy_no_likelihood(train, dev, name):
    found, wanted = FITS[name](train, dev), FITS[name](live(train), live(dev))
    texts, x = dev.variants[:3], dev.x
    projected = [in_live_dimensions(mixture).log_density(x[:, :LIVE]) for mixture in found.mixtures(texts)]
    # shrinkage acts along principal directions, which copies turn a little
    assert np.mean(projected) == pytest.approx(wanted.log_density(x[:, :LIVE], texts).mean(), abs=0.15)


@pytest.mark.parametrize("name", FITS)
def test_the_unit_of_the_embeddings_does_not_matter(train, dev, name):
    unit = np.float32(2.0**20)
    found = FITS[name](replace(live(train), x=live(train).x * unit), replace(live(dev), x=live(dev).x * unit))
    wanted = FITS[name](live(train), live(dev)).log_density(live(dev).x, dev.variants)
    shifted = found.log_density(live(dev).x * unit, dev.variants) + LIVE * np.log(unit)
    np.testing.assert_allclose(shifted, wanted, rtol=1e-4)


@pytest.mark.parametrize(("variants", "captions"), [(16, 0), (16, 60), (0, 60)])
def test_mean_log_density_averages_over_the_texts_of_an_embedding(train, dev, variants, captions):
    generator = FITS["ridge_gaussian"](train, dev)
    pairs = replace(
        dev, variants=dev.variants[:variants], variant_groups=dev.variant_groups[:variants],
        captions=np.tile(train.variants, (4, 1))[:captions], caption_rows=np.arange(captions) % len(dev.x),
    )  # fmt: skip
    total = 0.0
    for row, weight in enumerate(pairs.weights):
        texts = [*pairs.variants[pairs.variant_groups == pairs.groups[row]], *pairs.captions[pairs.caption_rows == row]]
        total += weight * generator.log_density(pairs.x[row : row + 1], np.array(texts)).mean()
    assert mean_log_density(generator, pairs) == pytest.approx(total)


def test_a_bank_of_scales_spreads_around_one_mean():
    basis = np.array([[1.0, 0.0], [0.5, 2.0], [0.0, 1.0]])
    mean_of = LinearMap(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0]))
    generator = LinearGenerator(Frame(np.ones(3), basis), mean_of, np.log([0.25, 0.75]), np.array([0.5, 2.0]))
    text = np.array([[1.0, -1.0]])
    (mixture,) = generator.mixtures(text)
    given = mixture.original_space()
    np.testing.assert_allclose(given["weights"], [0.25, 0.75])
    np.testing.assert_allclose(given["means"], np.tile(1 + basis @ [3.0, 4.0], (2, 1)))
    np.testing.assert_allclose(given["scales"], [[0.5, 0.5], [2.0, 2.0]])
