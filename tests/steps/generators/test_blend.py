"""Mixtures of mixtures: densities, samples and temperatures, in one frame and in several."""

import math

import numpy as np
import pytest

from steps.generators.blend import Blend, blend
from steps.generators.mixture import Frame, Mixture

SHARES = (0.5, 0.3, 0.2)


def make(seed: int, frame: Frame | None = None, dof: float = math.inf) -> Mixture:
    """A mixture of two components in three dimensions, in a frame of its own or a given one."""
    rng = np.random.default_rng(seed)
    frame = frame or Frame(rng.normal(size=3), rng.normal(size=(3, 3)))
    return Mixture(np.log([0.4, 0.6]), rng.normal(size=(2, 3)), rng.uniform(0.5, 1.5, size=(2, 3)), frame, dof)


@pytest.fixture(params=["one frame", "several frames", "several frames, Student-t"])
def parts(request: pytest.FixtureRequest) -> list[Mixture]:
    """Three mixtures."""
    frame = make(9).frame if request.param == "one frame" else None
    return [make(seed, frame, 9.0 if "Student" in request.param else math.inf) for seed in range(3)]


def test_the_density_is_the_sum_of_the_densities_by_their_shares(parts: list[Mixture]) -> None:
    made = blend(SHARES, parts)
    x = np.random.default_rng(1).normal(size=(20, 3)) * 3
    wanted = sum(share * np.exp(part.log_density(x)) for share, part in zip(SHARES, parts, strict=True))
    np.testing.assert_allclose(np.exp(made.log_density(x)), wanted, rtol=1e-9)
    assert isinstance(made, Mixture) == (parts[0].frame is parts[1].frame)
    np.testing.assert_allclose(np.exp(made.log_weights), np.outer(SHARES, [0.4, 0.6]).ravel())


def test_samples_come_from_their_components(parts: list[Mixture]) -> None:
    made = blend(SHARES, parts)
    x, components = made.sample(np.random.default_rng(2), 40_000)
    assert x.shape == (40_000, 3) and x.dtype == np.float32
    np.testing.assert_allclose(np.bincount(components) / 40_000, np.exp(made.log_weights), atol=0.01)
    means = made.original_space()["means"]
    for component, mean in enumerate(means):
        np.testing.assert_allclose(x[components == component].mean(axis=0), mean, atol=0.25)


def test_temperatures_act_on_all_components_at_once(parts: list[Mixture]) -> None:
    made = blend(SHARES, parts)
    hot = made.tempered(weights=2.0, spread=4.0)
    roots = np.exp(made.log_weights / 2)
    np.testing.assert_allclose(np.exp(hot.log_weights), roots / roots.sum())
    np.testing.assert_allclose(hot.original_space()["scales"], 2 * made.original_space()["scales"])


def test_equal_mixtures_are_taken_together() -> None:
    one, other = make(0), make(1)
    again = Mixture(one.log_weights, one.means.copy(), one.scales, Frame(one.frame.offset.copy(), one.frame.basis))
    assert blend([0.75, 0.25], [one, again]) is one
    made = blend([0.5, 0.25, 0.25], [one, other, again])
    np.testing.assert_allclose(np.exp(made.log_weights), [0.3, 0.45, 0.1, 0.15])


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="degrees of freedom"):
        Blend(np.log(np.full(4, 0.25)), [make(0), make(1, dof=5.0)])
    with pytest.raises(ValueError, match="for 3 weights"):
        Blend(np.log(np.full(3, 1 / 3)), [make(0), make(1)])
