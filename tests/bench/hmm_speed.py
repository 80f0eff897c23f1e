"""Speed of best paths of many utterances at once, against a loop over the frames of one after the other, in numpy.

Four-digit phrases in phones of three states, with optional silence; densities are drawn. Both find the same paths.
Sums over all paths (forward-backward) are timed beside. Writes a section of RESULTS.md.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from steps.hmm.lang import Lang
from steps.hmm.lexicon import read_lexicon
from steps.hmm.make_lang import Options as LangOptions
from steps.hmm.make_lang import language
from steps.hmm.make_lexicon import DIGITS
from steps.hmm.paths import best_paths, posteriors
from steps.hmm.trellis import Graph, Trellis
from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import require_one_thread, spread, take_turns
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

TITLE = "Best paths through phrases"
TARGET = ">= 25"  # times the loop


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    utterances: int = option(512, "phrases, side by side", least=2, most=10**5)
    looped: int = option(8, "phrases that the loop takes", least=1, most=10**4)
    frames: int = option(250, "of the longest phrase; the shortest has three fifths", least=100, most=10**4)
    rounds: int = option(5, "timings of each", least=1, most=1000)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    lang = digits_in_phones()
    loops = rng.uniform(0.5, 0.9, lang.n_pdfs)
    words = sorted(lang.lexicon)
    graphs = [lang.graph_of([str(word) for word in rng.choice(words, 4)], loops) for _ in range(options.utterances)]
    lengths = rng.integers(options.frames * 3 // 5, options.frames + 1, options.utterances)
    likelihoods = [rng.normal(-60, 8, (length, lang.n_pdfs)) for length in lengths]
    chosen = range(0, options.utterances, -(-options.utterances // options.looped))
    single, double = (
        [torch.from_numpy(own).to(dtype) for own in likelihoods] for dtype in (torch.float32, torch.float64)
    )

    def looped() -> list[np.ndarray]:
        return [loop(graphs[number], likelihoods[number]) for number in chosen]

    _, paths = best_paths(Trellis.of(graphs, double))
    if any(not np.array_equal(paths[number], own) for number, own in zip(chosen, looped(), strict=True)):
        raise InputError("the two ways do not find the same paths")
    actions = {
        "best paths": lambda: best_paths(Trellis.of(graphs, single)),
        "best paths in float64": lambda: best_paths(Trellis.of(graphs, double)),
        "forward-backward": lambda: posteriors(Trellis.of(graphs, single)),
        "a loop over frames": looped,
    }
    seconds = take_turns(actions, options.rounds, clock=time.process_time)
    n_frames = dict.fromkeys(actions, lengths.sum()) | {"a loop over frames": lengths[list(chosen)].sum()}
    rows = [(name, spread(found / n_frames[name], 1e6, 2)) for name, found in seconds.items()]
    per_frame = {name: np.median(found) / n_frames[name] for name, found in seconds.items()}
    ratio = float(per_frame["a loop over frames"] / per_frame["best paths"])
    body = table(("", "microseconds of processor time a frame"), rows)
    states = np.mean([len(graph.pdfs) for graph in graphs])
    body += (
        f"\n\n{options.utterances} phrases of {states:.0f} states on average. Best paths: {ratio:.1f} times the loop"
    )
    body += f" {target(ratio, TARGET)}, the same paths in float64."
    record(options.results, TITLE, command_line("tests.bench.hmm_speed", options), body)


def digits_in_phones() -> Lang:
    """Digits in English, in phones of three states."""
    file = DIGITS / "english.txt"
    return language(read_lexicon(file), LangOptions(lexicon=file, out=Path("unused")), file)


def loop(graph: Graph, likelihoods: np.ndarray) -> np.ndarray:
    """The best path (T,) of one utterance, with log likelihoods (T, P), frame after frame."""
    emissions = likelihoods[:, graph.pdfs]
    log_arcs = np.where(graph.sources < 0, -np.inf, graph.log_arcs)
    states = np.arange(len(graph.pdfs))
    back = np.empty(emissions.shape, np.int64)
    scores = graph.log_start + emissions[0]
    for t in range(1, len(emissions)):
        arrived = scores[graph.sources] + log_arcs
        best = arrived.argmax(axis=1)
        back[t] = graph.sources[states, best]
        scores = arrived[states, best] + emissions[t]
    path = np.empty(len(emissions), np.int64)
    path[-1] = (scores + graph.log_end).argmax()
    for t in range(len(path) - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
