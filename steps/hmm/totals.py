"""The log probability of many utterances in one graph: of the best path, or of all paths.

Where all utterances have one graph, a step of time needs no index for each of them; `trellis` has the general case,
with the paths themselves.
"""

import numpy as np
import torch

from steps.hmm.lang import Lang
from steps.hmm.trellis import NEVER, Graph

SMALLEST_LOG = -60.0  # of a term beside the largest one: smaller ones are lost in float32 anyway, and slow


def log_sums(logs: torch.Tensor, dim: int) -> torch.Tensor:
    """log sum exp over a dimension."""
    most = logs.amax(dim=dim, keepdim=True)
    return (logs - most).clamp_(min=SMALLEST_LOG).exp_().sum(dim=dim).log_().add_(most.squeeze(dim))


class GraphTotals:
    """Totals of utterances in the graph of a transcript."""

    def __init__(self, graph: Graph, dtype: torch.dtype = torch.float32):
        known = graph.sources >= 0
        self.n_states = len(graph.pdfs)
        self.sources = torch.from_numpy(np.where(known, graph.sources, 0).T.copy()).flatten()  # (A S,)
        arcs = np.where(known, graph.log_arcs, NEVER).T
        self.log_arcs, self.log_start, self.log_end = (
            torch.from_numpy(np.maximum(values, NEVER)).to(dtype) for values in (arcs, graph.log_start, graph.log_end)
        )

    def __call__(self, emissions: torch.Tensor, lengths: torch.Tensor, best: bool) -> torch.Tensor:
        """Log probabilities (B,).

        Args:
            emissions: (B, T, S) log likelihoods of the states. lengths: (B,) frames of each. best: of the best path.
        """
        reduce = torch.amax if best else log_sums
        scores = self.log_start + emissions[:, 0]
        for t in range(1, emissions.shape[1]):
            arrived = scores[:, self.sources].view(len(scores), -1, self.n_states) + self.log_arcs
            arrived = reduce(arrived, 1) + emissions[:, t]
            scores = torch.where((lengths > t)[:, None], arrived, scores)
        return reduce(scores + self.log_end, 1)


class LoopTotals:
    """Totals of utterances in a free loop of all words that training has heard, each as probable, and silence.

    Silence has the probability that it has between the words of a transcript; a word's pronunciations share its own.

    Args:
        loops: (P,) probabilities of staying in states with each density.

    Attributes:
        pdfs: (S,) the density of each state.
    """

    def __init__(self, lang: Lang, loops: np.ndarray, dtype: torch.dtype = torch.float32):
        share = (1 - lang.silence_share) / len(lang.heard)
        rows = [((lang.silence,), lang.silence_share)]
        rows += [(row, share / len(choices)) for _, choices in sorted(lang.heard.items()) for row in choices]
        densities = [
            [lang.first_pdfs[unit] + position for unit in row for position in range(lang.units[unit])]
            for row, _ in rows
        ]
        sizes = np.array([len(own) for own in densities])
        self.pdfs = np.concatenate(densities).astype(np.int64)
        last = np.cumsum(sizes) - 1
        first = last - sizes + 1
        entry = np.full(len(self.pdfs), NEVER)
        entry[first] = np.log([weight for _, weight in rows])
        leave = np.log1p(-loops[self.pdfs])
        within = np.concatenate([[NEVER], leave[:-1]])
        within[first] = NEVER
        self.stay, self.leave, self.within, self.entry = (
            torch.from_numpy(np.ascontiguousarray(values)).to(dtype)
            for values in (np.log(loops[self.pdfs]), leave[last], within, entry)
        )
        self.last = torch.from_numpy(last)

    def __call__(self, emissions: torch.Tensor, lengths: torch.Tensor, best: bool) -> torch.Tensor:
        """The same as that of `GraphTotals`."""
        reduce = torch.amax if best else log_sums
        scores = self.entry + emissions[:, 0]
        for t in range(1, emissions.shape[1]):
            entering = reduce(scores[:, self.last] + self.leave, 1)[:, None] + self.entry
            arrived = reduce(torch.stack([scores + self.stay, scores.roll(1, 1) + self.within, entering]), 0)
            scores = torch.where((lengths > t)[:, None], arrived + emissions[:, t], scores)
        return reduce(scores[:, self.last] + self.leave, 1)
