"""Speed of best paths of many utterances at once, against loops over the frames of one after the other.

Four-digit phrases in phones of three states, with optional silence; densities are drawn. All find the same paths. The
loops: in torch, as ours is; in numpy, by the same table of arcs; and in numpy, by a matrix of all pairs of states, as
textbooks have it. Sums over all paths (forward-backward) are timed beside. Writes a section of RESULTS.md.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from steps.hmm.lang import Lang
from steps.hmm.lexicon import read_lexicon
from steps.hmm.make_lang import Options as LangOptions
from steps.hmm.make_lang import language
from steps.hmm.make_lexicon import DIGITS
from steps.hmm.paths import best_paths, posteriors
from steps.hmm.trellis import Graph, Trellis
from tests.bench.results import command_line, record, table, target
from tests.bench.timing import TimingOptions, require_one_thread, spread, take_turns
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

T = TypeVar("T")
TITLE = "Best paths through phrases"
OURS = "best paths, side by side"
TARGET = ">= 25"  # times the loop in torch


@dataclass(frozen=True)
class Options(TimingOptions):
    """Options of the benchmark."""

    utterances: int = option(1536, "phrases, sorted by their numbers of states", least=2, most=10**5)
    batch: int = option(512, "phrases side by side", least=1, most=10**5)
    looped: int = option(8, "phrases that the loop takes", least=1, most=10**4)
    frames: int = option(250, "of the longest phrase; the shortest has three fifths", least=100, most=10**4)


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    rng = np.random.default_rng(0)
    lang = digits_in_phones()
    loops = rng.uniform(0.5, 0.9, lang.n_pdfs)
    words = sorted(lang.lexicon)
    graphs = [lang.graph_of([str(word) for word in rng.choice(words, 4)], loops) for _ in range(options.utterances)]
    graphs.sort(key=lambda graph: len(graph.pdfs))
    lengths = rng.integers(options.frames * 3 // 5, options.frames + 1, options.utterances)
    likelihoods = [rng.normal(-60, 8, (length, lang.n_pdfs)) for length in lengths]
    chosen = range(0, options.utterances, -(-options.utterances // options.looped))
    single, double = (
        [torch.from_numpy(own).to(dtype) for own in likelihoods] for dtype in (torch.float32, torch.float64)
    )

    def batched(found: Callable[[Trellis], T], own: Sequence[torch.Tensor]) -> list[T]:
        parts = [slice(first, first + options.batch) for first in range(0, options.utterances, options.batch)]
        return [found(Trellis.of(graphs[part], own[part])) for part in parts]

    def looped(loop: Callable[[Graph, np.ndarray], np.ndarray]) -> list[np.ndarray]:
        return [loop(graphs[number], likelihoods[number]) for number in chosen]

    paths = [path for _, some in batched(best_paths, double) for path in some]
    for name, loop in LOOPS.items():
        if any(not np.array_equal(paths[number], own) for number, own in zip(chosen, looped(loop), strict=True)):
            raise InputError(f"{name}: not the same paths")
    actions = {
        OURS: partial(batched, best_paths, single),
        f"{OURS}, float64": partial(batched, best_paths, double),
        "forward-backward": partial(batched, posteriors, single),
        **{name: partial(looped, loop) for name, loop in LOOPS.items()},
    }
    seconds = take_turns(actions, options.rounds, clock=time.process_time)
    n_frames = dict.fromkeys(actions, lengths.sum()) | dict.fromkeys(LOOPS, lengths[list(chosen)].sum())
    rows = [(name, spread(found / n_frames[name], 1e6, 2)) for name, found in seconds.items()]
    per_frame = {name: np.median(found) / n_frames[name] for name, found in seconds.items()}
    ratios = {name: float(per_frame[name] / per_frame[OURS]) for name in LOOPS}
    body = table(("", "microseconds of processor time a frame"), rows)
    states = np.mean([len(graph.pdfs) for graph in graphs])
    body += (
        f"\n\n{options.utterances} phrases of {states:.0f} states on average, {options.batch} side by side: as fast as "
    )
    body += ", ".join(f"{name} {ratio:.1f} times over" for name, ratio in ratios.items())
    body += f"; against that in torch, {target(ratios['a loop in torch'], TARGET)}. All find the same paths."
    record(options.results, TITLE, command_line("tests.bench.hmm_speed", options), body)


def digits_in_phones() -> Lang:
    """Digits in English, in phones of three states."""
    file = DIGITS / "english.txt"
    return language(read_lexicon(file), LangOptions(lexicon=file, out=Path("unused")), file)


def in_torch(graph: Graph, likelihoods: np.ndarray) -> np.ndarray:
    """The best path (T,) of one utterance, with log likelihoods (T, P), frame after frame."""
    emissions = torch.from_numpy(likelihoods)[:, torch.from_numpy(graph.pdfs)]
    sources = torch.from_numpy(np.maximum(graph.sources, 0))
    log_arcs = torch.from_numpy(np.where(graph.sources < 0, -np.inf, graph.log_arcs))
    scores, back = torch.from_numpy(graph.log_start) + emissions[0], torch.empty(emissions.shape, dtype=torch.long)
    for t in range(1, len(emissions)):
        best, arcs = (scores[sources] + log_arcs).max(dim=1)
        back[t] = sources.gather(1, arcs[:, None])[:, 0]
        scores = best + emissions[t]
    return traced(back.numpy(), scores.numpy() + graph.log_end)


def by_arcs(graph: Graph, likelihoods: np.ndarray) -> np.ndarray:
    """The same in numpy."""
    emissions, states = likelihoods[:, graph.pdfs], np.arange(len(graph.pdfs))
    log_arcs = np.where(graph.sources < 0, -np.inf, graph.log_arcs)
    scores, back = graph.log_start + emissions[0], np.empty(emissions.shape, np.int64)
    for t in range(1, len(emissions)):
        arrived = scores[graph.sources] + log_arcs
        best = arrived.argmax(axis=1)
        back[t] = graph.sources[states, best]
        scores = arrived[states, best] + emissions[t]
    return traced(back, scores + graph.log_end)


def by_matrix(graph: Graph, likelihoods: np.ndarray) -> np.ndarray:
    """The same in numpy, by a matrix of all pairs of states."""
    emissions, states = likelihoods[:, graph.pdfs], np.arange(len(graph.pdfs))
    log_arcs = np.full((len(states), len(states)), -np.inf)
    for target_, column in np.argwhere(graph.sources >= 0):
        log_arcs[graph.sources[target_, column], target_] = graph.log_arcs[target_, column]
    scores, back = graph.log_start + emissions[0], np.empty(emissions.shape, np.int64)
    for t in range(1, len(emissions)):
        arrived = scores[:, None] + log_arcs
        back[t] = arrived.argmax(axis=0)
        scores = arrived[back[t], states] + emissions[t]
    return traced(back, scores + graph.log_end)


def traced(back: np.ndarray, final: np.ndarray) -> np.ndarray:
    """The path (T,) that ends in the best of the final scores (S,)."""
    path = np.empty(len(back), np.int64)
    path[-1] = final.argmax()
    for t in range(len(path) - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path


LOOPS = {
    "a loop in torch": in_torch,
    "a loop in numpy by arcs": by_arcs,
    "a loop in numpy by a matrix of states": by_matrix,
}


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
