"""Random streams go on where they were."""

import random

import numpy as np
import pytest
import torch

from steps.training.streams import read_streams, seed_streams, set_streams

CPU = torch.device("cpu")


def draw() -> list[float]:
    return [random.gauss(0, 1), random.random(), np.random.normal(), np.random.rand(), torch.randn(()).item()]


@pytest.mark.parametrize("before", range(3))  # the second number of a pair of normal ones is kept for later
def test_all_streams_go_on_with_the_same_numbers(before):
    seed_streams(1)
    for _ in range(before):
        draw()
    states = read_streams(CPU)
    wanted = [draw() for _ in range(3)]
    seed_streams(2)
    assert [draw() for _ in range(3)] != wanted
    set_streams(states, CPU)
    assert [draw() for _ in range(3)] == wanted


def test_states_always_have_the_same_shapes():
    shapes = []
    for draws in range(4):
        seed_streams(draws)
        [random.gauss(0, 1) for _ in range(draws)]
        shapes.append({name: (state.shape, state.dtype) for name, state in read_streams(CPU).items()})
    assert all(each == shapes[0] for each in shapes)


def test_processes_have_streams_of_their_own():
    drawn = []
    for rank in (0, 1, 0):
        seed_streams(7, rank)
        drawn.append(draw())
    assert drawn[0] == drawn[2] and not set(drawn[0]) & set(drawn[1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_the_stream_of_the_gpu_goes_on():
    device = torch.device("cuda:0")
    seed_streams(1)
    states = read_streams(device)
    wanted = torch.rand(3, device=device).tolist()
    set_streams(states, device)
    assert torch.rand(3, device=device).tolist() == wanted
