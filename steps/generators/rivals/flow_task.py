"""The training task of a conditional flow: the density of embeddings, each under a text of its own, drawn anew."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from steps.generators.mdn.start import Start
from steps.generators.pairs import Pairs
from steps.generators.rivals.flow_generator import ConditionalFlow, FlowGenerator, FlowSizes
from steps.generators.rivals.text_draws import TextDraws
from steps.training.precision import products_in
from steps.training.task import Panel, Report, part_of_rows

if TYPE_CHECKING:
    from steps.generators.rivals.flow import FlowOptions

FlowBatch = tuple[np.ndarray, np.ndarray]  # embeddings (n,), and the texts (n,) they are scored under
ROWS = 4096  # of the dev set that are scored at once


class FlowTask:
    """Minimises the mean NLL of embeddings (see `steps.training.task.Task`).

    Args:
        start: the coordinates, in which unseen speakers have variance 1. size: number of layers, and their width.
    """

    repeats = False

    def __init__(
        self, train: Pairs, dev: Pairs, options: "FlowOptions", start: Start, size: tuple[int, int], device: str
    ):
        self.frame, self.device, self.weights = start.frame, torch.device(device), train.weights
        torch.manual_seed(options.seed)
        self.network = ConditionalFlow(FlowSizes(train.text_dim, start.frame.latent_dim, *size)).to(self.device)
        self.draws, self.dev_rows, self.dev_texts, self.dev_weights = TextDraws(train), *TextDraws(dev).some()
        self.texts, self.other_texts = (torch.from_numpy(pairs.texts).to(self.device) for pairs in (train, dev))
        of_dev = start.frame.to_latent(dev.x.astype(np.float64)).astype(np.float32)
        self.latent, self.other_latent = (torch.from_numpy(one).to(self.device) for one in (start.latent, of_dev))
        self.network.normalise_texts(self.texts)
        self.n_updates = math.ceil(len(train.x) / options.batch_size)
        self.report = Report(
            loss="train_nll",
            decides="dev_nll",
            panels=(Panel("NLL, nats per embedding", {"train_nll": "training speakers", "dev_nll": "dev speakers"}),),
            epochs="epoch (0: one Gaussian)",
            loss_offset=start.frame.log_volume,
            memory="batch_size",
        )

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All parameters."""
        return [{"params": list(self.network.parameters())}]

    def batches(self, epoch: int, first: int, rng: np.random.Generator) -> Iterator[FlowBatch]:
        """Embeddings drawn by their weights, and a text for each."""
        rows = rng.choice(len(self.weights), len(self.weights), p=self.weights)
        texts = self.draws.draw(rng, rows)
        parts = (np.array_split(one, self.n_updates) for one in (rows, texts))
        yield from list(zip(*parts, strict=True))[first:]

    def part(self, batch: FlowBatch, number: int, of: int) -> tuple[FlowBatch, float]:
        """A share of the embeddings."""
        place, weight = part_of_rows(np.arange(len(batch[0])), number, of)
        return (batch[0][place], batch[1][place]), weight

    def loss(self, batch: FlowBatch) -> Tensor:
        """The mean NLL () in latent units."""
        rows, texts = (torch.from_numpy(one).to(self.device) for one in batch)
        return -self.network(self.latent[rows], self.texts[texts]).mean()

    @torch.inference_mode()
    def dev_figures(self) -> dict[str, float | Tensor]:
        """The NLL of the dev set in nats, balanced over groups and speakers, some texts each."""
        pairs = (torch.from_numpy(one).to(self.device).split(ROWS) for one in (self.dev_rows, self.dev_texts))
        with products_in("fp32", self.device):
            parts = [
                self.network(self.other_latent[rows], self.other_texts[texts])
                for rows, texts in zip(*pairs, strict=True)
            ]
        density = torch.cat(parts).double().cpu().numpy()
        return {"dev_nll": self.frame.log_volume - float(self.dev_weights @ density)}

    def export(self) -> FlowGenerator:
        """The flow as a generator."""
        return FlowGenerator(self.network, self.frame)
