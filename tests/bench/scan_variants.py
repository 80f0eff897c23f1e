"""The scans that are compared, their inputs, and the memory of one of them in a process of its own (a command).

    python3 -m tests.bench.scan_variants mamba2 8 800 1024 32     prints bytes

They take x and dt (n, L, D), A (D, N), B and C (n, L, N) and return y (n, L, D). The chunked scan of Mamba-2 takes dt
(n, L, H) and A (H,) of heads instead, those of the first channel and state of each: that is all that differs.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from mambapy.pscan import pscan
from torch import Tensor

from steps.networks.scan import selective_scan
from steps.networks.ssd import chunked_scan

HEAD = 64  # channels of a head of Mamba-2
SMALLEST_DECAY = 1e-12  # added to the divisor of the cumsum formula
STATUS, PEAK_RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux; see proc(5)


class Shape(NamedTuple):
    """Samples, frames, channels (d_inner) and states of a channel (d_state)."""

    n: int
    frames: int
    channels: int
    states: int

    @property
    def full(self) -> int:
        """Bytes of one float32 for each frame, channel and state."""
        return 4 * self.n * self.frames * self.channels * self.states


def draw(name: str, shape: Shape) -> dict[str, Tensor]:
    """Inputs of a variant as at the start of training, which want gradients: dt from 1e-3 to 1e-1, the official A."""
    n, frames, channels, states = shape
    random = torch.Generator().manual_seed(0)
    x, B, C = (torch.randn(n, frames, width, generator=random) for width in (channels, states, states))
    dt = 1e-3 * 100 ** torch.rand(n, frames, channels, generator=random)
    A = -torch.arange(1, states + 1.0).repeat(channels, 1)
    values = {"x": x, "dt": dt, "A": A, "B": B, "C": C}
    values = of_heads(values) if name == "mamba2" else values
    return {name: value.requires_grad_() for name, value in values.items()}


def of_heads(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Inputs with the dt and A of heads only, each those of its first channel and state."""
    width = min(HEAD, values["x"].shape[2])
    return values | {"dt": values["dt"][..., ::width].clone(), "A": values["A"][::width, 0].clone()}


def of_channels(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> dict[str, Tensor]:
    """The same with a dt and A for each channel and state."""
    width = x.shape[2] // len(A)
    wide = A.repeat_interleave(width)[:, None].expand(-1, B.shape[2])
    return {"x": x, "dt": dt.repeat_interleave(width, 2), "A": wide, "B": B, "C": C}


def cumsum(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """The formula that divides by the decay since the start."""
    decay = torch.exp(torch.cumsum(dt[..., None] * A, 1))
    state = decay * torch.cumsum((dt * x)[..., None] * B[:, :, None] / (decay + SMALLEST_DECAY), 1)
    return (state @ C[..., None]).squeeze(-1)


def mambapy(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """The parallel scan of mambapy, called as its Mamba calls it."""
    state = pscan(torch.exp(dt[..., None] * A), (dt * x)[..., None] * B[:, :, None])
    return (state @ C[..., None]).squeeze(-1)


def loop(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """A loop over frames, all of whose work is done within it, where it stays in the cache."""
    state, outputs = x.new_zeros(len(x), *A.shape), []
    for x_t, dt_t, B_t, C_t in zip(*(value.unbind(1) for value in (x, dt, B, C)), strict=True):
        state = torch.exp(dt_t[..., None] * A) * state + (dt_t * x_t)[..., None] * B_t[:, None]
        outputs.append((state @ C_t[..., None]).squeeze(-1))
    return torch.stack(outputs, 1)


def mamba1(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Ours, exact."""
    return selective_scan(x, dt, A, B, C)[0]


def mamba2(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Ours, in chunks."""
    return chunked_scan(x.unflatten(2, (len(A), -1)), dt, A, B, C)[0].flatten(2)


VARIANTS: dict[str, Callable[..., Tensor]] = {
    "cumsum": cumsum, "mambapy": mambapy, "loop": loop, "mamba1": mamba1, "mamba2": mamba2
}  # fmt: skip


def forward_and_backward(name: str, values: dict[str, Tensor], grad_y: Tensor) -> None:
    """Run a variant once; gradients are left in `values`."""
    for value in values.values():
        value.grad = None
    VARIANTS[name](**values).backward(grad_y)


def extra_memory(name: str, shape: Shape) -> int:
    """Bytes at the peak of forward and backward beyond the inputs and the gradient of y, in a process of its own."""
    words = [sys.executable, "-m", "tests.bench.scan_variants", name, *map(str, shape)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def measure_here(name: str, shape: Shape) -> int:
    """The peak of this process's resident memory less what was resident before, after a small run."""
    tiny = shape._replace(n=1, frames=2)
    forward_and_backward(name, draw(name, tiny), torch.ones(1, 2, shape.channels))
    values, grad_y = draw(name, shape), torch.ones(shape.n, shape.frames, shape.channels)
    PEAK_RESET.write_text("5", encoding="utf-8")
    before = resident("VmRSS")
    forward_and_backward(name, values, grad_y)
    return resident("VmHWM") - before


def resident(line: str) -> int:
    """Bytes of resident memory of this process: VmRSS now, VmHWM at its peak since that was reset."""
    lines = dict(one.split(":", 1) for one in STATUS.read_text(encoding="utf-8").splitlines())
    return int(lines[line].split()[0]) * 1024


if __name__ == "__main__":
    print(measure_here(sys.argv[1], Shape(*map(int, sys.argv[2:]))))
