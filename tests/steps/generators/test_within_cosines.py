"""Utterances of sampled speakers are as alike as those of training speakers, on a surface and off it."""

from dataclasses import replace

import numpy as np
import pytest

from steps.generators.contract import load_generator
from steps.generators.within_cosines import SameSpeakerCosines, SampledAsTrained, match_cosines
from steps.generators.within_speaker import WithinSpeaker
from tests.steps.generators.conftest import fit
from tests.steps.generators.experiment import Experiment, write_experiment


def test_cosines_are_of_the_utterances_that_exist():
    x = np.zeros((2, 3, 2))
    x[0] = [[1, 0], [0, 2], [3, 0]]  # cosines 0, 1, 0
    x[1] = [[0, 1], [1, 1], [-1, 0]]  # the third does not exist: cosine 1 / sqrt 2
    found, pairs = SameSpeakerCosines.of(x, np.array([3, 2])), np.array([0, 1, 0, 0.5**0.5])
    assert found == pytest.approx((pairs.mean(), pairs.var()))


@pytest.fixture(scope="module")
def surface(tmp_path_factory) -> Experiment:
    """The generated experiment on a surface, with some utterances far from their speakers, and a generator of it."""
    from tests.steps.generators.test_manifold_generator import on_surface

    def change(x: np.ndarray) -> np.ndarray:
        far = np.random.default_rng(3).standard_normal(x.shape)
        far[np.arange(len(x)) % 5 > 0] = 0
        return on_surface(x + 0.8 * far)

    made = write_experiment(tmp_path_factory.mktemp("far"), change=change)
    fit(made, "ridge_gaussian", "--set", "manifold=auto")
    return made


def test_training_leaves_a_spread_whose_samples_have_the_cosines_of_training_speakers(surface: Experiment):
    train, directory = surface.pairs("train"), surface.root / "ridge_gaussian"
    generator = load_generator(directory)
    within = WithinSpeaker.load(directory, generator.inner.dim)
    design = SampledAsTrained.of(generator, train, train.x)
    found = design.simulate(within, seed=5)
    assert 1 - found.mean == pytest.approx(1 - design.target.mean, rel=0.05)
    assert found.variance**0.5 == pytest.approx(design.target.variance**0.5, rel=0.1)
    assert design.counts.min() >= 2


def test_a_wrong_spread_is_mended_and_the_same_seed_gives_the_same_numbers(surface: Experiment):
    train, directory = surface.pairs("train"), surface.root / "ridge_gaussian"
    generator = load_generator(directory)
    good = WithinSpeaker.load(directory, generator.inner.dim)
    wrong = replace(good, covariance=0.8 * good.covariance, spreads=good.spreads * [1, 0.2])
    first, second = (match_cosines(wrong, generator, train, train.x, seed=1)[0] for _ in range(2))
    np.testing.assert_array_equal(first.covariance, second.covariance)
    assert np.trace(first.covariance) == pytest.approx(np.trace(good.covariance), rel=0.1)
    design = SampledAsTrained.of(generator, train, train.x)
    assert design.simulate(first, seed=5).variance == pytest.approx(design.target.variance, rel=0.25)


def test_utterances_that_are_all_alike_leave_it_as_it_is(surface: Experiment):
    train, directory = surface.pairs("train"), surface.root / "ridge_gaussian"
    generator = load_generator(directory)
    within = WithinSpeaker.load(directory, generator.inner.dim)
    alike = np.ones_like(train.x)
    assert match_cosines(within, generator, train, alike, seed=0) == (within, None)


def test_what_has_no_components_keeps_what_was_fitted(rivals, experiment: Experiment):
    generator = load_generator(rivals["flow"])
    train = experiment.pairs("train")
    assert SampledAsTrained.of(generator, train, train.x) is None
