"""The scan of Mamba-2 in chunks: matrix products inside a chunk, states passed from chunk to chunk.

    h[t] = exp(dt[t] A) h[t-1] + dt[t] B[t] x[t]',   y[t] = h[t]' C[t]

for each head, whose channels share dt and A (T. Dao & A. Gu, "Transformers are SSMs: generalized models and efficient
algorithms through structured state space duality", 2024, section 6).
"""

import torch
from torch import Tensor

CHUNK = 64  # frames


def chunked_scan(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor | None = None, chunk: int = CHUNK
) -> tuple[Tensor, Tensor]:
    """Scan a batch of sequences.

    Args:
        x: (n, L, H, P) inputs of H heads with P channels. dt: (n, L, H) steps, 0 or more; where dt is 0, the state
            stays as it is. A: (H,), below 0. B, C: (n, L, N), shared by the heads.
        state: (n, H, N, P) before the first frame; zeros if None. chunk: frames whose products are one matrix.

    Returns:
        y (n, L, H, P), and the state (n, H, N, P) after the last frame.
    """
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    x, dt, A, B, C = (value.to(wide) for value in (x, dt, A, B, C))
    if state is None:
        state = x.new_zeros(len(x), x.shape[2], B.shape[2], x.shape[3])
    parts = []
    for first in range(0, x.shape[1], chunk):
        span = slice(first, first + chunk)
        y, state = _scan_chunk(x[:, span], dt[:, span], A, B[:, span], C[:, span], state)
        parts.append(y)
    return torch.cat(parts, dim=1), state


def _scan_chunk(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """The outputs of one chunk and the state after it."""
    frames = x.shape[1]
    sums = (dt * A).transpose(1, 2).double().cumsum(2)  # (n, H, Q): logarithm of the decay since the chunk began
    gaps = (sums[..., :, None] - sums[..., None, :]).to(x.dtype)
    later = torch.ones(frames, frames, dtype=torch.bool, device=x.device).triu(1)
    decay = gaps.masked_fill(later, -torch.inf).exp()  # (n, H, Q, Q): from frame j (column) to frame i (row)
    driven = (x * dt[..., None]).transpose(1, 2)  # (n, H, Q, P)
    since, until = sums.exp().to(x.dtype), (sums[..., -1:] - sums).exp().to(x.dtype)  # (n, H, Q)
    y = (C @ B.transpose(1, 2))[:, None] * decay @ driven + (C[:, None] * since[..., None]) @ state
    state = state * since[..., -1:, None] + (B[:, None] * until[..., None]).transpose(2, 3) @ driven
    return y.transpose(1, 2), state
