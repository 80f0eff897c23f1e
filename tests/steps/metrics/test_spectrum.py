"""Variances along given directions, their bootstrap band, and how many dimensions are filled."""

import numpy as np
import pytest

from steps.metrics.spectrum import effective_dimensions, spectrum


def test_ratios_are_those_of_the_variances():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(200, 12))
    found = spectrum(2 * real, real, rng)
    assert found.log_ratio == pytest.approx(np.log(4))
    assert found.shape == pytest.approx(0, abs=1e-9)
    assert found.outside == 1
    np.testing.assert_allclose(found.real, real.var(axis=0, ddof=1))


def test_the_band_is_that_of_a_variance_of_gaussians():
    rng = np.random.default_rng(1)
    found = spectrum(rng.normal(size=(400, 50)), rng.normal(size=(400, 50)), rng)
    widths = (found.high - found.low) / found.real  # a variance of n Gaussians deviates by sqrt(2 / n)
    assert widths.mean() == pytest.approx(2 * 1.96 * np.sqrt(2 / 400), rel=0.1)
    assert found.outside < 0.35  # both variances are estimates, the band is that of one


def test_dimensions_are_counted():
    rng = np.random.default_rng(2)
    assert effective_dimensions(rng.normal(size=(20000, 8))) == pytest.approx(8, rel=0.01)
    assert effective_dimensions(rng.normal(size=(5000, 8)) * [10, 10, 0, 0, 0, 0, 0, 0]) == pytest.approx(2, rel=0.01)
    assert effective_dimensions(rng.normal(size=(20, 1))) == pytest.approx(1)


def test_one_vector_fills_no_dimension():
    x = np.tile(np.random.default_rng(0).normal(size=8), (30, 1))
    assert effective_dimensions(x) == 0
    assert effective_dimensions(x + 1e-15 * np.random.default_rng(1).normal(size=x.shape)) == 0
