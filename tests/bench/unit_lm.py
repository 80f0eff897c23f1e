"""Language models of units: speed of training and of sampling, and bits on unseen speakers beside n-grams.

`speed`, on drawn sequences of 2,000 units: a pass of training in batches by a budget, against random batches of 16 that
are filled up to the longest, with logits of all places; and units sampled side by side, against a loop over one
sequence after the other, step by step. `quality`, on all audio of the data folders (tests/bench/unit_corpus.py): units
of cepstra, by k-means of training speakers, then networks and n-grams of several shares of these speakers. Writes a
section of RESULTS.md.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from steps.training.options import TrainingOptions
from steps.training.process_group import ProcessGroup
from steps.training.updater import Updater
from steps.unit_lm.choices import ChoiceOptions
from steps.unit_lm.network_options import UnitLmOptions, make_network
from steps.unit_lm.sequences import UnitSequences
from steps.unit_lm.task import UnitLmTask
from steps.unit_lm.unit_sampler import Limits, SequenceStart, UnitSampler
from steps.unit_lm.vocabulary import Vocabulary
from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import require_one_thread, spread, take_turns
from tests.bench.unit_corpus import write_drawn
from tests.bench.unit_quality import quality
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

TITLE = "Language models of units"
N_UNITS = 2000
TRAINING, SAMPLING = ">= 1.7", ">= 15"
ROWS = 16  # of a random batch
SPEED, QUALITY = PARTS = ("speed", "quality")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    parts: tuple[str, ...] = option(PARTS, "what is measured", choices=PARTS)
    sequences: int = option(256, "drawn, of lognormal length", least=2, most=10**6)
    sampled: int = option(64, "sequences sampled side by side", least=1, most=10**6)
    looped: int = option(2, "sequences that the loop samples", least=1, most=10**4)
    steps: int = option(150, "units of a sampled sequence", least=1, most=1500)
    rounds: int = option(3, "timings of each", least=1, most=1000)
    shares: tuple[float, ...] = option((0.1, 0.3, 1.0), "of the training speakers; the last is all", above=0, most=1)
    epochs: int = option(4, "of all speakers; of a share as many more as the root of it", least=1, most=1000)
    nj: int = option(1, "jobs that make units", least=1, most=1000)
    work: Path | None = option(None, "directory to keep units and models in; none: a temporary one")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    with tempfile.TemporaryDirectory() as temporary:
        body = speed(options, Path(temporary)) if SPEED in options.parts else ""
        if QUALITY in options.parts:
            folders = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere"))
            directory = options.work or Path(temporary) / "quality"
            body += "\n\n" + quality(folders, directory, options.shares, options.epochs, options.nj)
    record(options.results, TITLE, command_line("tests.bench.unit_lm", options), body)


def speed(options: Options, directory: Path) -> str:
    """Training and sampling, in seconds of processor time."""
    write_drawn(directory / "drawn", options.sequences, N_UNITS)
    sequences = UnitSequences(directory / "drawn")
    n_outcomes = int(sequences.lengths.sum()) + len(sequences)
    trained = take_turns(
        {"budget": by_budget(sequences), "random": by_random(sequences)}, options.rounds, clock=time.process_time
    )
    torch.manual_seed(0)
    network = make_network(UnitLmOptions(), Vocabulary(N_UNITS)).eval()
    n_sampled, n_looped = options.sampled * options.steps, options.looped * options.steps
    sampled = take_turns(
        {
            "side": partial(side_by_side, network, options.sampled, options.steps),
            "loop": partial(one_by_one, network, options.looped, options.steps),
        },
        options.rounds,
        clock=time.process_time,
    )
    ratio = trained["random"] / trained["budget"]
    gain = (sampled["loop"] / n_looped) / (sampled["side"] / n_sampled)
    rows = [
        ("training: batches of 4,096 places, of like length", spread(n_outcomes / trained["budget"], digits=0), ""),
        (f"training: random batches of {ROWS}, filled up", spread(n_outcomes / trained["random"], digits=0), ""),
        ("ratio", spread(ratio, digits=2), target(float(np.median(ratio)), TRAINING)),
        (f"sampling: {min(64, options.sampled)} side by side", spread(n_sampled / sampled["side"], digits=0), ""),
        ("sampling: a loop, one by one", spread(n_looped / sampled["loop"], digits=0), ""),
        ("ratio", spread(gain, digits=1), target(float(np.median(gain)), SAMPLING)),
    ]
    lengths = sequences.lengths
    facts = (
        f"LSTM of 2 layers, vectors of 128, states of 256, {N_UNITS:,} units; {len(lengths)} sequences of"
        f" {lengths.mean():.0f} units in the mean, {lengths.max():,} at most. Units a second of processor time, median"
        f" and range of {options.rounds} rounds; ratios are of rounds."
    )
    return f"{facts}\n\n" + table(("", "units a second", "goal"), rows)


def by_budget(sequences: UnitSequences) -> Callable[[], None]:
    """A pass of training as steps.unit_lm.train makes it."""
    options = UnitLmOptions(dropout=0.0)
    task = UnitLmTask(sequences, sequences, options, "cpu")
    updater = Updater(task, TrainingOptions.of(options), ProcessGroup(), torch.device("cpu"), lambda: None)
    rng = np.random.default_rng(0)

    def epoch() -> None:
        for batch in task.batches(1, 0, rng):
            updater(batch)

    return epoch


class Padded(nn.Module):
    """Embedding, LSTM, linear: a loss over all places, PAD among them."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(N_UNITS + 2, 128)
        self.lstm = nn.LSTM(128, 256, 2, batch_first=True)
        self.linear = nn.Linear(256, N_UNITS + 2)


def by_random(sequences: UnitSequences) -> Callable[[], None]:
    """A pass in random batches that are filled up to their longest."""
    torch.manual_seed(0)
    network, bos, pad = Padded(), N_UNITS, N_UNITS + 1
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    rows = [torch.from_numpy(np.concatenate([[bos], sequences.units(n), [pad]])) for n in range(len(sequences))]
    rng = np.random.default_rng(0)

    def epoch() -> None:
        order = rng.permutation(len(rows))
        for begin in range(0, len(rows), ROWS):
            own = [rows[number] for number in order[begin : begin + ROWS]]
            batch = nn.utils.rnn.pad_sequence(own, batch_first=True, padding_value=pad)
            states, _ = network.lstm(network.embedding(batch[:, :-1]))
            loss = nn.functional.cross_entropy(network.linear(states).flatten(0, 1), batch[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()

    return epoch


def side_by_side(network: nn.Module, n: int, steps: int) -> None:
    """Sample as steps.unit_lm.sample does."""
    starts = [SequenceStart((0, number), np.zeros(0, np.int32)) for number in range(n)]
    found = UnitSampler(network, ChoiceOptions(), Limits(steps, steps, False), 64).draw(starts)
    if any(len(units) != steps for units in found):
        raise InputError("a sequence has another length")


@torch.inference_mode()
def one_by_one(network: nn.Module, n: int, steps: int) -> None:
    """Sample a sequence after the other, each step by torch's own LSTM."""
    for _ in range(n):
        symbol, state = torch.tensor([[network.vocabulary.bos]]), None
        for _ in range(steps):
            states, state = network.lstm(network.embedding(symbol), state)
            symbol = torch.multinomial(network.linear(states[:, -1])[:, :N_UNITS].softmax(-1), 1)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
