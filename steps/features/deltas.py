"""Derivatives of features in time, as Kaldi's add-deltas appends them (feature-functions.cc, DeltaFeatures).

Input: features (T, D). Output: features (T, (order + 1) D): the features, their first differences, second, and so on.

A difference is the slope of a line through the frames within `window` of each: the sum of j x[t + j] over the sum of
j^2. A second difference is one of the first; beyond its ends an utterance goes on as its first and last frame.
"""

import numpy as np


def add_deltas(features: np.ndarray, order: int, window: int) -> np.ndarray:
    """Features (T, D) float32 with their differences up to an order, (T, (order + 1) D) float32."""
    if not len(features):
        return np.empty((0, (order + 1) * features.shape[1]), np.float32)
    parts = [features]
    for taps in delta_taps(order, window)[1:]:
        half = len(taps) // 2
        padded = np.pad(features, ((half, half), (0, 0)), mode="edge")
        parts.append(sum(tap * padded[first : first + len(features)] for first, tap in enumerate(taps) if tap))
    return np.concatenate(parts, axis=1)


def delta_taps(order: int, window: int) -> list[np.ndarray]:
    """The factors (2 i window + 1,) float32 of the frames around one, for differences of each order i from 0 on."""
    slope = np.arange(-window, window + 1) / (2 * np.square(np.arange(window + 1)).sum())
    taps = [np.ones(1)]
    for _ in range(order):
        taps.append(np.convolve(taps[-1], slope))
    return [one.astype(np.float32) for one in taps]
