"""The exact scan: float64's outputs and gradients at any step and decay, in the memory of its inputs."""

import pytest
import torch
from torch.nn import functional as F

from steps.networks import scan
from steps.networks.scan import kernel_scan, selective_scan
from tests.steps.networks.recurrence import LENGTHS, decays, draw, outputs_and_gradients, recur, too_wrong


def whole(x, dt, A, B, C):
    return selective_scan(x, dt, A, B, C)[0]


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("length", LENGTHS)
def test_outputs_and_gradients_are_those_of_float64(length, backward):
    values = draw(2, length, channels=3, states=4)
    values = {name: value.flip(1) for name, value in values.items()} if backward else values
    grad_y = values.pop("grad_y")
    values["A"] = decays(3, 4)
    expected = outputs_and_gradients(recur, values, grad_y, torch.float64)
    assert too_wrong(outputs_and_gradients(whole, values, grad_y, torch.float32), expected) == {}


def test_gradients_of_states_too_and_in_blocks(monkeypatch):
    monkeypatch.setattr(scan, "SEGMENT", 3)
    monkeypatch.setattr(scan, "BLOCK", 12)  # of two samples
    torch.manual_seed(0)
    shapes = [(3, 7, 2), (3, 7, 2), (2, 3), (3, 7, 3), (3, 7, 3), (3, 3, 2)]
    values = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]

    def with_states(x, dt, A, B, C, state):
        return selective_scan(x, F.softplus(dt), -A.exp(), B, C, state)

    assert torch.autograd.gradcheck(with_states, values, fast_mode=True)


@pytest.mark.parametrize("dt", [0.0, 1e-30, 1e4], ids=["none", "tiny", "huge"])
def test_no_step_gives_nan(dt):
    values = draw(1, 70, channels=2, states=2)
    grad_y = values.pop("grad_y")
    values |= {"A": decays(2, 2), "dt": torch.full((1, 70, 2), dt)}
    found = outputs_and_gradients(whole, values, grad_y, torch.float32)
    assert all(value.isfinite().all() for value in found.values())
    assert dt or not found["y"].any()


def test_only_inputs_and_borders_are_kept():
    n, length, channels, states = 2, 320, 16, 8
    values = {name: value.float() for name, value in draw(n, length, channels, states).items() if name != "grad_y"}
    values |= {"A": decays(channels, states).float()}
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda value: kept.append(value.numel()) or value, lambda value: value
    ):
        whole(**{name: value.requires_grad_() for name, value in values.items()})
    inputs = sum(value.numel() for value in values.values())
    assert 0 < sum(kept) <= inputs + n * channels * states * length // scan.SEGMENT


def as_documented(u, delta, A, B, C):
    """The formula of mamba_ssm in its layout: u and delta (n, D, L), B and C (n, N, L)."""
    x, dt, b, c = (value.transpose(1, 2) for value in (u, delta, B, C))
    return recur(x, dt, A, b, c).transpose(1, 2)


def test_the_kernel_is_given_its_own_layout():
    values = {name: value.float() for name, value in draw(2, 9, channels=3, states=4).items() if name != "grad_y"}
    values["A"] = decays(3, 4).float()
    torch.testing.assert_close(kernel_scan(as_documented, **values), whole(**values))


def test_the_kernel_of_mamba_ssm_agrees():
    interface = pytest.importorskip("mamba_ssm.ops.selective_scan_interface", reason="mamba_ssm is not installed")
    if not torch.cuda.is_available():
        pytest.skip("the kernel of mamba_ssm needs a GPU")
    values = {name: value.float().cuda() for name, value in draw(2, 300, channels=64, states=16).items()}
    grad_y = values.pop("grad_y")
    values["A"] = decays(64, 16).float().cuda()

    def kernel(x, dt, A, B, C):
        return kernel_scan(interface.selective_scan_fn, x, dt, A, B, C)

    found = outputs_and_gradients(kernel, values, grad_y, torch.float32)
    expected = outputs_and_gradients(whole, values, grad_y, torch.float32)
    for name, value in expected.items():
        assert float((found[name] - value).norm() / value.norm()) < 1e-3, name
