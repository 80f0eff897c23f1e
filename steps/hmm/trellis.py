"""The sum over all paths, and the best path, through the graphs of many utterances at once, in the log domain.

L. Rabiner, "A tutorial on hidden Markov models", Proceedings of the IEEE 77, 1989, equations 19 to 37. One step of time
is a few operations on all utterances and states, so that the loop over frames costs little. Most states are reached
from themselves and from the state before: these arcs are shifts of a row. Only the states with other arcs, such as
those at which words begin, look up where these come from. Utterances are sorted by length, so that those that have
ended cost nothing; padding changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

NEVER = -1e30  # log of probability 0: finite, so that differences are numbers
RESCALED = 8  # frames after which log probabilities of a row are taken relative to its largest
ENDS = ("log_start", "log_end")


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
class _Arcs:
    """The arcs of one graph, by what they are.

    Attributes:
        stay, step: (S,) of each state's loop, and from the state before it.
        targets: (E,) states with other arcs. sources, log_arcs: (A, E) of these. exits: (X,) where they come from.
        outgoing: (O, X) which of them, counted row by row, -1 where there are fewer.
    """

    stay: np.ndarray
    step: np.ndarray
    targets: np.ndarray
    sources: np.ndarray
    log_arcs: np.ndarray
    exits: np.ndarray
    outgoing: np.ndarray

    @classmethod
    def of(cls, graph: Graph) -> "_Arcs":
        """The arcs of a graph."""
        states = np.arange(len(graph.pdfs))[:, None]
        known = graph.sources >= 0
        loops, steps = known & (graph.sources == states), known & (graph.sources == states - 1)
        rows = [np.where(kind, graph.log_arcs, NEVER).max(axis=1, initial=NEVER) for kind in (loops, steps)]
        target, column = np.nonzero(known & ~loops & ~steps)
        source, log_arc = graph.sources[target, column], graph.log_arcs[target, column]
        targets, entry, place = _ranked(target)
        sources = np.full((1 + place.max(initial=-1), len(targets)), -1)
        log_arcs = np.full(sources.shape, NEVER)
        sources[place, entry], log_arcs[place, entry] = source, log_arc
        exits, leaving, rank = _ranked(source)
        outgoing = np.full((1 + rank.max(initial=-1), len(exits)), -1)
        outgoing[rank, leaving] = place * len(targets) + entry
        return cls(*rows, targets, sources, log_arcs, exits, outgoing)


def _ranked(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different keys, sorted; of each key (N,) its place among these, and how many of the same come before it."""
    different, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys)) - np.repeat(np.cumsum(counts) - counts, counts)
    return different, place, rank


@dataclass(frozen=True)
class Trellis:
    """Graphs of B utterances side by side, the longest utterance first, padded with states and frames of probability 0.

    Attributes:
        order: (B,) the number, among the utterances given, of each row. lengths: (B,) frames, falling.
        emissions: (B, T, S). log_start, log_end, stay, step: (B, S), see `_Arcs`. targets: (B, E). sources, log_arcs:
            (A, B, E). exits: (B, X). outgoing: (O, B, X), which of the A x E arcs; A x E stands for none.
    """

    order: np.ndarray
    lengths: np.ndarray
    emissions: torch.Tensor
    log_start: torch.Tensor
    log_end: torch.Tensor
    stay: torch.Tensor
    step: torch.Tensor
    targets: torch.Tensor
    sources: torch.Tensor
    log_arcs: torch.Tensor
    exits: torch.Tensor
    outgoing: torch.Tensor

    @classmethod
    def of(cls, graphs: Sequence[Graph], log_likelihoods: Sequence[torch.Tensor]) -> "Trellis":
        """Of graphs and, for each, the log likelihoods (T, P) of its frames under all densities."""
        device, dtype = log_likelihoods[0].device, log_likelihoods[0].dtype
        lengths = np.array([len(own) for own in log_likelihoods])
        order = np.argsort(-lengths, kind="stable")
        graphs = [graphs[number] for number in order]
        arcs = [_Arcs.of(graph) for graph in graphs]
        nobody = max(len(graph.pdfs) for graph in graphs)  # the number of a last state, which padding leads to
        emissions = torch.full((len(graphs), int(lengths.max()), nobody + 1), NEVER, dtype=dtype, device=device)
        for row, (number, graph) in enumerate(zip(order, graphs, strict=True)):
            pdfs = torch.from_numpy(graph.pdfs).to(device)
            emissions[row, : lengths[number], : len(pdfs)] = log_likelihoods[number][:, pdfs]
        sources, outgoing = (_tables([getattr(own, name) for own in arcs], -1) for name in ("sources", "outgoing"))
        no_arc, width = sources.shape[0] * sources.shape[2], sources.shape[2]
        for row, own in enumerate(arcs):  # arcs are numbered in the padded table
            n_arcs, n_exits = own.outgoing.shape
            column, place = np.divmod(own.outgoing, max(1, len(own.targets)))
            outgoing[:n_arcs, row, :n_exits] = np.where(own.outgoing < 0, -1, column * width + place)

        def placed(table: np.ndarray) -> torch.Tensor:
            is_float = table.dtype.kind == "f"
            return torch.from_numpy(table).to(device, dtype if is_float else torch.long)

        return cls(
            order,
            lengths[order],
            emissions,
            *(placed(_rows([getattr(graph, name) for graph in graphs], NEVER, nobody + 1)) for name in ENDS),
            *(placed(_rows([getattr(own, name) for own in arcs], NEVER, nobody + 1)) for name in ("stay", "step")),
            placed(_rows([own.targets for own in arcs], nobody)),
            placed(np.where(sources < 0, nobody, sources)),
            placed(_tables([own.log_arcs for own in arcs], NEVER)),
            placed(_rows([own.exits for own in arcs], nobody)),
            placed(np.where(outgoing < 0, no_arc, outgoing)),
        )

    def running(self) -> list[int]:
        """How many utterances, from the first on, have a frame at each time."""
        return (self.lengths[:, None] > np.arange(self.emissions.shape[1])).sum(axis=0).tolist()

    def back(self) -> np.ndarray:
        """The row of each utterance, in the order in which they were given."""
        return np.argsort(self.order)


def _rows(rows: Sequence[np.ndarray], pad: float, width: int | None = None) -> np.ndarray:
    """Vectors as rows of one array, padded at their ends."""
    stacked = np.full((len(rows), max(map(len, rows)) if width is None else width), pad, rows[0].dtype)
    for number, row in enumerate(rows):
        stacked[number, : len(row)] = row
    return np.maximum(stacked, NEVER) if stacked.dtype.kind == "f" else stacked


def _tables(tables: Sequence[np.ndarray], pad: float) -> np.ndarray:
    """Matrices (A, E) of B utterances as one array (A, B, E), padded at their ends."""
    height, width = (max(table.shape[axis] for table in tables) for axis in (0, 1))
    stacked = np.full((height, len(tables), width), pad, tables[0].dtype)
    for number, table in enumerate(tables):
        stacked[: table.shape[0], number, : table.shape[1]] = table
    return stacked


def best_paths(trellis: Trellis) -> tuple[np.ndarray, list[np.ndarray]]:
    """Viterbi: log probability (B,) of the best path of each utterance, and its states (T_b,)."""
    scores = trellis.log_start + trellis.emissions[:, 0]
    n_batch, n_frames, n_states = trellis.emissions.shape
    taken = torch.zeros(n_batch, dtype=torch.float64, device=scores.device)
    stepped = torch.zeros(n_frames, n_batch, n_states, dtype=torch.bool, device=scores.device)
    chosen = torch.zeros(n_frames, *trellis.targets.shape, dtype=torch.long, device=scores.device)
    for t, n in enumerate(trellis.running()):
        if t == 0:
            continue
        before = scores[:n]
        best = before + trellis.stay[:n]
        step = before[:, :-1] + trellis.step[:n, 1:]
        stepped[t, :n, 1:] = step > best[:, 1:]
        torch.maximum(best[:, 1:], step, out=best[:, 1:])
        if trellis.targets.shape[1]:
            arrived, arcs = _arrivals(trellis, before, n).max(dim=0)
            targets = trellis.targets[:n]
            here = best.gather(1, targets)
            chosen[t, :n] = torch.where(arrived > here, arcs + 1, 0)
            best.scatter_(1, targets, torch.maximum(arrived, here))
        best += trellis.emissions[:n, t]
        if t % RESCALED == 0:
            largest = best.amax(dim=1, keepdim=True)
            best -= largest
            taken[:n] += largest[:, 0]
        scores[:n] = best
    final, last = (scores + trellis.log_end).max(dim=1)
    back = trellis.back()
    paths = _states(trellis, stepped, chosen, last)
    return (final.double() + taken).cpu().numpy()[back], [paths[row] for row in back]


def _arrivals(trellis: Trellis, scores: torch.Tensor, n: int) -> torch.Tensor:
    """By the arcs that are no shifts, of scores (n, S) before: (A, n, E)."""
    sources = trellis.sources[:, :n]
    return scores.expand(len(sources), *scores.shape).gather(2, sources) + trellis.log_arcs[:, :n]


def _states(trellis: Trellis, stepped: torch.Tensor, chosen: torch.Tensor, last: torch.Tensor) -> list[np.ndarray]:
    """The states (T_b,) of each row, back from the last (B,).

    Args:
        stepped: (T, B, S) whether the best way to a state is from the state before it. chosen: (T, B, E) from 1 on the
            arc by which it is better still.
    """
    stepped_, chosen_, state = stepped.cpu().numpy(), chosen.cpu().numpy(), last.cpu().numpy()
    sources = trellis.sources.cpu().numpy()
    places = np.full((len(state), stepped.shape[2]), -1)  # of states among the targets
    targets = trellis.targets.cpu().numpy()
    np.put_along_axis(places, targets, np.arange(targets.shape[1])[None, :], axis=1)
    path = np.empty((len(state), stepped.shape[0]), np.int64)
    running = trellis.running()
    for t in range(len(running) - 1, -1, -1):
        rows = np.arange(running[t])
        own = state[rows]
        path[rows, t] = own
        if t:
            place = places[rows, own]
            arc = np.where(place >= 0, chosen_[t, rows, place], 0) if targets.shape[1] else np.zeros_like(own)
            other = sources[arc - 1, rows, place] if targets.shape[1] else own
            state[rows] = np.where(arc > 0, other, own - stepped_[t, rows, own])
    return [row[:length] for row, length in zip(path, trellis.lengths, strict=True)]


def forward(trellis: Trellis) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sums over all paths up to each frame.

    Returns:
        log probabilities (B, T, S) of the frames up to each and its state, less what is taken off: (B, T) float64, the
        sum of this up to each frame; and (B,) float64, those of whole utterances, in the order of the rows.
    """
    every = torch.zeros_like(trellis.emissions)
    taken = torch.zeros(every.shape[:2], dtype=torch.float64, device=every.device)
    scores = trellis.log_start + trellis.emissions[:, 0]
    every[:, 0] = scores
    for t, n in enumerate(trellis.running()):
        if t == 0:
            continue
        before = scores[:n]
        total = before + trellis.stay[:n]
        total[:, 1:] = torch.logaddexp(total[:, 1:], before[:, :-1] + trellis.step[:n, 1:])
        if trellis.targets.shape[1]:
            targets = trellis.targets[:n]
            arrived = torch.logaddexp(total.gather(1, targets), _arrivals(trellis, before, n).logsumexp(dim=0))
            total.scatter_(1, targets, arrived)
        total += trellis.emissions[:n, t]
        taken[:, t] = taken[:, t - 1]
        if t % RESCALED == 0:
            largest = total.amax(dim=1, keepdim=True)
            total -= largest
            taken[:n, t] += largest[:, 0]
        scores[:n] = every[:n, t] = total
    totals = (scores + trellis.log_end).double().logsumexp(dim=1) + taken[:, -1]
    return every, taken, totals


def totals(trellis: Trellis) -> torch.Tensor:
    """Log likelihoods (B,) float64 of whole utterances, in the order in which they were given."""
    return forward(trellis)[2][torch.from_numpy(trellis.back())]


def _backward(trellis: Trellis) -> torch.Tensor:
    """Log probabilities (B, T, S) of the frames behind each, given its state, less anything of a frame of a row."""
    every = torch.zeros_like(trellis.emissions)
    rows = torch.arange(len(trellis.lengths), device=every.device)
    every[rows, torch.from_numpy(trellis.lengths - 1).to(every.device)] = trellis.log_end
    no_arc = torch.full_like(trellis.log_end[:, :1], NEVER)
    running = trellis.running()
    for t in range(len(running) - 2, -1, -1):
        n = running[t + 1]
        behind = every[:n, t + 1] + trellis.emissions[:n, t + 1]
        total = behind + trellis.stay[:n]
        total[:, :-1] = torch.logaddexp(total[:, :-1], behind[:, 1:] + trellis.step[:n, 1:])
        if trellis.targets.shape[1]:
            by_arc = behind.gather(1, trellis.targets[:n]) + trellis.log_arcs[:, :n]  # (A, n, E)
            by_arc = torch.cat([by_arc.transpose(0, 1).flatten(1), no_arc[:n]], dim=1)
            outgoing = trellis.outgoing[:, :n]
            left = by_arc.expand(len(outgoing), *by_arc.shape).gather(2, outgoing).logsumexp(dim=0)
            exits = trellis.exits[:n]
            total.scatter_(1, exits, torch.logaddexp(total.gather(1, exits), left))
        if t % RESCALED == 0:
            total -= total.amax(dim=1, keepdim=True)
        every[:n, t] = total
    return every


def posteriors(trellis: Trellis) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Forward-backward: all in the order in which the utterances were given.

    Returns:
        posteriors of states (B, T, S), of staying in each state (B, S), summed over frames; and log likelihoods (B,).
    """
    alpha, taken, found = forward(trellis)
    beta = _backward(trellis)
    gamma = torch.softmax(alpha + beta, dim=2)
    ended = torch.arange(alpha.shape[1])[None, :] >= torch.from_numpy(trellis.lengths)[:, None]
    gamma[ended.to(gamma.device)] = 0
    # of those that are in a state at t + 1, the share that was in it at t
    change = (taken[:, 1:] - taken[:, :-1]).to(alpha.dtype)[:, :, None]
    arrived = alpha[:, :-1] + trellis.stay[:, None] + trellis.emissions[:, 1:] - change - alpha[:, 1:]
    stays = (gamma[:, 1:] * arrived.clamp(max=0).exp()).sum(dim=1)
    back = torch.from_numpy(trellis.back()).to(gamma.device)
    return gamma[back], stays[back], found[back]
