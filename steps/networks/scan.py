"""The exact selective scan of Mamba-1 in plain torch, in the memory of its inputs.

    h[t] = exp(dt[t] A) h[t-1] + dt[t] x[t] B[t],   y[t] = C[t] . h[t]

for each channel and state (A. Gu & T. Dao, "Mamba: linear-time sequence modeling with selective state spaces", 2023,
algorithm 2). Forward keeps the states at the borders of segments only; backward computes the states of one segment
again, from its border. No sum of logarithms and no division: nothing overflows, whatever dt and A are.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

SEGMENT = 32  # frames between two kept states


def selective_scan(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Scan a batch of sequences.

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
    return SelectiveScan.apply(x, dt, A.T.contiguous(), B, C, state)


class SelectiveScan(torch.autograd.Function):
    """The scan and its gradient; A comes as (N, D), so that channels, the longest axis, lie side by side."""

    @staticmethod
    def forward(ctx, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        y, borders, state = x.new_empty(x.shape), [], state.clone()
        decay = torch.empty_like(state)
        driven = dt * x
        for t in range(x.shape[1]):
            if t % SEGMENT == 0:
                borders.append(state.clone())
            _advance(state, decay, dt[:, t], A, B[:, t], driven[:, t])
            torch.bmm(C[:, t, None], state, out=y[:, t, None])
        ctx.save_for_backward(x, dt, A, B, C, *borders)
        return y, state

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y: Tensor, grad_state: Tensor):
        x, dt, A, B, C, *borders = ctx.saved_tensors
        grad_driven, grad_dt = torch.empty_like(x), torch.empty_like(x)
        grad_A, grad_B, grad_C = torch.zeros_like(A), torch.empty_like(B), torch.empty_like(C)
        length, driven = x.shape[1], dt * x
        grad = grad_state.clone()
        states = x.new_empty(SEGMENT + 1, *grad.shape)
        decays = x.new_empty(SEGMENT, *grad.shape)
        for first in reversed(range(0, length, SEGMENT)):
            frames = range(first, min(first + SEGMENT, length))
            states[0] = borders.pop()
            for i, t in enumerate(frames):
                states[i + 1] = states[i]
                _advance(states[i + 1], decays[i], dt[:, t], A, B[:, t], driven[:, t])
            for i, t in reversed(list(enumerate(frames))):
                grad.addcmul_(C[:, t, :, None], grad_y[:, t, None])
                torch.bmm(states[i + 1], grad_y[:, t, :, None], out=grad_C[:, t, :, None])
                torch.bmm(B[:, t, None], grad, out=grad_driven[:, t, None])
                torch.bmm(grad, driven[:, t, :, None], out=grad_B[:, t, :, None])
                grad *= decays[i]
                by_exponent = torch.mul(states[i], grad, out=decays[i])  # (n, N, D): gradient of dt A
                grad_dt[:, t] = (by_exponent * A).sum(1)
                grad_A += (by_exponent * dt[:, t, None]).sum(0)
        return grad_driven * dt, grad_dt.addcmul_(grad_driven, x), grad_A, grad_B, grad_C, grad


def _advance(state: Tensor, decay: Tensor, dt: Tensor, A: Tensor, B: Tensor, driven: Tensor) -> None:
    """Bring a state (n, N, D) to the next frame, in place; `decay` of the same shape receives exp(dt A)."""
    torch.mul(dt[:, None], A, out=decay).exp_()
    state.mul_(decay).addcmul_(B[:, :, None], driven[:, None])
