"""Digits of many numbers at once are those of Python's formats."""

import numpy as np
import pytest

from utils.digits import digits_of


@pytest.mark.parametrize(
    "numbers", [range(0, 1), range(0, 0), range(995, 1005), range(9_999_990, 10_000_000), range(7, 10**12, 10**11 + 3)]
)
def test_digits_are_those_of_a_format(numbers):
    width = max((len(str(number)) for number in numbers), default=1) + 1
    found = digits_of(np.array(numbers, np.int64), width)
    assert found.dtype == np.uint8 and found.shape == (len(numbers), width)
    assert found.tobytes().decode() == "".join(f"{number:0{width}d}" for number in numbers)
