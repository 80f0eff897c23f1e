"""A small task with everything that makes resuming hard: dropout, batch norm, noise from Python's and numpy's streams.

As a command, for tests that kill it: python3 -m tests.steps.training.tiny DIRECTORY PROCESSES [--kill EPOCH.UPDATE]
[key=value ...]; it kills itself, once, before that update.
"""

import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from steps.training.loop import Loop
from steps.training.options import TrainingOptions
from steps.training.task import Panel, Report, part_of_rows
from steps.training.torchrun import fit_in_processes
from steps.training.workplace import Workplace
from utils.command import run_command, start_log
from utils.options import option
from utils.registry import make_options
from utils.run_again import StopRequest

N, DIM, CLASSES = 60, 6, 3
LOSS = Report("train_loss", "dev_loss", (Panel("loss", {"train_loss": "train", "dev_loss": "dev"}),))
ACCURACY = Report(
    "train_loss", "accuracy", (*LOSS.panels, Panel("accuracy", {"accuracy": "dev"})), higher_is_better=True
)


@dataclass(frozen=True)
class TinyOptions(TrainingOptions):
    """The options of the loop, some with other defaults, and a few more."""

    epochs: int = option(3, "passes over the data", least=0)
    lr: float = option(0.01, "learning rate", above=0)
    dropout: float = option(0.3, "share of units left out")
    noise: float = option(0.1, "deviation of the noise on the input")
    batch_size: int = option(15, "items in an update", least=1)


def make_data(seed: int) -> tuple[Tensor, Tensor]:
    """Points (N, DIM) around the centres of their classes (N,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(N) % CLASSES
    x = np.eye(CLASSES, DIM)[labels] + 0.6 * rng.normal(size=(N, DIM))
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(labels)


class TinyTask:
    """Classifies points; its result is the state of its network."""

    def __init__(self, options: TinyOptions, report: Report = LOSS, kill: tuple[Path, int, int] | None = None):
        torch.manual_seed(options.seed)
        self.options, self.report, self.kill = options, report, kill
        self.network = nn.Sequential(
            nn.Linear(DIM, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(options.dropout), nn.Linear(16, CLASSES)
        )
        self.n_updates, self.repeats = -(-N // options.batch_size), False
        self.x, self.labels = make_data(0)
        self.dev = make_data(1)
        self.seen: list[tuple[int, list[int]]] = []  # epoch and rows of all batches so far

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.network.parameters())}]

    def batches(self, epoch: int, first: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        for number, rows in enumerate(np.array_split(rng.permutation(N), self.n_updates)):
            if number < first:
                continue
            if self.kill and self.kill[1:] == (epoch, number) and not self.kill[0].exists():
                self.kill[0].touch()
                os.kill(os.getpid(), signal.SIGKILL)
            self.seen.append((epoch, rows.tolist()))
            yield rows

    def part(self, batch: np.ndarray, number: int, of: int) -> tuple[np.ndarray, float]:
        return part_of_rows(batch, number, of)

    def loss(self, batch: np.ndarray) -> Tensor:
        rows = torch.from_numpy(batch)
        noise = np.random.normal(size=(len(batch), DIM)) + random.gauss(0, 1)
        x = self.x[rows] + self.options.noise * torch.from_numpy(noise.astype(np.float32)).to(self.x)
        return nn.functional.cross_entropy(self.network(x).float(), self.labels[rows])

    @torch.inference_mode()
    def dev_figures(self) -> dict[str, float]:
        assert not self.network.training
        x, labels = self.dev
        scores = self.network(x + 0.01 * random.random()).float()  # draws, and must change nothing by it
        accuracy = float((scores.argmax(1) == labels).double().mean())
        return {"dev_loss": float(nn.functional.cross_entropy(scores, labels)), "accuracy": accuracy}

    def export(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.network.state_dict().items()}


def train(options: TinyOptions, workplace: Workplace, report: Report = LOSS) -> dict[str, Tensor]:
    """Train in this process. Returns what comes of it."""
    return Loop(TinyTask(options, report), options, workplace).run()


def fit(options: TinyOptions, kill: tuple[int, int] | None, workplace: Workplace) -> None:
    """Train in one process or in one of several; of these, `kill` is for those that do not write."""
    dies = kill and not (workplace.first and torch.distributed.is_initialized())
    at = (workplace.directory / "killed", *kill) if dies else None
    Loop(TinyTask(options, LOSS, at), options, workplace).run()


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    out: Path = option(help="directory")
    n: int = option(1, "processes")
    kill: str = option("", "epoch.update to die before, once")
    set: tuple = option((), "options of the task too", inner=lambda values: [TinyOptions])


def work(options: Options) -> None:
    """Train, alone or together."""
    start_log()
    torch.set_num_threads(1)
    own = make_options(TinyOptions, changes=dict(options.set))
    kill = tuple(map(int, options.kill.split("."))) if options.kill else None
    flag = multiprocessing.RawValue("b", 0)
    with StopRequest(flag) as asked:
        workplace = Workplace(options.out, "cpu")
        if options.n == 1:
            fit(own, kill, workplace._replace(stop_requested=asked))
        else:
            fit_in_processes(options.n, partial(fit, own, kill), workplace, flag)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
