"""The exact selective scan of Mamba-1 in plain torch, in the memory of its inputs.

    h[t] = exp(dt[t] A) h[t-1] + dt[t] x[t] B[t],   y[t] = C[t] . h[t]

for each channel and state (A. Gu & T. Dao, "Mamba: linear-time sequence modeling with selective state spaces", 2023,
algorithm 2). Forward keeps the states at the borders of segments only; backward computes the states of one segment
again, from its border. No sum of logarithms and no division: nothing overflows, whatever dt and A are.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

SEGMENT = 32  # frames between two kept states
BLOCK = 2**17  # numbers in the states of the samples that a CPU scans together: they stay in its cache


def selective_scan(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Scan a batch of sequences, in float32 or wider.

    Args:
        x: (n, L, D) inputs. dt: (n, L, D) steps, 0 or more; where dt is 0, the state stays as it is.
        A: (D, N), below 0. B, C: (n, L, N). state: (n, N, D) before the first frame; zeros if None.

    Returns:
        y (n, L, D), and the state (n, N, D) after the last frame.
    """
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    x, dt, A, B, C = (value.to(wide) for value in (x, dt, A, B, C))
    if state is None:
        state = x.new_zeros(len(x), A.shape[1], A.shape[0])
    with torch.autocast(x.device.type, enabled=False):
        return SelectiveScan.apply(x, dt, A.T.contiguous(), B, C, state)


def scan_whole(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """The outputs of `selective_scan` alone: by the kernel of mamba_ssm on a GPU, if that is installed."""
    kernel = _installed_kernel() if x.is_cuda and x.dtype != torch.float64 else None
    return kernel_scan(kernel, x, dt, A, B, C) if kernel else selective_scan(x, dt, A, B, C)[0]


@cache
def _installed_kernel() -> Callable[..., Tensor] | None:
    try:
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
    except ImportError:
        return None
    return selective_scan_fn


def kernel_scan(kernel: Callable[..., Tensor], x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """The outputs (n, L, D) of a kernel that takes x and dt as (n, D, L), and B and C as (n, N, L), in float32."""
    x, dt, B, C = (value.float().transpose(1, 2).contiguous() for value in (x, dt, B, C))
    return kernel(x, dt, A.float().contiguous(), B, C).transpose(1, 2)


class SelectiveScan(torch.autograd.Function):
    """The scan and its gradient; A comes as (N, D), so that channels, the longest axis, lie side by side."""

    @staticmethod
    def forward(ctx, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        spans = _segments(x.shape[1])
        y, borders, last = x.new_empty(x.shape), x.new_empty(len(spans), *state.shape), state.clone()
        for rows in _blocks(state):
            now, decay = last[rows], torch.empty_like(last[rows])
            for border, span in zip(borders, spans, strict=True):
                border[rows] = now
                driven = dt[rows, span] * x[rows, span]
                for i, t in enumerate(range(span.start, span.stop)):
                    torch.mul(dt[rows, t, None], A, out=decay).exp_()
                    now.mul_(decay).addcmul_(B[rows, t, :, None], driven[:, i, None])
                    torch.bmm(C[rows, t, None], now, out=y[rows, t, None])
        ctx.save_for_backward(x, dt, A, B, C, borders)
        return y, last

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y: Tensor, grad_last: Tensor):
        x, dt, A, B, C, borders = ctx.saved_tensors
        grad_x, grad_dt, grad_A = torch.empty_like(x), torch.empty_like(dt), torch.zeros_like(A)
        grad_B, grad_C, grad_state = torch.empty_like(B), torch.empty_like(C), grad_last.clone()
        spans = _segments(x.shape[1])
        for rows in _blocks(grad_state):
            states = x.new_empty(SEGMENT + 1, *grad_state[rows].shape)
            for number in reversed(range(len(spans))):
                at = rows, spans[number]
                states[0] = borders[number, rows]
                inputs = x[at], dt[at], A, B[at], C[at]
                parts = _segment_gradients(inputs, states, grad_y[at], grad_state[rows])
                grad_x[at], grad_dt[at], part_A, grad_B[at], grad_C[at] = parts
                grad_A += part_A
        return grad_x, grad_dt, grad_A, grad_B, grad_C, grad_state


def _segment_gradients(
    inputs: tuple[Tensor, ...], states: Tensor, grad_y: Tensor, grad_state: Tensor
) -> tuple[Tensor, ...]:
    """Gradients of a segment's x, dt, A, B and C.

    Args:
        inputs: x, dt, A, B and C of the segment. states: room for the states (n, N, D) before its frames and after the
            last; the first is there. grad_y: (n, frames, D).
        grad_state: (n, N, D), of the state after the segment; becomes that before it.
    """
    x, dt, A, B, C = inputs
    length, driven, grad_driven, grad_dt = x.shape[1], dt * x, torch.empty_like(x), torch.empty_like(dt)
    grad_A, grad_B, grad_C = torch.zeros_like(A), torch.empty_like(B), torch.empty_like(C)
    decay = torch.empty_like(grad_state)
    for t in range(length):
        torch.mul(dt[:, t, None], A, out=decay).exp_()
        torch.mul(states[t], decay, out=states[t + 1]).addcmul_(B[:, t, :, None], driven[:, t, None])
    for t in reversed(range(length)):
        grad_state.addcmul_(C[:, t, :, None], grad_y[:, t, None])
        torch.bmm(states[t + 1], grad_y[:, t, :, None], out=grad_C[:, t, :, None])
        torch.bmm(B[:, t, None], grad_state, out=grad_driven[:, t, None])
        torch.bmm(grad_state, driven[:, t, :, None], out=grad_B[:, t, :, None])
        grad_state *= torch.mul(dt[:, t, None], A, out=decay).exp_()
        by_log = torch.mul(states[t], grad_state, out=decay)  # (n, N, D): gradient of dt A
        torch.sum(torch.mul(by_log, A, out=states[t + 1]), 1, out=grad_dt[:, t])
        grad_A += by_log.mul_(dt[:, t, None]).sum(0)
    return grad_driven * dt, grad_dt.addcmul_(grad_driven, x), grad_A, grad_B, grad_C


def _segments(length: int) -> list[slice]:
    return [slice(first, min(first + SEGMENT, length)) for first in range(0, length, SEGMENT)]


def _blocks(state: Tensor) -> list[slice]:
    """The samples of states (n, N, D) that are scanned together: on a GPU all, which then has much to do."""
    size = max(1, len(state) if state.is_cuda else BLOCK // state.shape[1:].numel())
    return [slice(first, first + size) for first in range(0, len(state), size)]
