"""ERes2NetV2 against 3D-Speaker's own definition of it, speakerlab/models/eres2net/ERes2NetV2.py with fusion.py and
pooling_layers.py, as of 2025: digests, shapes and outputs below were computed with that code, outside of this project.
"""

import hashlib

import pytest
import torch
from torch import nn

from steps.networks.eres2netv2 import Block, ERes2NetV2, ERes2NetV2Sizes
from tests.steps.networks.waves import banks, fill

SMALL = {"bins": 24, "dim": 8, "channels": 16, "blocks": (1, 2, 1, 2)}
W24S4EP4 = {"base_width": 24, "scale": 4, "expansion": 4}
LISTINGS = [  # sizes, number of tensors, sha256 of the sorted lines "name [shape]"
    (ERes2NetV2Sizes(), 557, "b94b6f814c6f8564524f9080e266d00903de444fce61fe589e072f5cf1a4d05c"),
    (ERes2NetV2Sizes(**W24S4EP4), 1001, "9826b154dc23f3a453d2853ee9b2c600fdceadeaa272281099de4b68d1e0c58b"),
    (
        ERes2NetV2Sizes(**SMALL, two_layers=True),
        238,
        "0a07607e1b43415ea85f373ce4e3543d9232b4a9a9f01e0dea70ccba46d0e2ee",
    ),
]
SHAPES = {  # some of the published model's, so that a wrong one is found without the digest
    "conv1.weight": (64, 1, 3, 3),
    "layer1.0.conv1.weight": (52, 64, 1, 1),
    "layer1.0.convs.1.weight": (26, 26, 3, 3),
    "layer1.0.shortcut.0.weight": (128, 64, 1, 1),
    "layer1.2.bns.1.running_var": (26,),
    "layer2.3.conv3.weight": (256, 104, 1, 1),
    "layer3.5.fuse_models.0.local_att.0.weight": (26, 208, 1, 1),
    "layer3.5.fuse_models.0.local_att.3.bias": (104,),
    "layer4.0.shortcut.1.num_batches_tracked": (),
    "layer4.2.fuse_models.0.local_att.4.weight": (208,),
    "layer3_ds.weight": (1024, 512, 3, 3),
    "fuse34.local_att.0.weight": (256, 2048, 1, 1),
    "seg_1.weight": (192, 20480),
    "seg_1.bias": (192,),
}
OUTPUTS = [  # sizes, and the embeddings of banks(2, 50, 24) by the weights of `fill`
    (
        ERes2NetV2Sizes(**SMALL, two_layers=True),
        [
            [1.614380, -1.654402, -2.947486, -1.340744, 1.143738, 3.306046, 1.154748, -0.798349],
            [1.704345, -1.575399, -2.956322, -1.428820, 1.062126, 3.310312, 1.240740, -0.714307],
        ],
    ),
    (
        ERes2NetV2Sizes(**SMALL, **W24S4EP4),
        [
            [-0.488738, -2.863630, 1.265373, 2.290103, -1.943699, -0.987809, 3.116293, 0.718969],
            [-0.120046, -2.969344, 0.938931, 2.526288, -1.711656, -1.316740, 3.015714, 1.088097],
        ],
    ),
]


@pytest.mark.parametrize(("sizes", "number", "digest"), LISTINGS, ids=["published", "w24s4ep4", "small"])
def test_names_and_shapes_of_all_tensors(sizes, number, digest):
    with torch.device("meta"):
        state = ERes2NetV2(sizes).state_dict()
    listing = "".join(f"{name} {list(tensor.shape)}\n" for name, tensor in sorted(state.items()))
    assert len(state) == number
    assert hashlib.sha256(listing.encode()).hexdigest() == digest


def test_the_published_model():
    with torch.device("meta"):
        network = ERes2NetV2(ERes2NetV2Sizes())
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert {name: shapes.get(name) for name in SHAPES} == SHAPES
    # 3D-Speaker's definition says 17.86 M
    assert sum(parameter.numel() for parameter in network.parameters()) == 17_859_632


@pytest.mark.parametrize(("sizes", "expected"), OUTPUTS, ids=["two_layers", "w24s4ep4"])
def test_embeddings_are_those_of_the_original(sizes, expected):
    network = ERes2NetV2(sizes).eval()
    fill(network)
    with torch.inference_mode():
        torch.testing.assert_close(network(banks(2, 50, 24)), torch.tensor(expected), atol=1e-4, rtol=0)


def test_an_embedding_depends_on_its_own_frames_only():
    network = ERes2NetV2(ERes2NetV2Sizes(**SMALL)).eval()
    fill(network)
    features = banks(3, 40, 24)
    with torch.inference_mode():
        together, alone = network(features), torch.cat([network(item[None]) for item in features])
        turned = network(features.flip(0)).flip(0)
    assert together.shape == (3, 8) and together.std(0).min() > 1e-3
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)
    torch.testing.assert_close(together, turned, atol=1e-4, rtol=0)


def test_any_number_of_frames_from_nine_on():
    network = ERes2NetV2(ERes2NetV2Sizes(**SMALL)).eval()
    fill(network)
    with torch.inference_mode():
        for frames in range(9, 18):
            assert network(banks(1, frames, 24)).isfinite().all()


@pytest.mark.parametrize("sizes", [ERes2NetV2Sizes(**SMALL), ERes2NetV2Sizes(**SMALL, **W24S4EP4)], ids=["2", "4"])
def test_padding_behind_an_utterance_changes_nothing(sizes):
    network = ERes2NetV2(sizes).eval()
    fill(network)
    network.double()  # these weights make much of rounding
    features, lengths = banks(5, 50, 24).double(), torch.tensor([50, 49, 33, 24, 9])
    for item, length in zip(features, lengths, strict=True):
        item[length:] = 0
    with torch.inference_mode():
        padded = network(features, lengths)
        alone = [network(item[None, :length])[0] for item, length in zip(features, lengths, strict=True)]
    torch.testing.assert_close(padded, torch.stack(alone), atol=1e-9, rtol=0)


@pytest.mark.parametrize("sizes", [case[0] for case in OUTPUTS], ids=["two_layers", "w24s4ep4"])
def test_the_folded_network_gives_the_same_embeddings(sizes):
    network = ERes2NetV2(sizes).eval()
    fill(network)
    network.double()  # these weights make much of rounding
    features, lengths = banks(3, 50, 24).double(), torch.tensor([50, 33, 24])
    for item, length in zip(features, lengths, strict=True):
        item[length:] = 0
    with torch.inference_mode():
        expected, padded = network(features), network(features, lengths)
        folded = network.folded()
        assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
        torch.testing.assert_close(folded(features), expected, atol=1e-9, rtol=0)
        torch.testing.assert_close(folded(features, lengths), padded, atol=1e-9, rtol=0)
        single = folded.float()(features.float())
    assert (torch.cosine_similarity(single.double(), expected) > 1 - 1e-6).all()


@pytest.mark.parametrize("sizes", [ERes2NetV2Sizes(**SMALL), ERes2NetV2Sizes(**SMALL, **W24S4EP4)], ids=["2", "4"])
def test_channels_that_are_filled_up_change_nothing(sizes):
    network = ERes2NetV2(sizes).eval()
    fill(network)
    network.double()
    features, lengths = banks(3, 50, 24).double(), torch.tensor([50, 33, 20])
    with torch.inference_mode():
        for item, length in zip(features, lengths, strict=True):
            item[length:] = 0
        before = network(features, lengths)
        parts = {module.part for module in network.modules() if isinstance(module, Block)}
        network.aligned()
        after = network(features, lengths)
    assert parts != {module.part for module in network.modules() if isinstance(module, Block)}
    odd = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d) and (m.out_channels % 8 or m.in_channels % 8)]
    assert odd == [network.conv1]  # one input, the waveform's bands
    torch.testing.assert_close(after, before, atol=1e-9, rtol=0)
