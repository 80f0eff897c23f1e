"""Utterances of sampled speakers: the spread within speakers is found again, and one utterance is as without it."""

import numpy as np
import pytest

from steps.generators.blend import Blend
from steps.generators.contract import load_generator
from steps.generators.mixture import Frame, Mixture
from steps.generators.within_speaker import FILE, LEAST, WithinSpeaker
from tests.steps.generators.conftest import fit
from utils.errors import InputError

D = 4


@pytest.fixture
def mixture() -> Mixture:
    rng = np.random.default_rng(0)
    frame = Frame(rng.normal(size=D), rng.normal(size=(D, D)) + 2 * np.eye(D))
    return Mixture(np.log([0.3, 0.7]), rng.normal(size=(2, D)), np.outer([0.7, 1.2], np.ones(D)), frame)


def spread_of(mixture: Mixture, share: float) -> np.ndarray:
    """A covariance (D, D) within speakers, a share of that of all components together."""
    scale = np.exp(mixture.log_weights) @ mixture.scales[:, 0] ** 2
    return share * scale * mixture.frame.basis @ mixture.frame.basis.T


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, covariance between and within speakers of utterances (n, U, D)."""
    means = x.mean(axis=1)
    left = (x - means[:, None]).reshape(-1, x.shape[2])
    within = left.T @ left / (len(x) * (x.shape[1] - 1))
    return means.mean(axis=0), np.cov(means.T) - within / x.shape[1], within


@pytest.mark.parametrize("spreads", [(0, 0), (0.2, 0.3)])
def test_utterances_have_the_spread_and_speakers_the_rest(mixture, spreads):
    within = WithinSpeaker(spread_of(mixture, 0.3), np.array(spreads, float))
    x, components = within.sample(mixture, np.random.default_rng(1), 20_000, 4)
    assert x.shape == (20_000, 4, D) and x.dtype == np.float32
    assert np.bincount(components) / 20_000 == pytest.approx(np.exp(mixture.log_weights), abs=0.02)
    plain = mixture.sample(np.random.default_rng(2), 80_000)[0]
    _, between, found = moments(x.astype(float))
    scale = np.abs(within.covariance).max()
    np.testing.assert_allclose(found, within.covariance, atol=0.06 * scale)
    np.testing.assert_allclose(between + found, np.cov(plain.T), atol=0.06 * np.abs(np.cov(plain.T)).max())
    np.testing.assert_allclose(x[:, 0].mean(axis=0), plain.mean(axis=0), atol=0.1)


def test_a_blend_draws_each_part_in_its_own_frame(mixture):
    other = Mixture(np.zeros(1), np.zeros((1, D)), np.ones((1, D)), Frame(np.full(D, 50.0), np.eye(D)))
    blend = Blend(np.log([0.1, 0.2, 0.7]), [mixture, other])
    within = WithinSpeaker(0.2 * np.eye(D), np.zeros(2))
    x, components = within.sample(blend, np.random.default_rng(0), 3000, 2)
    assert ((x.min(axis=(1, 2)) > 30) == (components == 2)).all()
    assert (components == 2).mean() == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("spreads", [(0, 0), (0.3, 0), (0.1, 0.2)])
def test_what_was_sampled_is_fitted_again(mixture, spreads):
    single = Mixture(np.zeros(1), mixture.means[:1], mixture.scales[:1], mixture.frame)
    made = WithinSpeaker(spread_of(single, 0.4), np.array(spreads, float))
    x, _ = made.sample(single, np.random.default_rng(1), 4000, 6)
    flat, speakers = x.reshape(-1, D).astype(float), np.repeat(np.arange(4000), 6)
    found = WithinSpeaker.fit(flat, flat, speakers)
    off = 1 - np.eye(D)
    np.testing.assert_allclose(found.covariance, made.covariance * (1 - 0.05 * off), atol=0.05 * made.covariance.max())
    np.testing.assert_allclose(found.spreads, spreads, atol=0.08)


def test_a_spread_wider_than_the_generator_is_kept_and_speakers_differ_a_little(mixture):
    single = Mixture(np.zeros(1), mixture.means[:1], mixture.scales[:1], mixture.frame)
    wide = spread_of(single, 5.0)
    x, _ = WithinSpeaker(wide, np.zeros(2)).sample(single, np.random.default_rng(1), 40_000, 4)
    _, between, found = moments(x.astype(float))
    np.testing.assert_allclose(found, wide, atol=0.03 * wide.max())
    np.testing.assert_allclose(between, spread_of(single, LEAST), atol=0.01 * wide.max())


def test_speakers_of_one_utterance_tell_no_spread(tmp_path):
    assert WithinSpeaker.fit(np.eye(3), np.eye(3), np.arange(3)) is None
    with pytest.raises(InputError, match="no speaker with two utterances"):
        WithinSpeaker.load(tmp_path, 3)


def test_training_stores_it_beside_the_generator(models, tmp_path):
    within = WithinSpeaker.load(models["ridge_gaussian"], 10)
    assert 0.1 < np.diag(within.covariance)[0] < 0.5  # .25 was put in
    assert load_generator(models["ridge_gaussian"]).dim == 10
    within.save(tmp_path)
    assert (tmp_path / FILE).read_bytes() == (models["ridge_gaussian"] / FILE).read_bytes()
    with pytest.raises(InputError, match=r"expected covariance \(3, 3\)"):
        WithinSpeaker.load(tmp_path, 3)


def test_on_a_surface_it_is_that_of_pre_activations(tmp_path):
    from tests.steps.generators.experiment import write_experiment
    from tests.steps.generators.test_manifold_generator import on_surface

    made = write_experiment(tmp_path / "surface", change=on_surface)
    directory = fit(made, "ridge_gaussian", "--set", "manifold=auto")
    generator = load_generator(directory)
    within = WithinSpeaker.load(directory, generator.inner.dim)
    mixture = generator.mixtures(np.zeros((1, generator.text_dim), np.float32))[0]
    z, _ = within.sample(mixture.inner, np.random.default_rng(0), 5, 3)
    x = generator.manifold.to_embedding(z.reshape(15, -1))
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, atol=1e-5)
