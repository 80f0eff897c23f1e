"""The recurrence of Mamba as its definition says it, frame by frame in float64, and hostile inputs for the scans."""

import torch
from torch import Tensor

LENGTHS = (1, 63, 64, 65, 801)


def recur(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """The outputs (n, L, D) of h[t] = exp(dt[t] A) h[t-1] + dt[t] x[t] B[t] and y[t] = C[t] . h[t]."""
    state, outputs = 0, []
    for x_t, dt_t, B_t, C_t in zip(*(value.unbind(1) for value in (x, dt, B, C)), strict=True):
        state = torch.exp(dt_t[..., None] * A) * state + (dt_t * x_t)[..., None] * B_t[:, None]
        outputs.append((state * C_t[:, None]).sum(-1))
    return torch.stack(outputs, 1)


def draw(n: int, length: int, channels: int, states: int, seed: int = 0) -> dict[str, Tensor]:
    """x, dt, B, C and a gradient of y, float64 that float32 holds: dt from 1e-4 to 5, evenly on a logarithmic scale."""
    random = torch.Generator().manual_seed(seed)
    shapes = {"x": channels, "B": states, "C": states, "grad_y": channels}
    drawn = {name: torch.randn(n, length, width, generator=random).double() for name, width in shapes.items()}
    spread = torch.rand(n, length, channels, generator=random).double()
    return drawn | {"dt": (1e-4 * 5e4**spread).float().double()}


def decays(*shape: int) -> Tensor:
    """A of this shape, from -0.1 to -64 on a logarithmic scale, the last and first number included."""
    count = torch.Size(shape).numel()
    return -(0.1 * 640 ** torch.linspace(0, 1, count, dtype=torch.float64)).float().double().reshape(shape)


def outputs_and_gradients(scan, values: dict[str, Tensor], grad_y: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
    """What a scan returns for `values` in this precision, and the gradient of each of them, all in float64."""
    leaves = {name: value.to(dtype).requires_grad_() for name, value in values.items()}
    y = scan(**leaves)
    grads = torch.autograd.grad(y, list(leaves.values()), grad_y.to(dtype).reshape(y.shape))
    return {"y": y.detach().double()} | {name: grad.double() for name, grad in zip(leaves, grads, strict=True)}


def errors(found: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, float]:
    """The relative error of each tensor; that of zeros is how far what was found is from them."""
    gaps = {name: (found[name].reshape(value.shape) - value).norm() for name, value in expected.items()}
    return {name: float(gap / (expected[name].norm() or 1)) for name, gap in gaps.items()}


def too_wrong(found: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, float]:
    """The errors beyond 1e-5 of outputs and 1e-3 of gradients, and those that are no numbers."""
    limits = {name: 1e-5 if name == "y" else 1e-3 for name in expected}
    return {name: error for name, error in errors(found, expected).items() if not error < limits[name]}
