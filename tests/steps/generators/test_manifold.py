"""What embeddings have in common is found, and samples get it exactly."""

import numpy as np
import pytest

from steps.generators.manifold import Manifold


@pytest.fixture
def z() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6)) + 0.5


def on_sphere(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("change", "rectified", "norm"),
    [
        (lambda x: on_sphere(np.maximum(x, 0)), True, 1),
        (lambda x: np.maximum(x, 0), True, 0),
        (lambda x: 20 * on_sphere(x), False, 20),
    ],
)
def test_the_surface_is_found_and_its_points_stay(z, change, rectified, norm):
    x = change(z).astype(np.float32)
    found = Manifold.find(x)
    assert (found.rectified, round(found.norm, 4)) == (rectified, norm) and found.alive.all()
    np.testing.assert_allclose(found.to_embedding(found.known(x)), x, atol=1e-5)
    np.testing.assert_allclose(found.to_embedding(z), x, atol=1e-5)  # which is what made them


@pytest.mark.parametrize("change", [lambda x: x, lambda x: x + 99, lambda x: x * (np.arange(6) != 2)])
def test_other_embeddings_have_none(z, change):
    assert Manifold.find(change(z).astype(np.float32)) is None


def test_dimensions_that_hardly_live_stay_zero_in_samples(z):
    x = np.maximum(z, 0).astype(np.float32)
    x[:, 1], x[:, 4] = 0, 0
    x[7, 4] = 0.3
    found = Manifold.find(x)
    assert found.alive.tolist() == [True, False, True, True, False, True]
    samples = found.to_embedding(np.random.default_rng(1).normal(size=(50, 4)))
    assert not samples[:, [1, 4]].any() and samples[:, 0].any() and samples.dtype == np.float32


def test_an_entry_that_all_share_is_no_dead_one(z):
    x = on_sphere(z).astype(np.float32)
    x[:, 2], x[:, 3] = 0.5, 0
    found = Manifold.find(on_sphere(np.concatenate([x[:, 2:4], np.sqrt(0.75) * on_sphere(x[:, [0, 1, 4, 5]])], axis=1)))
    assert found.norm and not found.rectified
    assert found.alive.tolist() == [True, False, True, True, True, True]


def test_a_vector_without_a_positive_entry_is_zero_not_nan(z):
    found = Manifold.find(on_sphere(np.maximum(z, 0)).astype(np.float32))
    assert not found.to_embedding(-np.ones((1, 6))).any()
