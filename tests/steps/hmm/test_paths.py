"""Sums over paths and best paths beside the enumeration of all paths."""

from itertools import product

import numpy as np
import pytest
import torch

from steps.hmm.paths import best_paths, posteriors
from steps.hmm.trellis import NEVER, Graph, Trellis


def graph(seed: int, n_states: int) -> Graph:
    """States in a row with loops; from each one also to the next but one, and from the last to the second."""
    rng = np.random.default_rng(seed)
    sources = np.array(
        [[s, s - 1, s - 2] if s != 1 else [1, 0, n_states - 1 if n_states > 2 else -1] for s in range(n_states)]
    )
    start, end = np.full((2, n_states), NEVER)
    start[:2], end[-2:] = np.log([0.7, 0.3])[: min(2, n_states)], np.log([0.4, 0.6])[-min(2, n_states) :]
    arcs = np.log(rng.uniform(0.1, 1, sources.shape))
    return Graph(rng.integers(0, 4, n_states), np.where(sources < 0, -1, sources), arcs, start, end)


def paths(one: Graph, own: np.ndarray) -> dict[tuple[int, ...], float]:
    """Every path and its log probability, one by one."""
    found = {}
    for states in product(range(len(one.pdfs)), repeat=len(own)):
        score = (
            one.log_start[states[0]] + one.log_end[states[-1]] + sum(own[t, one.pdfs[s]] for t, s in enumerate(states))
        )
        for before, after in zip(states, states[1:], strict=False):
            arcs = one.log_arcs[after][one.sources[after] == before]
            score += arcs[0] if len(arcs) else NEVER
        if score > NEVER / 2:
            found[states] = score
    return found


@pytest.fixture
def batch():
    """Three utterances of several lengths and sizes."""
    rng = np.random.default_rng(5)
    graphs = [graph(0, 3), graph(1, 5), graph(2, 2)]
    return graphs, [rng.normal(0, 2, (length, 4)) for length in (5, 6, 3)]


def test_best_paths_and_posteriors_are_those_of_all_paths(batch):
    graphs, likelihoods = batch
    trellis = Trellis.of(graphs, [torch.from_numpy(own) for own in likelihoods])
    scores, states = best_paths(trellis)
    of_states, of_loops, totals = posteriors(trellis)
    for number, (one, own) in enumerate(zip(graphs, likelihoods, strict=True)):
        every = paths(one, own)
        best = max(every, key=every.get)
        assert tuple(states[number]) == best and scores[number] == pytest.approx(every[best])
        total = np.logaddexp.reduce(list(every.values()))
        assert totals[number].item() == pytest.approx(total)
        expected, loops = np.zeros((len(own), len(one.pdfs))), np.zeros(len(one.pdfs))
        for path, score in every.items():
            expected[range(len(own)), path] += np.exp(score - total)
            np.add.at(loops, [a for a, b in zip(path, path[1:], strict=False) if a == b], np.exp(score - total))
        np.testing.assert_allclose(of_states[: len(own), number, : len(one.pdfs)], expected, atol=1e-10)
        np.testing.assert_allclose(of_loops[number, : len(one.pdfs)], loops, atol=1e-10)


def test_an_utterance_alone_is_as_beside_others(batch):
    graphs, likelihoods = batch
    together, _ = best_paths(Trellis.of(graphs, [torch.from_numpy(own) for own in likelihoods]))
    alone = [
        best_paths(Trellis.of([g], [torch.from_numpy(own)]))[0][0] for g, own in zip(graphs, likelihoods, strict=True)
    ]
    np.testing.assert_array_equal(together, alone)
