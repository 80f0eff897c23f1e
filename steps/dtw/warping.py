"""Dynamic time warping of many pairs at once.

The cheapest path from the first frames of both to the last ones, by steps of one frame in either or in both, a step in
both counting twice, divided by the frames of both (H. Sakoe, S. Chiba, "Dynamic programming algorithm optimization
for spoken word recognition", IEEE Transactions on ASSP 26, 1978, symmetric form without slope constraint, equations
18, 19). All cells of an anti-diagonal are found at once, of all pairs.
"""

from collections.abc import Sequence

import torch

FAR = float("inf")


def cosine_distances(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """1 - cosine (B, T, U) of all frames (B, T, D) and (B, U, D)."""
    return 1 - torch.nn.functional.normalize(one, dim=-1) @ torch.nn.functional.normalize(two, dim=-1).mT


def posterior_distances(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """-log of the inner product (B, T, U) of posteriors (B, T, C) and (B, U, C): of the same class by chance or not."""
    return -(one @ two.mT).clamp(min=1e-10).log()


def warp(distances: torch.Tensor, lengths: torch.Tensor, band: float = 1.0) -> torch.Tensor:
    """Costs (B,) of the cheapest paths, each divided by the frames of both.

    Args:
        distances: (B, T, U), none negative; beyond `lengths` anything.
        lengths: (B, 2) frames of both.
        band: a path stays so near to the straight line from corner to corner: a share of the second's frames. 1 allows
            all paths; where the band is too narrow for any path the cost is infinite.
    """
    n_batch, n_rows, n_columns = distances.shape
    distances = distances.masked_fill(~_inside(lengths, n_rows, n_columns, band), FAR)
    skewed = _skew(distances)  # (B, T + U - 1, T): anti-diagonal k has cells (i, k - i)
    before, last = (
        torch.full((n_batch, n_rows + 1), FAR, dtype=distances.dtype, device=distances.device) for _ in "ab"
    )
    last[:, 1:] = skewed[:, 0]
    last[:, 1] *= 2  # the first pair is a step in both
    costs = [last]
    for diagonal in range(1, n_rows + n_columns - 1):
        own = skewed[:, diagonal]
        now = torch.full_like(last, FAR)
        straight = torch.minimum(last[:, 1:], last[:, :-1]) + own
        now[:, 1:] = torch.minimum(straight, before[:, :-1] + 2 * own)
        before, last = last, now
        costs.append(now)
    ends = torch.stack(costs, dim=1)[torch.arange(n_batch), lengths.sum(dim=1) - 2, lengths[:, 0]]
    return ends / lengths.sum(dim=1)


def _inside(lengths: torch.Tensor, n_rows: int, n_columns: int, band: float) -> torch.Tensor:
    """(B, T, U): is the cell of both recordings, and in the band?"""
    rows = torch.arange(n_rows, device=lengths.device)[None, :, None]
    columns = torch.arange(n_columns, device=lengths.device)[None, None, :]
    n_first, n_second = lengths[:, 0, None, None], lengths[:, 1, None, None]
    line = rows * (n_second - 1) / (n_first - 1).clamp(min=1)
    near = (columns - line).abs() <= band * n_second
    return (rows < n_first) & (columns < n_second) & near


def _skew(cells: torch.Tensor) -> torch.Tensor:
    """(B, T, U) -> (B, T + U - 1, T): cell (i, j) at [i + j, i], and infinity elsewhere."""
    n_batch, n_rows, n_columns = cells.shape
    n_diagonals = n_rows + n_columns - 1
    wide = torch.full((n_batch, n_rows, n_diagonals + 1), FAR, dtype=cells.dtype, device=cells.device)
    wide[:, :, :n_columns] = cells
    shifted = wide.flatten(1)[:, : n_rows * n_diagonals].view(n_batch, n_rows, n_diagonals)
    return shifted.mT


def pad(recordings: Sequence[torch.Tensor]) -> torch.Tensor:
    """Recordings (T_b, D) side by side: (B, T, D), with zeros at the ends."""
    return torch.nn.utils.rnn.pad_sequence(list(recordings), batch_first=True)
