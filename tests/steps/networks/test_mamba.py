"""Mamba: frame by frame as whole, padding that nobody hears, both directions, and the official sizes and start."""

import pytest
import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from steps.networks.mamba import Bidirectional, Mamba1, Mamba2, MixerState

MIXERS = {
    "mamba1": lambda: Mamba1(32, d_state=8),
    "mamba2": lambda: Mamba2(32, d_state=8, head_dim=16, chunk=16),
}


@pytest.fixture(params=MIXERS)
def mixer(request):
    torch.manual_seed(0)
    return MIXERS[request.param]()


def test_frame_by_frame_equals_whole(mixer):
    x, state, outputs = torch.randn(2, 70, 32), None, []
    for frame in x.unbind(1):
        y, state = mixer.step(frame, state)
        outputs.append(y)
    torch.testing.assert_close(torch.stack(outputs, 1), mixer(x))


def test_blocks_of_any_size_equal_whole(mixer):
    x, state, outputs = torch.randn(2, 70, 32), None, []
    for block in x.split([1, 2, 40, 3, 24], dim=1):
        y, state = mixer.extend(block, state)
        outputs.append(y)
    assert isinstance(state, MixerState)
    torch.testing.assert_close(torch.cat(outputs, 1), mixer(x))


@pytest.mark.parametrize("both", [False, True], ids=["forward", "both directions"])
@pytest.mark.parametrize("side", ["start", "end"])
def test_padding_is_neither_heard_nor_answered(mixer, side, both):
    mixer = Bidirectional(mixer, mixer) if both else mixer
    x, mask = torch.randn(3, 40, 32), torch.ones(3, 40, dtype=torch.bool)
    mask[1, 23:], mask[2, 1:] = False, False
    mask = mask.flip(1) if side == "start" else mask
    x[~mask] = torch.nan
    x.requires_grad_()
    y = mixer(x, mask)
    for item in range(3):
        torch.testing.assert_close(y[item, mask[item]], mixer(x[item, mask[item]][None])[0])
    assert not y[~mask].any()
    y.sum().backward()
    assert not x.grad[~mask].any() and all(value.grad.isfinite().all() for value in mixer.parameters())


def test_both_directions_hear_the_end_at_the_start(mixer):
    x = torch.randn(1, 20, 32)
    changed = x.clone()
    changed[:, -1] += 1
    assert (mixer(x) == mixer(changed))[:, :-1].all()
    both = Bidirectional(mixer, mixer)
    assert not (both(x) == both(changed))[:, 0].all()


def test_mamba_1_has_the_sizes_names_and_start_of_mamba_ssm():
    mixer = Mamba1(512, d_state=32, dt_rank=32)
    assert sum(value.numel() for value in mixer.parameters()) == 1_743_872
    layers = ("in_proj", "conv1d", "x_proj", "dt_proj", "out_proj")
    assert {name.split(".")[0] for name, _ in mixer.named_parameters()} == {*layers, "A_log", "D"}
    torch.testing.assert_close(mixer.A_log.exp(), torch.arange(1, 33.0).expand(1024, -1))
    assert_first_steps(mixer.dt_proj.bias)
    assert mixer.dt_proj.weight.abs().max() <= 32**-0.5 and (mixer.D == 1).all()
    assert Mamba1(100).dt_rank == 7


def test_mamba_2_has_the_names_and_start_of_mamba_ssm():
    mixer = Mamba2(512, d_state=32, head_dim=4)
    layers = ("in_proj.weight", "conv1d.weight", "conv1d.bias", "norm.weight", "out_proj.weight")
    shapes = {name: tuple(value.shape) for name, value in mixer.named_parameters()}
    assert set(shapes) == {*layers, "dt_bias", "A_log", "D"}
    assert shapes["in_proj.weight"] == (2 * 1024 + 2 * 32 + 256, 512) and shapes["conv1d.weight"] == (1088, 1, 4)
    assert_first_steps(mixer.dt_bias)
    rates = mixer.A_log.exp()
    assert rates.min() >= 1 and rates.max() <= 16 and rates.max() > 4 * rates.min()


def assert_first_steps(bias):
    dt = F.softplus(bias)
    assert 0.00099 < dt.min() < 0.002 < 0.05 < dt.max() < 0.101


def test_weights_give_what_they_give_in_transformers():
    """Whose code is of others, after mamba_ssm's."""
    from transformers import Mamba2Config, MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    one = MambaConfig(hidden_size=32, state_size=8, intermediate_size=64, conv_kernel=4, time_step_rank=2)
    two = Mamba2Config(hidden_size=32, state_size=8, head_dim=16, num_heads=4, n_groups=1, conv_kernel=4, chunk_size=16)
    x = torch.randn(2, 50, 32)
    for name, theirs in {"mamba1": MambaMixer(one, layer_idx=0), "mamba2": Mamba2Mixer(two, layer_idx=0)}.items():
        ours = MIXERS[name]()
        theirs.load_state_dict(ours.state_dict())
        torch.testing.assert_close(ours(x), theirs(x))


def test_no_weight_decay_on_decays_steps_and_skips(mixer):
    marked = {name for name, value in mixer.named_parameters() if getattr(value, "_no_weight_decay", False)}
    assert {"A_log", "D"} < marked and marked & {"dt_bias", "dt_proj.bias"} and "in_proj.weight" not in marked


def test_bfloat16_is_near_float32_and_the_scan_stays_wide(mixer):
    x = torch.randn(2, 100, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = mixer(x)
        y.float().sum().backward()
    assert y.dtype == torch.bfloat16
    expected = mixer(x)
    assert (y - expected).norm() < 0.02 * expected.norm()
    assert mixer.A_log.grad.dtype == torch.float32 and mixer.A_log.grad.isfinite().all()


def test_double_precision_stays_double(mixer):
    x = torch.randn(1, 30, 32)
    y = mixer.double()(x.double())
    assert y.dtype == torch.float64
    torch.testing.assert_close(mixer.float()(x), y.float())


def test_layers_can_be_computed_again(mixer):
    x, mask = torch.randn(2, 70, 32), torch.ones(2, 70, dtype=torch.bool)
    mask[1, 9:] = False
    mixer(x, mask).square().sum().backward()
    expected = {name: value.grad.clone() for name, value in mixer.named_parameters()}
    mixer.zero_grad()
    checkpoint(mixer, x, mask, use_reentrant=False).square().sum().backward()
    assert all((value.grad == expected[name]).all() for name, value in mixer.named_parameters())


def test_inference_and_empty_batches(mixer):
    with torch.inference_mode():
        assert torch.isfinite(mixer(torch.randn(1, 1, 32))).all()
        assert mixer(torch.zeros(0, 5, 32), torch.zeros(0, 5, dtype=torch.bool)).shape == (0, 5, 32)
    with pytest.raises(ValueError, match="a frame or more"):
        mixer(torch.zeros(2, 0, 32))


def test_heads_must_fit():
    with pytest.raises(ValueError, match="head_dim 48 does not divide expand . d_model = 64"):
        Mamba2(32, head_dim=48)
