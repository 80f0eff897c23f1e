"""One-pass statistics agree with those of the whole matrix, where float32 is hardest on them too."""

import numpy as np
import pytest

from steps.data.duplicates import Fingerprints, group_alike
from steps.data.statistics import Statistics, find_unusable, squared_norms


def summary(matrix: np.ndarray, chunk: int) -> dict:
    statistics = Statistics(matrix.shape[1])
    for start in range(0, len(matrix), chunk):
        part = matrix[start : start + chunk]
        statistics.add(part, squared_norms(part))
    return statistics.summary()


@pytest.mark.parametrize("chunk", [1, 7, 100, 1000])
def test_chunks_do_not_matter(chunk):
    matrix = np.random.default_rng(0).standard_normal((500, 4)).astype(np.float32) + np.float32(300)
    matrix[:, 2], matrix[::2, 3] = 5, 0
    found, exact = summary(matrix, chunk), matrix.astype(np.float64)
    np.testing.assert_allclose(found["mean"], exact.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found["std"], exact.std(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found["min"], exact.min(axis=0))
    np.testing.assert_array_equal(found["max"], exact.max(axis=0))
    assert found["constant_dims"] == [2]
    assert found["zero_fraction"] == [0, 0, 0, 0.5]


def test_unusable_rows():
    chunk = np.ones((4, 3), np.float32)
    assert find_unusable(chunk, squared_norms(chunk)) is None
    chunk[1], chunk[2, 0], chunk[3, 1] = 0, np.inf, np.nan
    assert find_unusable(chunk, squared_norms(chunk)) == (1, "is zero throughout")
    assert find_unusable(chunk[2:], squared_norms(chunk[2:])) == (0, "holds infinite values")
    assert find_unusable(chunk[3:], squared_norms(chunk[3:])) == (0, "holds NaN")
    for value in (1e30, 1e-30):
        chunk[0] = value
        assert "whose square float32 cannot hold" in find_unusable(chunk, squared_norms(chunk))[1]


@pytest.mark.parametrize("dim", [1, 2, 7, 8])
def test_fingerprints_find_all_that_are_equal(dim):
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((300, dim)).astype(np.float32)
    matrix[200], matrix[250], matrix[299] = matrix[3], matrix[3], matrix[100]
    fingerprints = Fingerprints(dim)
    fingerprints.add(matrix[:128])
    fingerprints.add(matrix[128:])
    assert group_alike(fingerprints.all()) == [[3, 200, 250], [100, 299]]


def test_nothing_alike():
    assert group_alike(np.arange(5, dtype=np.uint64)) == []
