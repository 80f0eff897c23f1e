"""The sum over all paths, and the best path, through the graphs of many utterances at once, in the log domain.

L. Rabiner, "A tutorial on hidden Markov models", Proceedings of the IEEE 77, 1989, equations 19 to 37. One step of time
is a few operations on all utterances and states, so that the loop over frames costs little; utterances are padded
at the end, and padding changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

NEVER = -1e30  # log of probability 0: finite, so that differences are numbers


@dataclass(frozen=True)
class Graph:
    """States that an utterance may pass through.

    Attributes:
        pdfs: (S,) which density each state has.
        sources: (S, A) the states that lead into each, -1 where there are fewer; itself among them for a loop.
        log_arcs: (S, A) log probabilities of these arcs.
        log_start, log_end: (S,) log probabilities of beginning, and of ending, in each state.
    """

    pdfs: np.ndarray
    sources: np.ndarray
    log_arcs: np.ndarray
    log_start: np.ndarray
    log_end: np.ndarray


@dataclass(frozen=True)
class Trellis:
    """Graphs of B utterances side by side, padded.

    Attributes:
        sources, log_arcs: (B, S, A). log_start, log_end: (B, S). emissions: (B, T, S). lengths: (B,) frames.
    """

    sources: torch.Tensor
    log_arcs: torch.Tensor
    log_start: torch.Tensor
    log_end: torch.Tensor
    emissions: torch.Tensor
    lengths: torch.Tensor

    @classmethod
    def of(cls, graphs: Sequence[Graph], log_likelihoods: Sequence[torch.Tensor]) -> "Trellis":
        """Of graphs and, for each, the log likelihoods (T, P) of its frames under all densities."""
        device, dtype = log_likelihoods[0].device, log_likelihoods[0].dtype
        n_states, n_arcs = (max(graph.sources.shape[axis] for graph in graphs) for axis in (0, 1))
        shape = (len(graphs), n_states, n_arcs)
        sources = torch.zeros(shape, dtype=torch.long, device=device)
        log_arcs = torch.full(shape, NEVER, dtype=dtype, device=device)
        ends = torch.full((2, *shape[:2]), NEVER, dtype=dtype, device=device)
        lengths = torch.tensor([len(own) for own in log_likelihoods], device=device)
        emissions = torch.full((len(graphs), int(lengths.max()), n_states), NEVER, dtype=dtype, device=device)
        for number, (graph, own) in enumerate(zip(graphs, log_likelihoods, strict=True)):
            size, arcs = graph.sources.shape
            known = graph.sources >= 0
            sources[number, :size, :arcs] = torch.from_numpy(np.where(known, graph.sources, 0))
            log_arcs[number, :size, :arcs] = torch.from_numpy(np.where(known, graph.log_arcs, NEVER)).to(dtype)
            ends[0, number, :size] = torch.from_numpy(graph.log_start).to(dtype)
            ends[1, number, :size] = torch.from_numpy(graph.log_end).to(dtype)
            emissions[number, : len(own), :size] = own[:, torch.from_numpy(graph.pdfs).to(device)]
        return cls(sources, log_arcs, ends[0].clamp(min=NEVER), ends[1].clamp(min=NEVER), emissions, lengths)

    def arrivals(self, scores: torch.Tensor) -> torch.Tensor:
        """Of scores (B, S) at one frame: (B, S, A) at the next, of each arc, before its emission."""
        sources = self.sources.flatten(1)
        return scores.gather(1, sources).view_as(self.log_arcs) + self.log_arcs


def best_paths(trellis: Trellis) -> tuple[np.ndarray, list[np.ndarray]]:
    """Viterbi: log probability (B,) of the best path of each utterance, and its states (T_b,)."""
    scores = trellis.log_start + trellis.emissions[:, 0]
    n_frames = trellis.emissions.shape[1]
    arcs = torch.zeros(scores.shape[0], n_frames, scores.shape[1], dtype=torch.uint8, device=scores.device)
    for t in range(1, n_frames):
        best, arcs[:, t] = trellis.arrivals(scores).max(dim=2)
        running = (trellis.lengths > t)[:, None]
        scores = torch.where(running, best + trellis.emissions[:, t], scores)
    final, last = (scores + trellis.log_end).max(dim=1)
    return final.double().cpu().numpy(), _states(trellis, arcs.long(), last)


def _states(trellis: Trellis, arcs: torch.Tensor, last: torch.Tensor) -> list[np.ndarray]:
    """The states (T_b,) of each utterance, back from the last (B,), by the arcs (B, T, S) of the best arrivals."""
    n_batch, n_frames, _ = arcs.shape
    path = torch.empty(n_batch, n_frames, dtype=torch.long, device=arcs.device)
    rows, state = torch.arange(n_batch, device=arcs.device), last
    for t in range(n_frames - 1, -1, -1):
        path[:, t] = state
        before = trellis.sources[rows, state, arcs[rows, t, state]]
        state = torch.where((trellis.lengths > t) & (t > 0), before, state)
    return [row[:length].cpu().numpy() for row, length in zip(path, trellis.lengths.tolist(), strict=True)]


def forward(trellis: Trellis) -> tuple[torch.Tensor, torch.Tensor]:
    """Log probabilities (B, T, S) of the frames up to each and its state, and of whole utterances (B,)."""
    scores = trellis.log_start + trellis.emissions[:, 0]
    every = [scores]
    for t in range(1, trellis.emissions.shape[1]):
        running = (trellis.lengths > t)[:, None]
        arrived = trellis.arrivals(scores).logsumexp(dim=2) + trellis.emissions[:, t]
        scores = torch.where(running, arrived, scores)
        every.append(scores)
    return torch.stack(every, dim=1), (scores + trellis.log_end).logsumexp(dim=1)


def posteriors(trellis: Trellis) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Forward-backward: posteriors of states (B, T, S) and, over all frames, of arcs (B, S, A); log likelihoods (B,).

    They are the derivatives of the log likelihood by emissions and by log probabilities of arcs, so that the backward
    pass is that of the forward one.
    """
    emissions = trellis.emissions.detach().requires_grad_()
    log_arcs = trellis.log_arcs.detach().requires_grad_()
    with torch.enable_grad():
        moving = Trellis(trellis.sources, log_arcs, trellis.log_start, trellis.log_end, emissions, trellis.lengths)
        _, totals = forward(moving)
        of_states, of_arcs = torch.autograd.grad(totals.sum(), [emissions, log_arcs])
    return of_states, of_arcs, totals.detach()
