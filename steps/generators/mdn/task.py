"""The training task of a mixture density network: its start, batches, loss and dev figure."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steps.generators.mdn.batches import Batches
from steps.generators.mdn.generator import MdnGenerator
from steps.generators.mdn.grid import Grid
from steps.generators.mdn.grid_batches import GridBatches, GridSet
from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.start import make_start
from steps.generators.pairs import Pairs
from steps.training.precision import autocast, products_in
from steps.training.task import Panel, Report, part_of_rows
from steps.training.workplace import never

MdnBatch = tuple[np.ndarray, np.ndarray] | Grid  # rows (n,) and positions of variants


class MdnTask:
    """Minimises the mean NLL of embeddings under the texts they are paired with (see `steps.training.task.Task`).

    Args:
        stop_requested: asked during the start, which raises RunAgain.
        grids: score all groups at once, with padding, instead of one after the other; by default on a GPU, where few
            large kernels are several times as fast. On a processor padding costs up to a tenth.
    """

    def __init__(
        self,
        train: Pairs,
        dev: Pairs,
        options: MdnOptions,
        device: str,
        grids: bool | None = None,
        stop_requested: Callable[[], bool] = never,
    ):
        begin = make_start(train, options, device, stop_requested)
        self.options, self.frame, self.network = options, begin.frame, begin.network.to(device)
        self.train = Batches(train, begin.latent, torch.device(device))
        latent = begin.frame.to_latent(dev.x.astype(np.float64)).astype(np.float32)
        self.dev = Batches(dev, latent, torch.device(device))
        self.grids: GridBatches | None = None
        if grids or (grids is None and self.train.latent.is_cuda):
            self.grids = GridBatches(self.train, options.texts_per_group)
            self.dev_grids = GridSet(self.dev, self.network.sizes)
        self.repeats = self.grids is not None
        self.n_updates = options.n_updates(len(self.train))
        self.report = Report(
            loss="train_nll",
            decides="dev_nll",
            panels=(Panel("NLL, nats per embedding", {"train_nll": "training speakers", "dev_nll": "dev speakers"}),),
            epochs="epoch (0: closed-form start)",
            loss_offset=begin.frame.log_volume,
            memory="texts_per_group, n_components or hidden",
        )

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The dense layers, and the linear path without weight decay."""
        straight = [] if self.network.linear is None else list(self.network.linear.parameters())
        dense = [p for p in self.network.parameters() if not any(p is q for q in straight)]
        return [{"params": dense}, {"params": straight, "weight_decay": 0.0}]

    def batches(self, epoch: int, first: int, rng: np.random.Generator) -> Iterator[MdnBatch]:
        """Rows, and the variants that they are scored under."""
        if self.grids is not None:
            yield from self.grids.epoch(rng, self.n_updates)[first:]
            return
        for number, rows in enumerate(self.train.draw(rng, self.n_updates)):
            variants = self.train.some_variants(rng, self.options.texts_per_group)
            if number >= first:
                yield rows, variants

    def part(self, batch: MdnBatch, number: int, of: int) -> tuple[MdnBatch, float]:
        """A share of the rows, all variants."""
        if isinstance(batch, Grid):
            part = batch.part(number, of)
            return part, of * float(part.rows.numel() + part.captions.numel() > 0)
        rows, weight = part_of_rows(batch[0], number, of)
        return (rows, batch[1]), weight

    def loss(self, batch: MdnBatch) -> Tensor:
        """The mean NLL () in latent units."""
        if isinstance(batch, Grid):
            return -self.grids.log_density(self.network, batch)
        return -self.train.log_density(self.network, *batch).mean()

    def dev_figures(self) -> dict[str, float | Tensor]:
        """The NLL of the dev set in nats, balanced over groups and speakers; in fp32, as the generator is used."""
        device = self.dev.latent.device
        with products_in("fp32", device), autocast("fp32", device):
            if self.grids is None:
                density = self.dev.balanced_log_density(self.network, self.options.batch_size)
            else:
                density = self.dev_grids.balanced_log_density(self.network)
        return {"dev_nll": self.frame.log_volume - density}

    def export(self) -> MdnGenerator:
        """The network as a generator."""
        return MdnGenerator(self.network.weights(), self.frame, self.options.spread)
