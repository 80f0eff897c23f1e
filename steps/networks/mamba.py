"""Mamba-1, Mamba-2 and both directions: sequences (B, L, D) -> (B, L, D), each frame from itself and those before.

A. Gu & T. Dao, "Mamba: linear-time sequence modeling with selective state spaces", 2023, and "Transformers are SSMs",
2024. Parameters have the names and the start of mamba_ssm, so that checkpoints can be read. Padding may stand at the
end or at the start of an item: it is neither heard nor answered, whatever it holds. A sequence can be given whole, in
blocks (`extend`) or frame by frame (`step`), with the same outputs.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from steps.networks.scan import scan_whole, selective_scan
from steps.networks.ssd import CHUNK, chunked_scan

DT_LEAST, DT_MOST, DT_FLOOR = 1e-3, 1e-1, 1e-4  # steps at the start of training
A_MOST = 16.0  # -A of the heads of Mamba-2 at the start of training: 1 to this


class MixerState(NamedTuple):
    """What a mixer remembers of the frames so far: the inputs of its convolution (B, d_conv - 1, channels), and the
    state of its scan."""

    conv: Tensor
    scan: Tensor


class Mamba1(nn.Module):
    """The block of Mamba-1.

    Args:
        d_model: D. d_state: states of a channel. d_conv: taps of the convolution over time. expand: channels inside,
            in multiples of D. dt_rank: of the projection that gives the steps; "auto" is D / 16, rounded up.
    """

    def __init__(self, d_model: int, d_state: int = 16, d_conv: int = 4, expand: int = 2, dt_rank: int | str = "auto"):
        super().__init__()
        d_inner, self.d_state = expand * d_model, d_state
        self.dt_rank = math.ceil(d_model / 16) if dt_rank == "auto" else int(dt_rank)
        self.in_proj = nn.Linear(d_model, 2 * d_inner, bias=False)
        self.conv1d = nn.Conv1d(d_inner, d_inner, d_conv, groups=d_inner)
        self.x_proj = nn.Linear(d_inner, self.dt_rank + 2 * d_state, bias=False)
        self.dt_proj = nn.Linear(self.dt_rank, d_inner)
        self.A_log = nn.Parameter(torch.arange(1, d_state + 1.0).log().repeat(d_inner, 1))
        self.D = nn.Parameter(torch.ones(d_inner))
        self.out_proj = nn.Linear(d_inner, d_model, bias=False)
        nn.init.uniform_(self.dt_proj.weight, -(self.dt_rank**-0.5), self.dt_rank**-0.5)
        self.dt_proj.bias.data = first_dt_bias(d_inner)
        exempt_from_decay(self.A_log, self.D, self.dt_proj.bias)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mix whole sequences x (B, L, D); mask (B, L): true where a frame is no padding."""
        gate, _, *scanned = self._project(x, None, mask)
        return without_padding(self._answer(scan_whole(*scanned), scanned[0], gate), mask)

    def step(self, x: Tensor, state: MixerState | None = None) -> tuple[Tensor, MixerState]:
        """The output (B, D) of the next frame x (B, D), and what is remembered after it."""
        y, state = self.extend(x[:, None], state)
        return y[:, 0], state

    def extend(self, x: Tensor, state: MixerState | None = None) -> tuple[Tensor, MixerState]:
        """The outputs (B, L, D) of the next frames x (B, L, D), and what is remembered after them."""
        gate, conv, *scanned = self._project(x, state, None)
        y, scan = selective_scan(*scanned, state and state.scan)
        return self._answer(y, scanned[0], gate), MixerState(conv, scan)

    def _project(self, x: Tensor, state: MixerState | None, mask: Tensor | None) -> tuple[Tensor, ...]:
        """The gate, the last inputs of the convolution, and what is scanned: inputs, steps, A, B and C."""
        inner, gate = self.in_proj(without_padding(x, mask)).chunk(2, dim=-1)  # (B, L, D expand)
        inner, conv = causal_conv(self.conv1d, inner, state and state.conv)
        low, b, c = self.x_proj(inner).split([self.dt_rank, self.d_state, self.d_state], dim=-1)
        dt = steps_of(F.linear(low, self.dt_proj.weight), self.dt_proj.bias, mask)
        return gate, conv, inner, dt, -self.A_log.exp(), b, c

    def _answer(self, y: Tensor, inner: Tensor, gate: Tensor) -> Tensor:
        return self.out_proj((y.addcmul(inner, self.D) * F.silu(gate)).to(inner.dtype))


class Mamba2(nn.Module):
    """The block of Mamba-2.

    Args:
        d_model: D. d_state: states of a channel. d_conv: taps of the convolution over time. expand: channels inside,
            in multiples of D. head_dim: channels that share their steps. chunk: frames whose products are one matrix.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 64,
        d_conv: int = 4,
        expand: int = 2,
        head_dim: int = 64,
        chunk: int = CHUNK,
    ):
        super().__init__()
        d_inner = expand * d_model
        if d_inner % head_dim:
            raise ValueError(f"head_dim {head_dim} does not divide expand * d_model = {d_inner}")
        heads, width = d_inner // head_dim, d_inner + 2 * d_state
        self.sizes, self.head_dim, self.chunk = [d_inner, width, heads], head_dim, chunk
        self.inner_sizes = [d_inner, d_state, d_state]
        self.in_proj = nn.Linear(d_model, sum(self.sizes), bias=False)
        self.conv1d = nn.Conv1d(width, width, d_conv, groups=width)
        self.dt_bias = nn.Parameter(first_dt_bias(heads))
        self.A_log = nn.Parameter(torch.empty(heads).uniform_(1, A_MOST).log())
        self.D = nn.Parameter(torch.ones(heads))
        self.norm = nn.RMSNorm(d_inner, eps=1e-5)
        self.out_proj = nn.Linear(d_inner, d_model, bias=False)
        exempt_from_decay(self.A_log, self.D, self.dt_bias, self.norm.weight)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mix whole sequences x (B, L, D); mask (B, L): true where a frame is no padding."""
        return without_padding(self._mix(x, None, mask)[0], mask)

    def step(self, x: Tensor, state: MixerState | None = None) -> tuple[Tensor, MixerState]:
        """The output (B, D) of the next frame x (B, D), and what is remembered after it."""
        y, state = self.extend(x[:, None], state)
        return y[:, 0], state

    def extend(self, x: Tensor, state: MixerState | None = None) -> tuple[Tensor, MixerState]:
        """The outputs (B, L, D) of the next frames x (B, L, D), and what is remembered after them."""
        return self._mix(x, state, None)

    def _mix(self, x: Tensor, state: MixerState | None, mask: Tensor | None) -> tuple[Tensor, MixerState]:
        gate, inner, dt = self.in_proj(without_padding(x, mask)).split(self.sizes, dim=-1)
        inner, conv = causal_conv(self.conv1d, inner, state and state.conv)
        inner, b, c = inner.split(self.inner_sizes, dim=-1)
        heads = inner.unflatten(-1, (-1, self.head_dim))  # (B, L, H, P)
        dt = steps_of(dt, self.dt_bias, mask)
        y, scan = chunked_scan(heads, dt, -self.A_log.exp(), b, c, state and state.scan, self.chunk)
        y = y.addcmul(heads, self.D[:, None]).flatten(2)
        y = self.norm(y * F.silu(gate)).to(inner.dtype)
        return self.out_proj(y), MixerState(conv, scan)


class Bidirectional(nn.Module):
    """The sum of two mixers, of which the second hears each item from its end."""

    def __init__(self, mixer_forward: nn.Module, mixer_backward: nn.Module):
        super().__init__()
        self.mixer_forward, self.mixer_backward = mixer_forward, mixer_backward

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mix whole sequences x (B, L, D); mask (B, L): true where a frame is no padding."""
        turned = self.mixer_backward(x.flip(1), None if mask is None else mask.flip(1))
        return self.mixer_forward(x, mask) + turned.flip(1)


def first_dt_bias(n: int) -> Tensor:
    """Biases (n,) whose softplus is spread evenly on a logarithmic scale, the steps at the start of training."""
    low, high = math.log(DT_LEAST), math.log(DT_MOST)
    dt = torch.empty(n).uniform_(low, high).exp().clamp(min=DT_FLOOR)
    return dt + torch.log(-torch.expm1(-dt))


def exempt_from_decay(*parameters: nn.Parameter) -> None:
    """Mark parameters that no weight decay may shrink, as mamba_ssm does."""
    for parameter in parameters:
        parameter._no_weight_decay = True


def without_padding(x: Tensor, mask: Tensor | None) -> Tensor:
    """x (B, L, D) with zeros where mask (B, L) is false, whatever stood there."""
    return x if mask is None else x.masked_fill(~mask[..., None], 0)


def causal_conv(conv: nn.Conv1d, x: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
    """SiLU of the convolution of x (B, L, C) over time, whose last tap is the frame itself.

    Returns:
        (B, L, C), and the last inputs (B, taps - 1, C), which the next block needs as `before`; zeros if None.
    """
    if not x.shape[1]:
        raise ValueError("a sequence needs a frame or more")
    kept = conv.kernel_size[0] - 1
    before = x.new_zeros(len(x), kept, x.shape[2]) if before is None else before.to(x.dtype)
    x = torch.cat((before, x), dim=1)
    return F.silu(conv(x.transpose(1, 2)).transpose(1, 2)), x[:, x.shape[1] - kept :]


def steps_of(dt: Tensor, bias: Tensor, mask: Tensor | None) -> Tensor:
    """Steps of the scan (B, L, n), in float32 or wider: softplus(dt + bias), and 0 at padding, which keeps states."""
    wide = torch.promote_types(dt.dtype, torch.float32)
    return without_padding(F.softplus(dt.to(wide) + bias.to(wide)), mask)
