"""The network: shapes, its start, floors of scales."""

import math
from dataclasses import replace

import pytest
import torch

from steps.generators.mdn.network import MixtureDensityNetwork
from steps.generators.mdn.weights import NetworkSizes


def make(diagonal: bool = True, linear_path: bool = True, scale_floor: float = 0.0, hidden: int = 8) -> NetworkSizes:
    return NetworkSizes(
        text_dim=5, latent_dim=3, n_components=4, hidden=hidden, n_layers=2, diagonal=diagonal,
        linear_path=linear_path, scale_floor=scale_floor,
    )  # fmt: skip


@pytest.mark.parametrize("n_texts", [6, 1, 0])
@pytest.mark.parametrize("diagonal", [True, False])
def test_shapes_and_weights(diagonal, n_texts):
    torch.manual_seed(0)
    log_weights, means, log_scales = MixtureDensityNetwork(make(diagonal))(torch.randn(n_texts, 5))
    assert (log_weights.shape, means.shape) == ((n_texts, 4), (n_texts, 4, 3))
    assert log_scales.shape == (n_texts, 4, 3 if diagonal else 1)
    torch.testing.assert_close(log_weights.exp().sum(1), torch.ones(n_texts))


def test_a_quiet_start_gives_the_linear_map_and_the_bank_for_every_text():
    torch.manual_seed(0)
    network = MixtureDensityNetwork(make(diagonal=False))
    log_weights, scales, slopes = torch.randn(4).log_softmax(0), torch.rand(4) + 0.1, torch.randn(5, 3)
    network.start_from(log_weights, torch.zeros(4, 3), scales, slopes, quiet=True)
    texts = torch.randn(6, 5)
    found = network(texts)
    torch.testing.assert_close(found[0], log_weights.expand(6, 4))
    torch.testing.assert_close(found[1], (texts @ slopes)[:, None, :].expand(6, 4, 3))
    torch.testing.assert_close(found[2][..., 0].exp(), scales.expand(6, 4))


def test_scales_never_go_below_the_floor():
    network = MixtureDensityNetwork(make(linear_path=False, scale_floor=0.01))
    network.start_from(torch.zeros(4), torch.zeros(4, 3), torch.full((4, 3), 1e-20), None, quiet=True)
    assert network(torch.randn(2, 5))[2].exp().min().item() == pytest.approx(0.01)
    network.start_from(torch.zeros(4), torch.zeros(4, 3), torch.full((4, 3), 0.3), None, quiet=True)
    assert network(torch.randn(2, 5))[2].exp().max().item() == pytest.approx(math.hypot(0.3, 0.01))


@pytest.mark.parametrize(("dim", "square"), [(5, 384 / 5), (384, 1), (500, 1)])
def test_texts_enter_centred_and_scaled(dim: int, square: float):
    torch.manual_seed(0)
    texts = 3 + 0.01 * torch.randn(50, dim)
    network = MixtureDensityNetwork(replace(make(), text_dim=dim))
    network.normalise_texts(texts)
    inputs = (texts - network.text_mean) * network.text_scale
    torch.testing.assert_close(inputs.mean(0), torch.zeros(dim), atol=1e-3 * square**0.5, rtol=0)
    assert inputs.square().mean().item() == pytest.approx(square, rel=1e-3)
