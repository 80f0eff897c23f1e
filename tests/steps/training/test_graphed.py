"""Updates that are replayed: those that a GPU does kernel after kernel; and the state that a recording leaves."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from steps.training.graphed import GraphedUpdate, KeptState


class Batch(NamedTuple):
    x: Tensor
    y: Tensor


WITH_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


def make(device: str) -> tuple[nn.Module, torch.optim.AdamW]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)).to(device)
    return network, torch.optim.AdamW(network.parameters(), 0.1, fused=True)


def update_of(network: nn.Module, optimizer: torch.optim.AdamW):
    def update(batch: Batch) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = (network(batch[0]) - batch[1]).square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return update


def state(network: nn.Module, optimizer: torch.optim.AdamW) -> list[Tensor]:
    inner = [value.clone() for one in optimizer.state.values() for value in one.values()]
    return [value.clone() for value in network.state_dict().values()] + inner


@pytest.mark.parametrize("updates", [0, 2])
def test_kept_state_comes_back(updates):
    network, optimizer = make("cpu")
    update, batch = update_of(network, optimizer), Batch(torch.randn(5, 4), torch.randn(5, 1))
    for _ in range(updates):
        update(batch)
    before, kept = state(network, optimizer), KeptState(network, optimizer)
    update(batch)
    kept.restore()
    found = state(network, optimizer)
    if not updates:  # the optimizer has begun
        assert not any(value.any() for value in found[len(before) :])
    assert all(torch.equal(one, other) for one, other in zip(before, found, strict=False))


@WITH_GPU
def test_replayed_updates_are_those_of_single_kernels_at_every_rate_and_shape():
    sizes, rates = [6, 6, 9, 6, 9], [0.1, 0.1, 0.1, 0.05, 0.05]
    rng = np.random.default_rng(0)
    data = [torch.from_numpy(rng.normal(size=(n, 5)).astype(np.float32)).cuda() for n in sizes]
    results = []
    for replayed in (False, True):
        network, optimizer = make("cuda")
        update = update_of(network, optimizer)
        update = GraphedUpdate(update, network, optimizer) if replayed else update
        losses = []
        for values, rate in zip(data, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate
            losses.append(update(Batch(values[:, :4], values[:, 4:])))
        results.append([torch.stack(losses), *state(network, optimizer)])
        assert optimizer.param_groups[0]["lr"] == rates[-1]
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
