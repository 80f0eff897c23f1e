"""The nearest speaker is that of all products, whatever the subspace, the blocks and the speakers."""

import numpy as np
import pytest

from steps.generators import nearest_speakers
from steps.generators.nearest_speakers import DIRECTIONS, NearestSpeakers


def make_vectors(n: int, dim: int, decay: float, seed: int = 0) -> np.ndarray:
    """Vectors (n, dim) float32 whose directions weigh less and less."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((n, dim)) * np.arange(1, dim + 1) ** -decay).astype(np.float32)


def by_all_products(x: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, means = x.astype(np.float64), means.astype(np.float64)
    lengths = np.maximum(np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(means, axis=1), 1e-99)
    distances = 1 - np.einsum("nd,sd->ns", x, means) / lengths
    return distances.argmin(axis=1), distances.min(axis=1)


@pytest.mark.parametrize("n_speakers", [1, 7, 300])
@pytest.mark.parametrize("decay", [0.0, 0.8, 3.0])
@pytest.mark.parametrize("speakers", [8192, 64])
def test_the_nearest_is_that_of_all_products(monkeypatch, n_speakers, decay, speakers):
    monkeypatch.setattr(nearest_speakers, "WORTH", 1)
    monkeypatch.setattr(nearest_speakers, "SPEAKERS", speakers)
    monkeypatch.setattr(nearest_speakers, "DIRECTIONS", (2, 8, 16))
    means, x = make_vectors(n_speakers, 40, decay), make_vectors(700, 40, decay / 2, seed=1)
    find = NearestSpeakers(means)
    nearest, distance = find(x)
    wanted, away = by_all_products(x, means)
    np.testing.assert_array_equal(nearest, wanted)
    np.testing.assert_allclose(distance, away, atol=1e-14)
    assert [part.tobytes() for part in find(x[250:310])] == [nearest[250:310].tobytes(), distance[250:310].tobytes()]


def test_a_subspace_is_chosen_where_it_saves_products_and_changes_nothing(monkeypatch):
    monkeypatch.setattr(nearest_speakers, "WORTH", 4_000_000)
    means, x = make_vectors(2200, 256, 0.7), make_vectors(2000, 256, 0.7, seed=1)
    find, plain = NearestSpeakers(means), NearestSpeakers(means)
    with_subspace, (nearest, distance) = find(x), plain(x[:1000])  # too few to seek directions
    assert find._subspace.size in DIRECTIONS and plain._subspace is None
    assert with_subspace[0][:1000].tolist() == nearest.tolist() and (with_subspace[1][:1000] == distance).all()
    flat = NearestSpeakers(make_vectors(2200, 256, 0.0))
    flat(make_vectors(2000, 256, 0.0, seed=1))
    assert flat._subspace is None  # no direction counts less than another: all products cost less


def test_of_equally_near_speakers_the_first_counts(monkeypatch):
    monkeypatch.setattr(nearest_speakers, "SPEAKERS", 5)
    means = np.tile(make_vectors(6, 8, 0.5), (3, 1))  # 6 to 11 and 12 to 17 are 0 to 5 again
    means[3] = means[9] = 0
    x = np.concatenate([make_vectors(50, 8, 0.5, seed=2), np.zeros((2, 8), np.float32), means[4:5]])
    nearest, distance = NearestSpeakers(means)(x)
    assert set(nearest) <= {0, 1, 2, 3, 4, 5, 15}
    assert nearest[-3:].tolist() == [0, 0, 4] and distance[-3:].tolist() == pytest.approx([1, 1, 0], abs=1e-15)


@pytest.mark.parametrize("exponents", [(-30, -30), (15, 15), (-30, 15), (-6, 6)])
def test_lengths_do_not_count(monkeypatch, exponents):
    monkeypatch.setattr(nearest_speakers, "WORTH", 1)
    monkeypatch.setattr(nearest_speakers, "DIRECTIONS", (2, 8, 16))
    rng = np.random.default_rng(5)
    means, x = (
        make_vectors(n, 40, 0.8, seed=n) * (10.0 ** rng.integers(*np.add(exponents, (0, 1)), (n, 1))).astype(np.float32)
        for n in (300, 700)
    )
    nearest, distance = NearestSpeakers(means)(x)
    wanted, away = by_all_products(x, means)
    np.testing.assert_array_equal(nearest, wanted)
    np.testing.assert_allclose(distance, away, atol=1e-14)


@pytest.mark.parametrize("spread", [0, 1e-6])
def test_speakers_that_are_one_or_nearly_so(monkeypatch, spread):
    monkeypatch.setattr(nearest_speakers, "WORTH", 1)
    monkeypatch.setattr(nearest_speakers, "DIRECTIONS", (2, 8, 16))
    one = make_vectors(1, 40, 0.5)
    means, x = (one + spread * make_vectors(n, 40, 0, seed=n) for n in (200, 700))
    nearest, distance = NearestSpeakers(means)(x)
    wanted, away = by_all_products(x, means)
    np.testing.assert_allclose(distance, away, atol=1e-14)
    if spread:
        np.testing.assert_array_equal(nearest, wanted)
    else:
        assert (nearest == 0).all()
