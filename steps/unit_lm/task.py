"""The training task of a language model of units: batches, loss, figures, and the network that is left."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steps.training.task import Panel, Report
from steps.unit_lm.batches import LmBatch, LmBatches
from steps.unit_lm.network_options import UnitLmOptions, make_network
from steps.unit_lm.sequences import UnitSequences
from steps.unit_lm.unit_network import UnitNetwork, losses
from steps.unit_lm.vocabulary import Vocabulary


class UnitLmTask:
    """Minimises -log p of each unit and of the end, all of which weigh the same (see `steps.training.task.Task`).

    Args:
        train: what is learned from. dev: what decides. device: of the network.
    """

    def __init__(self, train: UnitSequences, dev: UnitSequences, options: UnitLmOptions, device: str):
        self.device, self.dev = device, dev
        vocabulary = Vocabulary(train.info.n_units)
        torch.manual_seed(options.seed)
        self.network = make_network(options, vocabulary).to(device)
        sizes = vocabulary, options.batch_units, options.max_units
        self.train_batches, self.dev_batches = LmBatches(train, *sizes), LmBatches(dev, *sizes)
        self.n_updates, self.repeats = self.train_batches.n_batches, False
        panels = [Panel("nats a unit", {"train_loss": "train", "dev_loss": "dev"})]
        panels.append(Panel("bits a unit", {"dev_bits": "dev"}))
        self.report = Report("train_loss", "dev_loss", tuple(panels), memory="batch_units")

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All parameters alike."""
        return [{"params": list(self.network.parameters())}]

    def batches(self, epoch: int, first: int, rng: np.random.Generator) -> Iterator[LmBatch]:
        """Stretches of like length."""
        return self.train_batches.epoch(rng, first)

    def part(self, batch: LmBatch, number: int, of: int) -> tuple[LmBatch, float]:
        """A share of the rows."""
        return batch.part(number, of)

    def loss(self, batch: LmBatch) -> Tensor:
        """The mean over all outcomes of a batch, in nats."""
        return self._losses(batch).mean()

    @torch.no_grad()
    def dev_figures(self) -> dict[str, float]:
        """The mean loss in nats and in bits, and where durations are known the bits of a second."""
        nats = sum(float(self._losses(batch).double().sum()) for batch in self.dev_batches.epoch())
        mean = nats / self.dev_batches.n_outcomes
        figures = {"dev_loss": mean, "dev_bits": mean / math.log(2)}
        if self.dev.seconds is not None:
            figures["dev_bits_per_second"] = nats / math.log(2) / float(self.dev.seconds.sum())
        return figures

    def export(self) -> UnitNetwork:
        """The network."""
        return self.network

    def _losses(self, batch: LmBatch) -> Tensor:
        arrays = (batch.symbols, batch.outcomes, batch.real)
        return losses(self.network, *(torch.from_numpy(one).to(self.device) for one in arrays))
