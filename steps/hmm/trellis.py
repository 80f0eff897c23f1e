"""The graphs of many utterances side by side, for sums over all paths and for best paths (`steps/hmm/paths.py`).

One step of time is a few operations on all utterances and states, so that the loop over frames costs little. Most
states are reached from themselves, from the state before, or from one that lies a common number of states before, such
as by the arcs over silence: these arcs are shifts of a row. Only states with other arcs, such as those at which words
with several pronunciations end, look up where these come from. Utterances are sorted by length, so that those that have
ended cost nothing; padding changes nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

NEVER = -1e30  # log of probability 0: finite, so that differences are numbers
MOST_SHIFTS = 1  # beside loops and arcs from the state before


@dataclass(frozen=True)
class ArcPlaces:
    """What the arcs of a graph are, and where they are in its table of sources (S, A), row by row.

    Attributes:
        loops: (S,) of each state's loop. shifts: (K, S) of the arcs from a state that lies a certain number of states
            before; -1 where there is none.
        others: (N,) of the other arcs. sources: (N,) states from which these come. targets, exits: the different states
            in which these arrive, and from which they come. entries, leaves: (N,) numbers of an arc's states among
            these. nths, ways_out: (N,) how many of an arc's target, and of its exit, come before it.
    """

    loops: np.ndarray
    shifts: np.ndarray
    others: np.ndarray
    sources: np.ndarray
    targets: np.ndarray
    entries: np.ndarray
    nths: np.ndarray
    exits: np.ndarray
    leaves: np.ndarray
    ways_out: np.ndarray

    @classmethod
    def of(cls, sources: np.ndarray, offsets: Sequence[int]) -> "ArcPlaces":
        """Of a table of sources (S, A), of whose arcs those from some numbers of states before are shifts."""
        states, others, shifts = np.arange(len(sources)), sources >= 0, []
        for offset in (0, *offsets):
            kind = (sources == (states - offset)[:, None]) & others
            column, is_there = kind.argmax(axis=1), kind.any(axis=1)
            shifts.append(np.where(is_there, states * sources.shape[1] + column, -1))
            others[states[is_there], column[is_there]] = False
        target, column = np.nonzero(others)
        source = sources[target, column]
        rest = (*_ranked(target), *_ranked(source))
        return cls(shifts[0], np.array(shifts[1:]), target * sources.shape[1] + column, source, *rest)


def _ranked(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different keys, sorted; of each key (N,) its number among these, and how many of the same come before it."""
    different, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys)) - np.repeat(np.cumsum(counts) - counts, counts)
    return different, place, rank


class ArcTable:
    """The table of sources (S, A) of a graph, and where its arcs are, which is found once."""

    def __init__(self, sources: np.ndarray):
        self.sources = sources
        self._places: dict[tuple[int, ...], ArcPlaces] = {}

    @cached_property
    def offsets(self) -> Counter[int]:
        """How many arcs come from how many states before, without loops and arcs from the state before."""
        offsets = np.arange(len(self.sources))[:, None] - self.sources
        return Counter(offsets[(self.sources >= 0) & (offsets > 1)].tolist())

    def places(self, offsets: tuple[int, ...]) -> ArcPlaces:
        """Where arcs are, if those with these offsets are shifts."""
        if offsets not in self._places:
            self._places[offsets] = ArcPlaces.of(self.sources, offsets)
        return self._places[offsets]


def _ranked(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different keys, sorted; of each key (N,) its place among these, and how many of the same come before it."""
    different, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys)) - np.repeat(np.cumsum(counts) - counts, counts)
    return different, place, rank


@dataclass(frozen=True)
class Graph:
    """States that an utterance may pass through.

    Attributes:
        pdfs: (S,) which density each state has.
        sources: (S, A) the states that lead into each, -1 where there are fewer; itself among them for a loop.
        log_arcs: (S, A) log probabilities of these arcs.
        log_start, log_end: (S,) log probabilities of beginning, and of ending, in each state.
        known_table: the table of sources with what is known of it.
    """

    pdfs: np.ndarray
    sources: np.ndarray
    log_arcs: np.ndarray
    log_start: np.ndarray
    log_end: np.ndarray
    known_table: ArcTable | None = None

    @cached_property
    def table(self) -> ArcTable:
        """The table of sources."""
        return self.known_table or ArcTable(self.sources)


@dataclass(frozen=True)
class Trellis:
    """Graphs of B utterances side by side, the longest utterance first, padded with states and frames of probability 0.

    Arcs are relative to the loop of the state that they lead into, which its emissions have taken up.

    Attributes:
        order: (B,) the number, among the utterances given, of each row. lengths: (B,) frames, falling.
        emissions: (T, B, S). log_start, log_end: (B, S). no_loop: (B, S), 0 where a state has a loop; None: all have.
        offsets: of K shifts, 1 the first. shifts: (K, B, S). targets: (B, E). sources, log_arcs: (A, B, E).
        exits: (B, X). outgoing: (O, B, X), which of the A x E arcs; A x E stands for none.
    """

    order: np.ndarray
    lengths: np.ndarray
    emissions: torch.Tensor
    log_start: torch.Tensor
    log_end: torch.Tensor
    no_loop: torch.Tensor | None
    offsets: tuple[int, ...]
    shifts: torch.Tensor
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
        offsets = (1, *_common_offsets(graphs))
        batch = _Batch([graph.table.places(offsets) for graph in graphs], [graph.log_arcs for graph in graphs])
        loops, base = batch.loops()

        def placed(table: np.ndarray) -> torch.Tensor:
            is_float = table.dtype.kind == "f"
            return torch.from_numpy(table).to(device, dtype if is_float else torch.long)

        padded = pad_sequence([log_likelihoods[number] for number in order], padding_value=NEVER)
        pdfs = placed(batch.states([graph.pdfs for graph in graphs], 0))
        emissions = padded.gather(2, pdfs.expand(len(padded), *pdfs.shape)).add_(placed(base))
        starts = np.maximum(batch.states([graph.log_start for graph in graphs], NEVER) - base, NEVER)
        ends = np.maximum(batch.states([graph.log_end for graph in graphs], NEVER), NEVER)
        no_loop = None if loops.all() else placed(np.where(loops, 0.0, NEVER))
        tables = (batch.shifts(base), batch.targets, *batch.others(base), batch.exits, batch.outgoing())
        fixed = (emissions, placed(starts), placed(ends), no_loop, offsets)
        return cls(order, lengths[order], *fixed, *map(placed, tables))

    def running(self) -> list[int]:
        """How many utterances, from the first on, have a frame at each time."""
        return (self.lengths[:, None] > np.arange(len(self.emissions))).sum(axis=0).tolist()

    def back(self) -> np.ndarray:
        """The row of each utterance, in the order in which they were given."""
        return np.argsort(self.order)


def _common_offsets(graphs: Sequence[Graph]) -> list[int]:
    """The offsets of arcs, of which most graphs have some, so that a shift of all costs less than looking them up."""
    found: Counter[int] = Counter()
    for graph in graphs:
        found.update({offset for offset, n in graph.table.offsets.items() if n > 1})
    return sorted(offset for offset, n in found.most_common(MOST_SHIFTS) if 2 * n > len(graphs))


class _Batch:
    """Arcs of B graphs, as padded tables; the last state of the width W is nobody's, and padding leads to it."""

    def __init__(self, places: Sequence[ArcPlaces], log_arcs: Sequence[np.ndarray]):
        self.places, self.n = places, len(places)
        sizes = np.array([len(own.loops) for own in places])
        self.width = int(sizes.max()) + 1
        self.rows, self.columns = _within(sizes)
        self.flat = np.concatenate([*(arcs.ravel() for arcs in log_arcs), [NEVER]])  # the last one is that of no arc
        self.firsts = np.cumsum([0, *(arcs.size for arcs in log_arcs[:-1])])
        self.arc_rows, _ = _within(np.array([len(own.others) for own in places]))
        self.targets, self.exits = (self._keys([getattr(own, name) for own in places]) for name in ("targets", "exits"))

    def _keys(self, keys: Sequence[np.ndarray]) -> np.ndarray:
        """Different states of each graph as (B, E)."""
        rows, columns = _within(np.array([len(own) for own in keys]))
        table = np.full((self.n, 1 + columns.max(initial=-1)), self.width - 1)
        table[rows, columns] = np.concatenate(keys)
        return table

    def _joined(self, name: str) -> np.ndarray:
        return np.concatenate([getattr(own, name) for own in self.places])

    def states(self, values: Sequence[np.ndarray], pad: float) -> np.ndarray:
        """Values of the states of each graph as (B, W)."""
        joined = np.concatenate(values)
        table = np.full((self.n, self.width), pad, joined.dtype)
        table[self.rows, self.columns] = joined
        return table

    def _at(self, places: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Log probabilities of arcs at places in the tables of graphs; NEVER where a place is -1."""
        return np.maximum(self.flat[np.where(places < 0, -1, places + self.firsts[rows])], NEVER)

    def loops(self) -> tuple[np.ndarray, np.ndarray]:
        """Which states (B, W) have loops, or are nobody's; and log probabilities of these, 0 where there is none."""
        places = self._joined("loops")
        have, base = np.full((self.n, self.width), True), np.full((self.n, self.width), NEVER)
        have[self.rows, self.columns] = places >= 0
        base[self.rows, self.columns] = np.where(places < 0, 0.0, self._at(places, self.rows))
        return have, base

    def shifts(self, base: np.ndarray) -> np.ndarray:
        """Log probabilities (K, B, W) of shifts, over those of loops."""
        places = np.concatenate([own.shifts for own in self.places], axis=1)
        table = np.full((len(places), self.n, self.width), NEVER)
        table[:, self.rows, self.columns] = self._at(places, self.rows) - base[self.rows, self.columns]
        return np.maximum(table, NEVER)

    def others(self, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sources, and log probabilities over those of loops, (A, B, E) of the other arcs."""
        nths, entries, places = self._joined("nths"), self._joined("entries"), self._joined("others")
        sources = np.full((1 + nths.max(initial=-1), *self.targets.shape), self.width - 1)
        log_arcs = np.full(sources.shape, NEVER)
        where = (nths, self.arc_rows, entries)
        sources[where] = self._joined("sources")
        log_arcs[where] = self._at(places, self.arc_rows) - base[self.arc_rows, self.targets[self.arc_rows, entries]]
        return sources, np.maximum(log_arcs, NEVER)

    def outgoing(self) -> np.ndarray:
        """Which of the A x E arcs lead out of each exit, (O, B, X); A x E stands for none."""
        nths, entries, ways_out = self._joined("nths"), self._joined("entries"), self._joined("ways_out")
        none = (1 + nths.max(initial=-1)) * self.targets.shape[1]
        table = np.full((1 + ways_out.max(initial=-1), *self.exits.shape), none)
        table[ways_out, self.arc_rows, self._joined("leaves")] = nths * self.targets.shape[1] + entries
        return table


def _within(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of items in groups of some sizes, one behind the other: the group of each, and its number in it."""
    rows = np.repeat(np.arange(len(sizes)), sizes)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
