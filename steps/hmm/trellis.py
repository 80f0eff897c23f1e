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

NEVER = -1e30  # log of probability 0: finite, so that differences are numbers
MOST_SHIFTS = 1  # beside loops and arcs from the state before


@dataclass(frozen=True)
class ArcPlaces:
    """Where the arcs of a graph are in its table of sources (S, A), by what they are.

    Attributes:
        loops: (S,) columns of each state's loop. shifts: (K, S) columns of the arcs from a state that lies a certain
            number of states before; -1 where there is none.
        targets: (E,) states with other arcs. sources, columns: (A, E) states and columns of these, -1 where there are
            fewer. exits: (X,) states from which they come. outgoing: (O, X) which of the A x E they are, or -1.
    """

    loops: np.ndarray
    shifts: np.ndarray
    targets: np.ndarray
    sources: np.ndarray
    columns: np.ndarray
    exits: np.ndarray
    outgoing: np.ndarray

    @classmethod
    def of(cls, sources: np.ndarray, offsets: Sequence[int]) -> "ArcPlaces":
        """Of a table of sources (S, A), of whose arcs those from some numbers of states before are shifts."""
        states = np.arange(len(sources))
        others, shifts = sources >= 0, []
        for offset in (0, *offsets):
            kind = (sources == (states - offset)[:, None]) & others
            shifts.append(np.where(kind.any(axis=1), kind.argmax(axis=1), -1))
            others[states[shifts[-1] >= 0], shifts[-1][shifts[-1] >= 0]] = False
        target, column = np.nonzero(others)
        source = sources[target, column]
        targets, entry, place = _ranked(target)
        from_, columns = np.full((2, 1 + place.max(initial=-1), len(targets)), -1)
        from_[place, entry], columns[place, entry] = source, column
        exits, leaving, rank = _ranked(source)
        outgoing = np.full((1 + rank.max(initial=-1), len(exits)), -1)
        outgoing[rank, leaving] = place * len(targets) + entry
        return cls(shifts[0], np.array(shifts[1:]), targets, from_, columns, exits, outgoing)


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

    def arcs_at(self, columns: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Log probabilities of the arcs in some columns of some states; NEVER where a column is -1."""
        return np.where(columns >= 0, self.log_arcs[states, columns], NEVER)


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
        places = [graph.table.places(offsets) for graph in graphs]
        nobody = max(len(graph.pdfs) for graph in graphs)  # the number of a last state, which padding leads to

        def placed(table: np.ndarray) -> torch.Tensor:
            is_float = table.dtype.kind == "f"
            return torch.from_numpy(table).to(device, dtype if is_float else torch.long)

        rows = [np.arange(len(graph.pdfs)) for graph in graphs]
        stays = [graph.arcs_at(own.loops, row) for graph, own, row in zip(graphs, places, rows, strict=True)]
        bases = [np.where(own.loops < 0, 0, stay) for own, stay in zip(places, stays, strict=True)]
        emissions = torch.full((int(lengths.max()), len(graphs), nobody + 1), NEVER, dtype=dtype, device=device)
        for row, (number, graph, base) in enumerate(zip(order, graphs, bases, strict=True)):
            own = log_likelihoods[number].index_select(1, placed(graph.pdfs))
            torch.add(own, placed(base), out=emissions[: lengths[number], row, : len(base)])
        shifts = [graph.arcs_at(own.shifts, row) for graph, own, row in zip(graphs, places, rows, strict=True)]
        others = [graph.arcs_at(own.columns, own.targets) for graph, own in zip(graphs, places, strict=True)]
        sources = _tables([own.sources for own in places], -1)
        return cls(
            order,
            lengths[order],
            emissions,
            placed(_rows([g.log_start - base for g, base in zip(graphs, bases, strict=True)], NEVER, nobody + 1)),
            placed(_rows([graph.log_end for graph in graphs], NEVER, nobody + 1)),
            placed(_rows([np.where(own.loops < 0, NEVER, 0.0) for own in places], 0.0, nobody + 1))
            if any((own.loops < 0).any() for own in places)
            else None,
            offsets,
            placed(_shifts([shift - base for shift, base in zip(shifts, bases, strict=True)], nobody + 1)),
            placed(_rows([own.targets for own in places], nobody)),
            placed(np.where(sources < 0, nobody, sources)),
            placed(_tables([o - b[p.targets] for o, b, p in zip(others, bases, places, strict=True)], NEVER)),
            placed(_rows([own.exits for own in places], nobody)),
            placed(_outgoing(places, sources.shape[0], sources.shape[2])),
        )

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


def _shifts(shifts: Sequence[np.ndarray], width: int) -> np.ndarray:
    """Arcs (K, S) of B utterances as (K, B, width), padded at their ends."""
    return np.stack([_rows([own[number] for own in shifts], NEVER, width) for number in range(len(shifts[0]))])


def _outgoing(places: Sequence[ArcPlaces], height: int, width: int) -> np.ndarray:
    """Which arcs lead out of exits, numbered in the padded table of height x width arcs; this one stands for none."""
    outgoing = _tables([own.outgoing for own in places], -1)
    for row, own in enumerate(places):
        n_arcs, n_exits = own.outgoing.shape
        column, place = np.divmod(own.outgoing, max(1, len(own.targets)))
        outgoing[:n_arcs, row, :n_exits] = np.where(own.outgoing < 0, -1, column * width + place)
    return np.where(outgoing < 0, height * width, outgoing)


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
