"""Weights that are stored as directions and lengths become plain, in both spellings."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from steps.networks.weight_norm import SPELLINGS, remove_weight_norms, with_plain_weights


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_weights_are_those_of_the_layer(dim, spelling):
    layer = weight_norm(nn.Conv1d(3, 4, 5), dim=dim)
    with torch.no_grad():
        layer.parametrizations.weight.original0 *= 1.7
    stored = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    tensors = {f"a.{name}": tensor for name, tensor in zip(spelling, stored, strict=True)}
    plain = with_plain_weights(tensors | {"a.bias": layer.bias, "b.weight": torch.ones(2)})
    assert plain.keys() == {"a.weight", "a.bias", "b.weight"}
    assert torch.allclose(plain["a.weight"], layer.weight)


def test_one_without_the_other_stays():
    for spelling in SPELLINGS:
        for name in spelling:
            assert with_plain_weights({f"a.{name}": torch.ones(2, 1)}).keys() == {f"a.{name}"}
    wrong = {"a.weight_g": torch.ones(3, 1), "a.weight_v": torch.ones(2, 2)}
    assert with_plain_weights(wrong).keys() == wrong.keys()


def test_no_tensor_hides_another_one():
    """A layer that has a weight and its parts, or its parts twice, keeps them: strict loading names them."""
    for length, direction in SPELLINGS:
        both = {"a.weight": torch.ones(2, 2), f"a.{length}": torch.ones(2, 1), f"a.{direction}": torch.ones(2, 2)}
        assert with_plain_weights(both).keys() == both.keys()
    twice = {f"a.{name}": torch.ones(2, 2) for spelling in SPELLINGS for name in spelling}
    assert with_plain_weights(twice).keys() == {"a.weight", *(f"a.{name}" for name in SPELLINGS[1])}


def test_networks_lose_their_norms_and_nothing_else():
    network = nn.Sequential(weight_norm(nn.Linear(3, 4)), nn.Linear(4, 2))
    x = torch.randn(5, 3)
    before = network(x)
    remove_weight_norms(network)
    assert torch.allclose(network(x), before) and "0.weight" in network.state_dict()
