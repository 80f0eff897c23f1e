"""Weights without torch give what the network gives, and are refused where they are of other sizes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from steps.generators.mdn.network import MixtureDensityNetwork
from steps.generators.mdn.weights import NetworkSizes, NetworkWeights
from utils.errors import InputError

SIZES = NetworkSizes(
    text_dim=5, latent_dim=3, n_components=4, hidden=8, n_layers=2, diagonal=True, linear_path=True, scale_floor=0.5,
)  # fmt: skip
OTHERS = {
    "one scale": {"diagonal": False, "scale_floor": 0.0},
    "no linear path": {"linear_path": False},
    "no layers": {"n_layers": 0},
}


@pytest.mark.parametrize("change", [{}, *OTHERS.values()], ids=["all", *OTHERS])
def test_they_give_what_the_network_gives(change):
    torch.manual_seed(0)
    network = MixtureDensityNetwork(replace(SIZES, **change))
    texts = torch.randn(6, 5)
    network.normalise_texts(texts)
    with torch.inference_mode():
        wanted = [value.numpy() for value in network(texts)]
    weights = network.weights()
    for row, text in enumerate(texts.numpy()):
        found = weights(text)
        for own, value in zip(found, (part[row] for part in wanted), strict=False):
            assert own.dtype == np.float64
            np.testing.assert_allclose(own, value, rtol=1e-5, atol=1e-6)
        if weights.sizes.linear_path:
            np.testing.assert_allclose(found.centre, network.linear(texts[row]).detach().numpy(), rtol=1e-5, atol=1e-6)
        else:
            assert found.centre == 0


@pytest.mark.parametrize("change", [{"hidden": 9}, {"n_layers": 1}, {"linear_path": True, "latent_dim": 7}])
def test_weights_of_other_sizes_are_refused(change):
    arrays = MixtureDensityNetwork(SIZES).weights().arrays
    with pytest.raises(InputError, match="^last.safetensors: the weights are of other sizes: size mismatch"):
        NetworkWeights(replace(SIZES, **change), arrays, "last.safetensors")
