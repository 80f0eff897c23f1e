"""Networks that recognise speakers: published sizes, padding, losses, recomputation, groups of parameters."""

import pytest
import torch

from steps.networks.speaker_network import SpeakerNetwork
from steps.networks.speaker_options import NETWORKS, NORMALISATIONS, POOLINGS, NetworkOptions
from utils.errors import InputError

BINS, SPEAKERS = 12, 5
PUBLISHED = {"conv1d": 1_797_451, "conv2d": 2_940_235, "transformer": 4_946_251, "mamba1": 5_446_987}
SMALL = {"widths": (8, 8), "layers": 2, "width": 16, "heads": 2, "ff": 16, "embedding_dim": 8, "attention": 8} | {
    "d_state": 4,
    "head_dim": 8,
    "chunk": 16,
}


def small(seed: int = 0, **options) -> SpeakerNetwork:
    """A small network with weights of this seed."""
    torch.manual_seed(seed)
    return SpeakerNetwork(NetworkOptions(**SMALL | options), BINS, SPEAKERS)


def features(*lengths: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (B, T, bins) of utterances of these lengths, with noise as padding."""
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(len(lengths), max(lengths), BINS, generator=generator) + 5, torch.tensor(lengths)


@pytest.mark.parametrize(("network", "n"), PUBLISHED.items())
def test_published_sizes(network, n):
    built = SpeakerNetwork(NetworkOptions(network=network, preset="original"), 80, 331)
    assert sum(value.numel() for value in built.parameters()) == n


@pytest.mark.parametrize("normalise", NORMALISATIONS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("network", NETWORKS)
def test_utterance_is_the_same_alone_and_in_a_batch(network, pooling, normalise):
    built = small(network=network, pooling=pooling, normalise=normalise, stride=2).eval()
    batch, lengths = features(40, 1, 23, 2)
    with torch.no_grad():
        embeddings = built.embed(batch, lengths)
        scores = built.logits(embeddings)
        assert scores.isfinite().all()
        for row, length in enumerate(lengths.tolist()):
            alone = built.embed(batch[row : row + 1, :length])[0]
            scale = 1e-4 * alone.abs().max()
            assert (embeddings[row] - alone).abs().max() <= scale
            assert (scores[row] - built.logits(alone[None])[0]).abs().max() <= 1e-4 * scores[row].abs().max()


@pytest.mark.parametrize("lengths", [(0, 3), (4, 3)])
def test_impossible_lengths_are_named(lengths):
    batch, _ = features(3, 3)
    with pytest.raises(InputError, match=f"of {lengths[0]} frames in a batch of 3"):
        small().embed(batch, torch.tensor(lengths))
