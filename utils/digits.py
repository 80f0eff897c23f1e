"""Many whole numbers as text at once: keys and offsets of a million lines, without a Python object for each."""

import numpy as np


def digits_of(numbers: np.ndarray, width: int) -> np.ndarray:
    """The decimal digits (n, width) uint8, in ASCII, of numbers (n) from 0 to 10**width - 1, with zeros in front."""
    found, rest = np.empty((len(numbers), width), np.uint8), numbers
    for column in range(width - 1, -1, -1):
        tens = rest // 10
        found[:, column] = rest - 10 * tens
        rest = tens
    found += ord("0")
    return found
