"""The scan in chunks: float64's outputs and gradients at any step, decay and chunk, equal to the exact scan."""

import pytest
import torch
from torch.nn import functional as F

from steps.networks.scan import selective_scan
from steps.networks.ssd import chunked_scan
from tests.steps.networks.recurrence import LENGTHS, decays, draw, outputs_and_gradients, recur, too_wrong

HEAD = 3  # channels of a head


def drawn(length, heads, states=4):
    """Inputs of a scan over heads, and a gradient of its outputs."""
    values = draw(2, length, heads * HEAD, states)
    values |= {"x": values["x"].unflatten(2, (heads, HEAD)), "dt": values["dt"][..., :heads], "A": decays(heads)}
    return values, values.pop("grad_y")


def whole(x, dt, A, B, C):
    return chunked_scan(x, dt, A, B, C)[0]


def recur_heads(x, dt, A, B, C):
    """The same by definition: all channels of a head have its dt and its A."""
    wide = A.repeat_interleave(HEAD)[:, None].expand(-1, B.shape[2])
    return recur(x.flatten(2), dt.repeat_interleave(HEAD, 2), wide, B, C)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("length", LENGTHS)
def test_outputs_and_gradients_are_those_of_float64(length, backward):
    values, grad_y = drawn(length, heads=4)
    if backward:
        values |= {name: values[name].flip(1) for name in ("x", "dt", "B", "C")}
    expected = outputs_and_gradients(recur_heads, values, grad_y, torch.float64)
    assert too_wrong(outputs_and_gradients(whole, values, grad_y, torch.float32), expected) == {}


@pytest.mark.parametrize("a", [-0.1, -8.0, -64.0])
@pytest.mark.parametrize("seldom", [0.5, 0.1])
def test_frames_past_a_long_decay_leave_no_noise_in_gradients(a, seldom):
    values, grad_y = drawn(129, heads=1)
    random = torch.Generator().manual_seed(0)
    rare = torch.rand(2, 129, 1, generator=random) < seldom
    values |= {"A": torch.tensor([a]).double(), "dt": torch.where(rare, 5.0, 1e-4).float().double()}
    expected = outputs_and_gradients(recur_heads, values, grad_y, torch.float64)
    assert too_wrong(outputs_and_gradients(whole, values, grad_y, torch.float32), expected) == {}


@pytest.mark.parametrize("dt", [0.0, 1e-30, 1e4], ids=["none", "tiny", "huge"])
def test_no_step_gives_nan(dt):
    values, grad_y = drawn(70, heads=2)
    found = outputs_and_gradients(whole, values | {"dt": torch.full((2, 70, 2), dt)}, grad_y, torch.float32)
    assert all(value.isfinite().all() for value in found.values())
    assert dt or not found["y"].any()


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_gradients_of_states_too_and_any_chunk(chunk):
    torch.manual_seed(0)
    shapes = [(2, 7, 2, 3), (2, 7, 2), (2,), (2, 7, 2), (2, 7, 2), (2, 2, 2, 3)]
    values = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]

    def with_states(x, dt, A, B, C, state):
        return chunked_scan(x, F.softplus(dt), -A.exp(), B, C, state, chunk)

    assert torch.autograd.gradcheck(with_states, values, fast_mode=True)


def test_it_is_the_exact_scan_where_channels_share_steps():
    values, _ = drawn(100, heads=2)
    y, state = chunked_scan(**values, chunk=16)
    wide = values["A"].repeat_interleave(HEAD)[:, None].expand(-1, 4)
    steps = values["dt"].repeat_interleave(HEAD, 2)
    exact, last = selective_scan(values["x"].flatten(2), steps, wide, values["B"], values["C"])
    torch.testing.assert_close(y.flatten(2), exact)
    torch.testing.assert_close(state.transpose(1, 2).flatten(2), last)


def test_only_inputs_and_borders_are_kept():
    values, _ = drawn(320, heads=4)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda value: kept.append(value.numel()) or value, lambda value: value
    ):
        chunked_scan(**{name: value.requires_grad_() for name, value in values.items()}, chunk=32)
    inputs = sum(value.numel() for value in values.values())
    assert 0 < sum(kept) <= inputs + 2 * 4 * HEAD * 4 * 320 // 32
