"""The scan of Mamba-2 in chunks: matrix products inside a chunk, states passed from chunk to chunk.

    h[t] = exp(dt[t] A) h[t-1] + dt[t] B[t] x[t]',   y[t] = h[t]' C[t]

for each head, whose channels share dt and A (T. Dao & A. Gu, "Transformers are SSMs: generalized models and efficient
algorithms through structured state space duality", 2024, section 6). Decays are exponentials of differences of sums
within a chunk, 0 or less: nothing overflows, nothing is divided. Forward keeps the states at the borders of chunks
only; backward computes the rest again.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 64  # frames
LEAST_LOG = -87.0  # below, exponentials are no normal numbers of float32, and products with them are slow


def chunked_scan(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor | None = None, chunk: int = CHUNK
) -> tuple[Tensor, Tensor]:
    """Scan a batch of sequences, in float32 or wider.

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
    with torch.autocast(x.device.type, enabled=False):
        return ChunkedScan.apply(x, dt, A, B, C, state, chunk)


class ChunkedScan(torch.autograd.Function):
    """The scan and its gradient, chunk by chunk."""

    @staticmethod
    def forward(ctx, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor, chunk: int):
        y, borders = x.new_empty(x.shape), []
        for span in _spans(x.shape[1], chunk):
            borders.append(state)
            w = _weigh(x[:, span], dt[:, span], A, B[:, span], C[:, span])
            y[:, span] = (w.mixing @ w.driven).add_(w.reads @ state).transpose(1, 2)
            state = torch.addcmul(w.writes.transpose(2, 3) @ w.driven, state, w.kept)
        ctx.save_for_backward(x, dt, A, B, C, *borders)
        ctx.chunk = chunk
        return y, state

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y: Tensor, grad_state: Tensor):
        x, dt, A, B, C, *borders = ctx.saved_tensors
        grad_x, grad_dt, grad_A = torch.empty_like(x), torch.empty_like(dt), torch.zeros_like(A)
        grad_B, grad_C = torch.empty_like(B), torch.empty_like(C)
        with torch.autocast(x.device.type, enabled=False):
            for span in reversed(_spans(x.shape[1], ctx.chunk)):
                inputs = x[:, span], dt[:, span], A, B[:, span], C[:, span]
                w = _weigh(*inputs)
                above = grad_y[:, span].transpose(1, 2).contiguous()
                parts = _chunk_gradients(inputs, w, borders.pop(), above, grad_state)
                grad_x[:, span], grad_dt[:, span], part_A, grad_B[:, span], grad_C[:, span] = parts
                grad_A += part_A
                grad_state = torch.addcmul(w.reads.transpose(2, 3) @ above, grad_state, w.kept)
        return grad_x, grad_dt, grad_A, grad_B, grad_C, grad_state, None


class Weights(NamedTuple):
    """What a chunk of Q frames multiplies; y = mixing driven + reads h, and then h = kept h + writes' driven.

    Attributes:
        driven: (n, H, Q, P), dt x. scores: (n, 1, Q, Q), C[i] . B[j] for j up to i. decay: (n, H, Q, Q), from frame j
            to frame i. mixing: their product.
        since: (n, H, Q, 1), the decay from the chunk's start to each frame. until: from each frame to the last one.
        reads: (n, H, Q, N), C since. writes: B until. kept: (n, H, 1, 1), the decay of the whole chunk.
    """

    driven: Tensor
    scores: Tensor
    decay: Tensor
    mixing: Tensor
    since: Tensor
    until: Tensor
    reads: Tensor
    writes: Tensor
    kept: Tensor


def _weigh(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Weights:
    """Compute the weights of a chunk. Sums are float64: near frames may follow a long decay."""
    steps = dt.transpose(1, 2)  # (n, H, Q)
    driven = torch.mul(x.transpose(1, 2), steps[..., None], out=x.new_empty(len(x), *x.shape[2:0:-1], x.shape[3]))
    sums = (steps.double() * A.double()[:, None]).cumsum(2)
    decay = (sums[..., :, None] - sums[..., None, :]).to(x.dtype).clamp_(LEAST_LOG, 0).exp_()
    scores = (C @ B.transpose(1, 2)).tril_()[:, None]
    since = sums.exp().to(x.dtype)[..., None]
    until = (sums[..., -1:] - sums).exp().to(x.dtype)[..., None]
    return Weights(
        driven, scores, decay, decay * scores, since, until, C[:, None] * since, B[:, None] * until, since[:, :, -1:]
    )


def _chunk_gradients(
    inputs: tuple[Tensor, ...], w: Weights, state: Tensor, grad_y: Tensor, grad_state: Tensor
) -> tuple[Tensor, ...]:
    """Gradients of a chunk's x, dt, A, B and C.

    Args:
        inputs: x, dt, A, B and C of the chunk. state: (n, H, N, P) before it. grad_y: (n, H, Q, P).
        grad_state: (n, H, N, P), of the state after it.
    """
    x, dt, A, B, C = inputs
    grad_driven = (w.mixing.transpose(2, 3) @ grad_y).add_(w.writes @ grad_state).transpose(1, 2)  # (n, Q, H, P)
    grad_writes, grad_reads = w.driven @ grad_state.transpose(2, 3), grad_y @ state.transpose(2, 3)  # (n, H, Q, N)
    grad_mixing = (grad_y @ w.driven.transpose(2, 3)).mul_(w.decay)
    grad_scores = grad_mixing.sum(1).tril_()
    pairs = grad_mixing.mul_(w.scores.tril(-1)).double()  # of the logarithm of the decay from frame j to frame i
    written = (grad_writes * w.writes).sum(3).double()  # (n, H, Q): of that to the last frame
    # float64, so that what frames past a long decay have in both sums cancels
    grad_sums = pairs.sum(3) - pairs.sum(2) + (grad_reads * w.reads).sum(3) - written
    grad_sums[..., -1] += written.sum(2) + (grad_state * state).sum((2, 3)) * w.kept[..., 0, 0]
    grad_logs = grad_sums.flip(2).cumsum(2).flip(2).transpose(1, 2)  # (n, Q, H): of dt A
    grad_dt = (grad_driven * x).sum(3) + grad_logs * A
    grad_A = (grad_logs * dt).sum((0, 1))
    grad_B = grad_writes.mul_(w.until).sum(1) + grad_scores.transpose(1, 2) @ C
    grad_C = grad_reads.mul_(w.since).sum(1) + grad_scores @ B
    return grad_driven * dt[..., None], grad_dt, grad_A, grad_B, grad_C


def _spans(length: int, chunk: int) -> list[slice]:
    return [slice(first, min(first + chunk, length)) for first in range(0, length, chunk)]
