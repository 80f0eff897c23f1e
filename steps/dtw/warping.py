"""Dynamic time warping of many pairs at once.

The cheapest path from the first frames of both to the last ones, by steps of one frame in either or in both, a step in
both counting twice, divided by the frames of both (H. Sakoe, S. Chiba, "Dynamic programming algorithm optimization
for spoken word recognition", IEEE Transactions on ASSP 26, 1978, symmetric form without slope constraint, equations
18, 19). All cells of an anti-diagonal are found at once, of all pairs: those of a diagonal lie at one distance from
each other, each with the pairs side by side.
"""

from collections.abc import Sequence

import numpy as np

FAR = np.inf
LEAST_MATCH = 1e-10  # of an inner product of posteriors
ROUNDING = 1e-9  # frames by which a band is wider


def cosine_distances(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """1 - cosine (B, T, U) of frames of unit length (B, T, D) and (B, U, D)."""
    return 1 - one @ two.swapaxes(1, 2)


def posterior_distances(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """-log of the inner product (B, T, U) of posteriors (B, T, C) and (B, U, C), at most 23.

    The inner product is the probability that both frames are of one class (T. Hazen, W. Shen, C. White,
    "Query-by-example spoken term detection using phonetic posteriorgram templates", ASRU 2009, equation 1).
    """
    return -np.log(np.clip(one @ two.swapaxes(1, 2), LEAST_MATCH, 1))


def warp(distances: np.ndarray, lengths: np.ndarray, band: float = 1.0) -> np.ndarray:
    """Costs (B,) of the cheapest paths, each divided by the frames of both.

    Args:
        distances: (B, T, U), none negative; beyond `lengths` anything.
        lengths: (B, 2) frames of both, at least 1.
        band: a path stays so near to the straight line from corner to corner: a share of the second's frames. 1 allows
            all paths; where the band is too narrow for any path the cost is infinite.
    """
    n_batch, n_rows, n_columns = distances.shape
    cells = np.ascontiguousarray(distances.reshape(n_batch, -1).T)  # (T U, B): cell (i, j) of all pairs at i U + j
    before, last, now = (np.full((n_rows + 1, n_batch), FAR, distances.dtype) for _ in "ijk")  # (i + 1, pair)
    before[0] = 0  # the path begins with a step in both
    ends = np.argsort(lengths.sum(axis=1), kind="stable")
    last_diagonals = lengths.sum(axis=1)[ends] - 2
    limits = _Band(lengths, band, int(last_diagonals[-1])) if band < 1 else None
    costs, n_ended = np.empty(n_batch, distances.dtype), 0
    for diagonal in range(int(last_diagonals[-1]) + 1):
        low, high = max(0, diagonal - n_columns + 1), min(n_rows - 1, diagonal)  # rows of its cells, both inclusive
        if limits is not None:
            low, high = max(low, limits.lowest[diagonal]), min(high, limits.highest[diagonal])
            now.fill(FAR)
        if low <= high:
            first, step = diagonal + low * (n_columns - 1), max(n_columns - 1, 1)
            own = cells[first : first + (high - low) * step + 1 : step]
            target = now[low + 1 : high + 2]
            np.add(before[low : high + 1], own, out=target)
            np.minimum(target, last[low : high + 1], out=target)
            np.minimum(target, last[low + 1 : high + 2], out=target)
            target += own
            if limits is not None:
                limits.close(target, diagonal, low, high)
        while n_ended < n_batch and last_diagonals[n_ended] == diagonal:
            pair = ends[n_ended]
            costs[pair] = now[lengths[pair, 0], pair]
            n_ended += 1
        if diagonal == 0:
            before[0] = FAR
        before, last, now = last, now, before
    return costs / lengths.sum(axis=1)


class _Band:
    """The rows of each anti-diagonal in the band: |j - i slope| <= width, where i + j is the number of the diagonal.

    Attributes:
        low, high: (K, B) first and last row of each pair. lowest, highest: (K,) of all pairs.
    """

    def __init__(self, lengths: np.ndarray, band: float, last: int):
        diagonals, width = np.arange(last + 1)[:, None], band * lengths[:, 1] + ROUNDING
        slope = (lengths[:, 1] - 1) / np.maximum(lengths[:, 0] - 1, 1)
        self.low = np.ceil((diagonals - width) / (1 + slope)).astype(int)
        self.high = np.floor((diagonals + width) / (1 + slope)).astype(int)
        self.lowest, self.highest = self.low.min(axis=1).tolist(), self.high.max(axis=1).tolist()
        self.inner_low, self.inner_high = self.low.max(axis=1).tolist(), self.high.min(axis=1).tolist()

    def close(self, costs: np.ndarray, diagonal: int, low: int, high: int) -> None:
        """Make costs (high - low + 1, B) infinite outside; between the innermost limits all rows are inside."""
        if self.inner_low[diagonal] > low:
            rows = np.arange(low, min(self.inner_low[diagonal], high + 1))
            costs[: len(rows)][rows[:, None] < self.low[diagonal]] = FAR
        if self.inner_high[diagonal] < high:
            rows = np.arange(max(self.inner_high[diagonal] + 1, low), high + 1)
            costs[-len(rows) :][rows[:, None] > self.high[diagonal]] = FAR


def pad(recordings: Sequence[np.ndarray]) -> np.ndarray:
    """Recordings (T_b, D) side by side: (B, T, D), with zeros at the ends."""
    longest = max(map(len, recordings))
    padded = np.zeros((len(recordings), longest, recordings[0].shape[1]), recordings[0].dtype)
    for row, recording in zip(padded, recordings, strict=True):
        row[: len(recording)] = recording
    return padded
