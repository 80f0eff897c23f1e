"""What the benchmarks of training train: generated pairs, the plain diagonal network, a workplace."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.task import MdnTask
from steps.generators.pairs import Pairs
from steps.training.loop import Loop
from steps.training.options import TrainingOptions
from steps.training.workplace import Workplace, never
from tests.bench.generated import GROUPS, UTTERANCES_OF_SPEAKER, Corpus
from utils.settings import read_conf

PLAIN = Path("conf/mdn_plain.yaml")
MANY = 100  # updates an epoch, which the rule of the shipped conf is compared with


@dataclass(frozen=True)
class Setting:
    """A network to be trained.

    Attributes:
        train, dev: pairs of different speakers. options: of the network.
        directory: to work in. device: cpu or cuda.
    """

    train: Pairs
    dev: Pairs
    options: MdnOptions
    directory: Path
    device: str = "cpu"

    @property
    def texts_of_row(self) -> int:
        """How many of the texts of an embedding an update looks at."""
        return min(self.options.texts_per_group, len(self.train.variants) // len(GROUPS))

    @property
    def n_batches(self) -> int:
        """Updates in an epoch."""
        return self.options.n_updates(len(self.train.x))

    def loop(self, name: str, kind: type[Loop] = Loop, stop_requested: Callable[[], bool] = never) -> Loop:
        """The training loop at its start, in a directory of its own, or where it stopped there."""
        directory = self.directory / name
        directory.mkdir(parents=True, exist_ok=True)
        task = MdnTask(self.train, self.dev, self.options, self.device)
        return kind(task, TrainingOptions.of(self.options), Workplace(directory, self.device, stop_requested))

    def __str__(self) -> str:
        (n, dim), texts, options = self.train.x.shape, len(self.train.variants), self.options
        return (
            f"{n:,} x {dim} generated embeddings, {len(GROUPS)} groups, {texts} texts: {n * texts // len(GROUPS):,}"
            f" pairs of an embedding and a text of its group. K = {options.n_components}, {PLAIN} with"
            f" {self.n_batches} updates an epoch, {self.device}. An update looks at {self.texts_of_row} texts of each"
            f" group, drawn anew, an epoch at {n * self.texts_of_row:,} pairs; only these count below."
        )


def prepare(corpus: Corpus, directory: Path, device: str = "cpu", **options: int) -> Setting:
    """Generate `corpus` and a dev set of a tenth as many other speakers; `options` override those of the network."""
    torch.set_flush_denormal(True)
    n_speakers = corpus.n // UTTERANCES_OF_SPEAKER
    pairs = Corpus(corpus.n + corpus.n // 10, corpus.dim, corpus.n_texts, corpus.text_dim, corpus.seed).pairs()
    network = MdnOptions(**(read_conf(MdnOptions, PLAIN) | options))
    known = pairs.speakers < n_speakers
    return Setting(pairs.of_speakers(known), pairs.of_speakers(~known), network, directory, device)
