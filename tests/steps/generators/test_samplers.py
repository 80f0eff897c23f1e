"""Samplers that are no mixtures, joined by shares."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from steps.generators.blend import blend
from steps.generators.samplers import Sampler, SamplerBlend
from utils.errors import InputError


@dataclass(frozen=True)
class Box(Sampler):
    """Uniform on [place, place + 1) in one dimension."""

    place: float

    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        return (self.place + rng.random((n, 1))).astype(np.float32), np.zeros(n, dtype=np.int64)

    def tempered(self, weights: float = 1.0, spread: float = 1.0) -> "Box":
        return self

    def moved(self, shift: np.ndarray) -> "Box":
        return replace(self, place=self.place + float(shift[0]))

    def log_density(self, x: np.ndarray) -> np.ndarray:
        return np.where((self.place <= x[:, 0]) & (x[:, 0] < self.place + 1), 0.0, -np.inf)


def test_samples_and_densities_follow_the_shares():
    made = blend([0.5, 0.3, 0.2], [Box(0), Box(10), Box(20)])
    assert isinstance(made, SamplerBlend)
    x, parts = made.sample(np.random.default_rng(0), 20_000)
    assert x.dtype == np.float32 and (parts == x[:, 0] // 10).all()
    np.testing.assert_allclose(np.bincount(parts) / 20_000, [0.5, 0.3, 0.2], atol=0.02)
    np.testing.assert_allclose(np.exp(made.log_density(np.array([[0.5], [10.5], [20.5], [5]]))), [0.5, 0.3, 0.2, 0])
    np.testing.assert_allclose(np.exp(made.tempered(0.5).log_weights), np.array([25, 9, 4]) / 38)
    assert {part.place for part in made.moved(np.array([1.0])).parts} == {1, 11, 21}
    with pytest.raises(InputError, match="weight temperature 0"):
        made.tempered(0)


def test_equal_samplers_are_taken_together():
    one, other = Box(0), Box(10)
    assert blend([0.6, 0.4], [one, one]) is one
    np.testing.assert_allclose(np.exp(blend([0.2, 0.5, 0.3], [one, other, one]).log_weights), [0.5, 0.5])


def test_no_sample_of_a_part_is_no_matter():
    made = blend([0.999999, 0.000001], [Box(0), Box(10)])
    assert made.sample(np.random.default_rng(0), 1)[0].shape == (1, 1)
    assert made.sample(np.random.default_rng(0), 0)[0].shape == (0, 1)
