"""Helpers for arrays of vectors."""

import numpy as np
import pytest

from utils.vectors import check_shape, log_sum_exp, unit_rows


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_unit_rows_keep_their_precision_and_zero_stays_zero(kind):
    unit = unit_rows(np.array([[3, 4], [0, 0], [-2, 0]], kind))
    assert unit.dtype == kind
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0, 0], [-1, 0]], rtol=1e-6)


def test_another_shape_is_an_error():
    check_shape("means", np.zeros((2, 3)), (2, 3))
    with pytest.raises(ValueError, match=r"means has the shape \(2, 3\), expected \(3, 2\)"):
        check_shape("means", np.zeros((2, 3)), (3, 2))


def test_logarithms_of_sums():
    logs = np.array([[0.0, np.log(3)], [-2000.0, -2001.0], [-np.inf, 5.0], [-np.inf, -np.inf]])
    np.testing.assert_allclose(log_sum_exp(logs.copy()), [np.log(4), -2000 + np.log1p(np.exp(-1)), 5, -np.inf])
