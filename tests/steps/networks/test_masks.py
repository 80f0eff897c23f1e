"""Masks of padding, and the batch norm that takes its statistics from valid frames."""

import socket

import pytest
import torch
import torch.multiprocessing
from torch import Tensor, nn

from steps.networks.masks import MaskedBatchNorm, joined_frames, mask_of, slopes, strided_mask

MASK = torch.tensor([[True] * 5, [True, True, True, False, False]])


def frames(*shape: int) -> Tensor:
    """Frames whose bands differ in mean and deviation, with noise as padding."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, generator=generator) * torch.arange(1.0, shape[1] + 1)[:, None] + 3


def test_a_mask_only_where_there_is_padding():
    x = torch.zeros(2, 5, 1)
    assert mask_of(None, x) is None and mask_of(torch.tensor([5, 5]), x) is None
    assert torch.equal(mask_of(torch.tensor([5, 3]), x), MASK)


def test_joined_frames_are_filled_with_zeros():
    joined, mask = joined_frames(torch.ones(2, 5, 1), MASK, 2)
    assert joined.tolist() == [[[1, 1], [1, 1], [1, 0]]] * 2
    assert mask.tolist() == [[True] * 3, [True, True, False]] == strided_mask(MASK, 2).tolist()


def test_slopes_end_with_the_utterance():
    x = torch.tensor([[0.0, 2, 6, 6, 8], [1, 5, 7, 0, 0]])[..., None]
    assert slopes(x, MASK)[..., 0].tolist() == [[1, 3, 2, 1, 1], [2, 3, 1, 0, 0]]
    assert torch.equal(slopes(x[:1], None), slopes(x, MASK)[:1])
    assert not slopes(x[:, :1], None).any()


@pytest.mark.parametrize("rest", [(), (3,)])
def test_statistics_are_of_valid_frames(rest):
    masked, plain = MaskedBatchNorm(4), nn.BatchNorm1d(4)
    x = frames(2, 4, 5) if not rest else frames(2, 4, 5 * rest[0]).unflatten(2, (5, *rest))
    valid = x.transpose(1, 2)[MASK]  # (8, 4) or (8, 4, 3)
    out, expected = masked(x, MASK), plain(valid)
    torch.testing.assert_close(out.transpose(1, 2)[MASK], expected)
    assert not out.transpose(1, 2)[~MASK].any()
    torch.testing.assert_close(masked.running_mean, plain.running_mean)
    torch.testing.assert_close(masked.running_var, plain.running_var)
    masked.eval(), plain.eval()
    torch.testing.assert_close(masked(x, MASK).transpose(1, 2)[MASK], plain(valid))
    assert not masked(x, MASK).transpose(1, 2)[~MASK].any()


def test_one_frame_alone_is_no_error_and_no_statistic():
    norm = MaskedBatchNorm(4).train()
    out = norm(frames(1, 4, 1))
    assert out.isfinite().all() and not norm.running_mean.any()


def _half(rank: int, port: int, results) -> None:
    """Normalise and differentiate one half of a batch."""
    torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    norm = MaskedBatchNorm(4)
    x = frames(2, 4, 5)[rank : rank + 1].requires_grad_()
    out = norm(x, MASK[rank : rank + 1] if rank else None)
    (out * torch.arange(5.0)).square().sum().backward()
    for name, value in zip(
        ("out", "grad", "mean", "var"), (out, x.grad, norm.running_mean, norm.running_var), strict=True
    ):
        results[f"{name}{rank}"].copy_(value.detach())
    torch.distributed.destroy_process_group()


def test_two_processes_normalise_as_one():
    shapes = {"out": (1, 4, 5), "grad": (1, 4, 5), "mean": (4,), "var": (4,)}
    results = {f"{name}{rank}": torch.zeros(shape).share_memory_() for name, shape in shapes.items() for rank in (0, 1)}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.start_processes(_half, (port, results), 2, start_method="fork")
    norm, x = MaskedBatchNorm(4), frames(2, 4, 5).requires_grad_()
    out = norm(x, MASK)
    (out * torch.arange(5.0)).square().sum().backward()
    for rank in (0, 1):
        torch.testing.assert_close(results[f"out{rank}"][0], out[rank].detach(), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(results[f"grad{rank}"][0], x.grad[rank], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(results[f"mean{rank}"], norm.running_mean)
        torch.testing.assert_close(results[f"var{rank}"], norm.running_var)
