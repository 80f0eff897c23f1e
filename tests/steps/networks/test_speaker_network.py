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
    more = {"deltas": 2, "skip": True, "aggregate": network != "conv2d_freq"} if pooling == "mean" else {}
    built = small(network=network, pooling=pooling, normalise=normalise, stride=2, **more).eval()
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


@pytest.mark.parametrize("network", NETWORKS)
def test_padding_is_never_heard(network):
    """Not even where it is no number: embeddings and gradients are the same."""
    built = small(network=network, pooling="attentive", dropout=0.0).train()
    batch, lengths = features(20, 7)
    results = []
    for filler in (0.0, 100.0, float("nan")):
        filled = batch.clone()
        filled[1, 7:] = filler
        built.zero_grad()
        embeddings = built.embed(filled, lengths)
        built.loss(embeddings, torch.tensor([0, 1]), 0.2).backward()
        results.append([embeddings.detach(), *[value.grad for value in built.parameters()]])
    assert all(torch.equal(one, other) for one, other in zip(results[0], results[1], strict=True))
    assert all(torch.equal(one, other) for one, other in zip(results[0], results[2], strict=True))


@pytest.mark.parametrize("network", NETWORKS)
def test_recomputation_changes_no_gradient(network):
    batch, lengths = features(20, 7, 13)
    found = []
    for recompute in (False, True):
        built = small(network=network, dropout=0.3, recompute=recompute).train()
        torch.manual_seed(7)
        built.loss(built.embed(batch, lengths), torch.tensor([0, 1, 2]), 0.1).backward()
        found.append([*[value.grad for value in built.parameters()], *built.buffers(), torch.rand(1)])
    assert len(found[0]) == len(found[1])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("network", NETWORKS)
def test_bfloat16_is_close_and_finite(network):
    built = small(network=network, pooling="attentive", normalise="mean_variance").eval()
    batch, lengths = features(30, 9)
    exact = built.embed(batch, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = built.embed(batch, lengths)
        loss = built.loss(embeddings, torch.tensor([0, 1]), 0.2)
    loss.backward()
    assert embeddings.dtype == loss.dtype == torch.float32
    assert torch.cosine_similarity(embeddings, exact).min() > 0.99
    assert all(value.grad.isfinite().all() for value in built.parameters())


def test_parameters_that_do_not_decay():
    for network in NETWORKS:
        built = small(network=network, pooling="attentive")
        decaying, kept = (set(map(id, group["params"])) for group in built.parameter_groups())
        named = dict(built.named_parameters())
        assert len(decaying) + len(kept) == len(named) and not decaying & kept
        assert built.parameter_groups()[1]["weight_decay"] == 0
        ends = {name.rpartition(".")[2] for name, value in named.items() if id(value) in decaying}
        assert ends == {"weight"}  # neither bias nor A_log, D, dt_bias
        assert not any("norm" in name for name, value in named.items() if id(value) in decaying)
    assert any(name.endswith("A_log") for name in small(network="mamba1").state_dict())


@pytest.mark.parametrize("loss", ["softmax", "aam"])
def test_losses_of_parts_add_up(loss):
    built = small(loss=loss, label_smoothing=0.1).eval()
    embeddings = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    labels, weights = torch.tensor([0, 1, 2, 3, 4, 0]), torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0, 1.0])
    whole = built.loss(embeddings, labels, 0.2, weights)
    parts = [built.loss(embeddings[i::2], labels[i::2], 0.2, weights[i::2]) for i in (0, 1)]
    torch.testing.assert_close(whole, sum(parts) / 2)
    torch.testing.assert_close(built.loss(embeddings, labels, 0.2), built.loss(embeddings, labels, 0.2, torch.ones(6)))


def test_margin_makes_the_loss_larger_and_no_margin_is_softmax_of_the_scores():
    built = small(loss="aam").eval()
    embeddings = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(6) % SPEAKERS
    plain = torch.nn.functional.cross_entropy(built.logits(embeddings), labels)
    torch.testing.assert_close(built.loss(embeddings, labels), plain)
    losses = [built.loss(embeddings, labels, margin).item() for margin in (0.0, 0.1, 0.2, 0.4)]
    assert losses == sorted(losses) and losses[0] < losses[-1]


def test_published_preset_wins_and_says_so(caplog):
    options = NetworkOptions(network="conv2d_freq", preset="original", pooling="attentive", widths=(8,), recompute=True)
    found = options.resolved()
    assert (found.network, found.pooling, found.widths) == ("conv2d", "mean", (128, 128, 256, 512)) and found.recompute
    assert "network is conv2d, not conv2d_freq" in caplog.text and "pooling is mean, not attentive" in caplog.text
    assert NetworkOptions(network="conv2d_freq").resolved().widths != NetworkOptions().resolved().widths


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "conv2d_freq", "aggregate": True}, "aggregate: conv2d_freq has frames of different bands"),
        ({"kernel": 4}, "kernel: expected an odd number, found 4"),
        ({"network": "transformer", "heads": 3}, "heads: expected a divisor of width, 16, found 3"),
        ({"network": "bimamba2", "head_dim": 5}, "head_dim: expected a divisor of expand . width, 32, found 5"),
    ],
)
def test_sizes_that_do_not_fit_are_named(options, message):
    with pytest.raises(InputError, match=message):
        small(**options)


def test_features_of_other_bins_are_named():
    with pytest.raises(InputError, match=r"shape \(1, 4, 7\); expected \(batch, frames, 12\)"):
        small().embed(torch.zeros(1, 4, 7))
