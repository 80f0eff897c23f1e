"""The x-vector network: the layers of its paper, what it sees, and that it can be trained."""

import torch
from torch import nn

from steps.networks.xvector import XVector, XVectorSizes
from tests.steps.networks.waves import banks, fill

SMALL = XVectorSizes(bins=8, dim=6, hidden=10, pooled=12)


def test_layers_are_those_of_table_1():
    state = XVector(XVectorSizes(bins=24)).state_dict()
    inputs = [state[f"frame_{n}.conv_1d.weight"][0].numel() for n in range(1, 6)]
    outputs = [len(state[f"frame_{n}.conv_1d.weight"]) for n in range(1, 6)]
    assert inputs == [120, 1536, 1536, 512, 512] and outputs == [512, 512, 512, 512, 1500]
    assert tuple(state["seg_1.weight"].shape) == (512, 3000)


def test_names_are_those_of_3d_speaker():
    """Of speakerlab/models/xvector/TDNN.py, which says 4.34 M parameters for 80 bins."""
    network = XVector(XVectorSizes())
    layer = ("conv_1d.weight", "conv_1d.bias", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked")
    expected = [f"frame_{n}.{name}" for n in range(1, 6) for name in layer] + ["seg_1.weight", "seg_1.bias"]
    assert list(network.state_dict()) == expected
    assert sum(parameter.numel() for parameter in network.parameters()) == 4_347_868


def test_a_frame_sees_fifteen():
    """Of 35 frames the layers give 21; the one in the middle follows from frames 10 to 24 and no others."""
    network = XVector(SMALL).eval()
    fill(network)
    features = banks(1, 35, 8).requires_grad_()
    frames = features.transpose(1, 2)
    for number in range(1, 6):
        frames = network.get_submodule(f"frame_{number}")(frames)
    assert frames.shape == (1, 12, 21)
    frames[..., 10].square().sum().backward()
    seen = features.grad.abs().sum((0, 2)).nonzero()[:, 0]
    assert (seen.min(), seen.max()) == (10, 24)


def test_an_embedding_depends_on_its_own_frames_only():
    network = XVector(SMALL).eval()
    fill(network)
    features = banks(3, 40, 8)
    with torch.inference_mode():
        together, alone = network(features), torch.cat([network(item[None]) for item in features])
    assert together.shape == (3, 6) and together.std(0).min() > 1e-3
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_it_learns_to_tell_speakers_apart():
    torch.manual_seed(0)
    speakers = torch.arange(4).repeat(8)
    voices = torch.randn(4, 1, 8)
    features = voices[speakers] * torch.randn(32, 30, 8)  # a speaker is the deviation of the bands
    network = nn.Sequential(XVector(SMALL), nn.Linear(6, 4))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        loss = nn.functional.cross_entropy(network(features), speakers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4


def test_padding_behind_an_utterance_changes_nothing():
    network = XVector(SMALL).eval()
    fill(network)
    features, lengths = banks(4, 40, 8), torch.tensor([40, 39, 25, 16])
    with torch.inference_mode():
        padded = network(features, lengths)  # whatever is in the padding
        alone = [network(item[None, :length])[0] for item, length in zip(features, lengths, strict=True)]
    torch.testing.assert_close(padded, torch.stack(alone), atol=1e-5, rtol=0)


def test_the_folded_network_gives_the_same_embeddings():
    network = XVector(SMALL).eval()
    fill(network)
    features, lengths = banks(4, 40, 8), torch.tensor([40, 39, 25, 16])
    with torch.inference_mode():
        expected, padded = network(features), network(features, lengths)
        folded = network.folded()
        torch.testing.assert_close(folded(features), expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(folded(features, lengths), padded, atol=1e-5, rtol=0)
