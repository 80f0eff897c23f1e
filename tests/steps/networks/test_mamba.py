"""Mamba: frame by frame as whole, padding that nobody hears, both directions, and the official sizes and start."""

import pytest
import torch

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
