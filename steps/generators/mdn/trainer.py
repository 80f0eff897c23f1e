"""Training of a mixture density network: AdamW, plateau schedule, clipping, early stopping, exact resume.

Embeddings are drawn with the weights of `Pairs` (groups and speakers count the same), each is scored under all the
texts it is paired with, and batches mix all groups. The state after each epoch is one file, `last.safetensors`; an
interrupted training continues from it and ends with the same bits. Checkpoints are safetensors with JSON in their
header: no pickle is written or read.
"""

import itertools
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from steps.generators.mdn.density import cross_log_density, features, paired_log_density
from steps.generators.mdn.generator import MdnGenerator
from steps.generators.mdn.network import NETWORK, MixtureDensityNetwork
from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.start import start
from steps.generators.pairs import Pairs
from utils.command import logger, progress
from utils.errors import InputError

log = logger(__name__)
LAST, BEST, METRICS = "last.safetensors", "best.safetensors", "metrics.jsonl"


@dataclass
class Progress:
    """What training knows besides weights: saved in the header of the checkpoint."""

    epoch: int = 0
    best_epoch: int = 0
    best_dev: float = math.inf
    scheduler: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


class Batches:
    """Pairs on the device, cut into batches that are sorted by group.

    Attributes:
        latent: (N, q) embeddings in the network's space. texts: (T, E) variants sorted by group, then captions.
    """

    def __init__(self, pairs: Pairs, latent: np.ndarray, device: torch.device):
        order = np.argsort(pairs.variant_groups, kind="stable")
        self.bounds = np.searchsorted(pairs.variant_groups[order], np.arange(len(pairs.group_names) + 1))
        self.n_variants = len(order)
        self.groups, self.weights, self.texts_of_row = pairs.groups, pairs.weights, pairs.texts_of_row
        self.captions_of: list[np.ndarray] | None = None
        if len(pairs.captions):
            rows = np.argsort(pairs.caption_rows, kind="stable")
            cuts = np.searchsorted(pairs.caption_rows[rows], np.arange(len(latent) + 1))
            self.captions_of = [rows[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
        self.texts = torch.from_numpy(np.concatenate([pairs.variants[order], pairs.captions])).to(device)
        self.latent = torch.from_numpy(latent).to(device)

    def __len__(self) -> int:
        return len(self.groups)

    def draw(self, rng: np.random.Generator, n_batches: int) -> list[np.ndarray]:
        """Rows of an epoch: N systematic draws by weight, in random order, in `n_batches` parts."""
        points = (np.arange(len(self)) + rng.random()) / len(self)
        rows = np.minimum(np.searchsorted(np.cumsum(self.weights), points), len(self) - 1)
        return np.array_split(rng.permutation(rows), n_batches)

    def some_variants(self, rng: np.random.Generator, most: int) -> np.ndarray:
        """At most `most` variants of each group, drawn at random: their positions in `texts`, sorted."""
        groups = itertools.pairwise(self.bounds)
        return np.concatenate([first + np.sort(rng.permutation(last - first)[:most]) for first, last in groups])

    def log_density(
        self, network: MixtureDensityNetwork, rows: np.ndarray, variants: np.ndarray | None = None
    ) -> Tensor:
        """Mean log density (n,) over their texts of the embeddings of `rows`, ordered by group.

        Where only some `variants` (positions) are looked at, they stand for all of their group.
        """
        rows = rows[np.argsort(self.groups[rows], kind="stable")]
        latent = self.latent[torch.from_numpy(rows).to(self.latent.device)]
        total = latent.new_zeros(len(rows))
        if self.n_variants:
            variants = np.arange(self.n_variants) if variants is None else variants
            total = total + self._under_variants(network, latent, rows, variants)
        if self.captions_of is not None:
            total = total + self._under_captions(network, latent, rows)
        return total / torch.from_numpy(self.texts_of_row[rows]).to(total)

    def _under_variants(
        self, network: MixtureDensityNetwork, latent: Tensor, rows: np.ndarray, variants: np.ndarray
    ) -> Tensor:
        """Sum of log densities (n,) over all variants of the group, of which `variants` are looked at."""
        # split, not slices: the gradient of a slice is an array for all texts
        texts_of = np.diff(np.searchsorted(variants, self.bounds)).tolist()
        texts = self.texts[torch.from_numpy(variants).to(self.texts.device)]
        parameters = [value.split(texts_of) for value in network(texts)]
        inputs = features(latent, network.sizes.diagonal)
        rows_of = np.diff(np.searchsorted(self.groups[rows], np.arange(len(self.bounds)))).tolist()
        stands_for = (np.diff(self.bounds) / np.maximum(texts_of, 1)).tolist()
        groups = zip(stands_for, inputs.split(rows_of), *parameters, strict=True)
        return torch.cat(
            [many * cross_log_density(u, tuple(mixtures)).sum(1) for many, u, *mixtures in groups if len(u)]
        )

    def _under_captions(self, network: MixtureDensityNetwork, latent: Tensor, rows: np.ndarray) -> Tensor:
        own = [self.captions_of[row] for row in rows]
        position = torch.from_numpy(np.repeat(np.arange(len(rows)), [len(texts) for texts in own])).to(latent.device)
        texts = torch.from_numpy(np.concatenate(own).astype(np.int64) + self.n_variants).to(latent.device)
        density = paired_log_density(latent[position], network(self.texts[texts]))
        return torch.zeros(len(rows), device=latent.device).index_add(0, position, density)

    @torch.inference_mode()
    def balanced_log_density(self, network: MixtureDensityNetwork, chunk: int) -> float:
        """Mean log density of all embeddings, balanced over groups and speakers."""
        order = np.argsort(self.groups, kind="stable")
        parts = [order[begin : begin + chunk] for begin in range(0, len(order), chunk)]
        density = torch.cat([self.log_density(network, rows) for rows in parts])
        return float(self.weights[order] @ density.double().cpu().numpy())


class Trainer:
    """Trains one network in one directory, from the start or from its last checkpoint."""

    def __init__(self, train: Pairs, dev: Pairs, options: MdnOptions, directory: Path, device: str):
        self.options, self.directory = options, directory
        begin = start(train, options)
        self.frame, self.device = begin.frame, torch.device(device)
        self.network = begin.network.to(self.device)
        self.train = Batches(train, begin.latent, self.device)
        self.dev = Batches(dev, begin.frame.to_latent(dev.x.astype(np.float64)).astype(np.float32), self.device)
        self.log_volume = begin.frame.log_volume
        straight = [] if self.network.linear is None else list(self.network.linear.parameters())
        dense = [p for p in self.network.parameters() if not any(p is q for q in straight)]
        self.optimizer = torch.optim.AdamW(
            [{"params": dense}, {"params": straight, "weight_decay": 0.0}],
            lr=options.lr,
            weight_decay=options.weight_decay,
            fused=True,
        )
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimizer, factor=0.5, patience=options.lr_patience
        )
        self.progress = Progress()

    def run(self) -> MdnGenerator:
        """Train until the dev density stops rising. Returns the generator of the best epoch."""
        torch.set_flush_denormal(True)
        if not self._resume():
            self._judge(train_loss=None)
        for _ in progress(
            range(self.progress.epoch, self.options.epochs), self.options.epochs - self.progress.epoch, "epochs"
        ):
            if self.progress.epoch - self.progress.best_epoch >= self.options.patience:
                log.info("no better dev density for %d epochs: stopped", self.options.patience)
                break
            self.progress.epoch += 1
            self._judge(self._epoch())
        log.info("best epoch %d: dev NLL %.4f nats", self.progress.best_epoch, self.progress.best_dev)
        self._load(BEST)
        return MdnGenerator(self.network, self.frame, self.options.spread)

    def _epoch(self) -> float:
        """One pass of updates. Returns the mean training loss in nats; raises InputError where it is not finite."""
        rng = np.random.default_rng([self.options.seed, self.progress.epoch])
        n_batches = max(
            min(self.options.updates_per_epoch, len(self.train)), math.ceil(len(self.train) / self.options.batch_size)
        )
        losses = []
        for rows in self.train.draw(rng, n_batches):
            losses.append(self.update(rows, self.train.some_variants(rng, self.options.texts_per_group)))
        values = torch.stack(losses).cpu()
        if not values.isfinite().all():
            first = int((~values.isfinite()).nonzero()[0])
            self._stop(f"the loss became {values[first]} at update {first + 1} of {n_batches}")
        return float(values.double().mean()) + self.log_volume

    def update(self, rows: np.ndarray, variants: np.ndarray | None = None) -> Tensor:
        """One step of the optimizer on the embeddings of `rows`. Returns the loss (), in latent units."""
        loss = -self.train.log_density(self.network, rows, variants).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.optimizer.step()
        return loss.detach()

    def _judge(self, train_loss: float | None) -> None:
        """Measure the dev set, step the schedule, and save the state of this epoch."""
        dev = self.log_volume - self.dev.balanced_log_density(self.network, self.options.batch_size)
        if not math.isfinite(dev):
            self._stop(f"the dev loss became {dev} at the end")
        state, lr = self.progress, self.optimizer.param_groups[0]["lr"]
        row = {"epoch": state.epoch, "train_nll": train_loss, "dev_nll": dev, "lr": lr}
        state.history.append(row)
        log.info(
            "epoch %d: train NLL %s, dev NLL %.4f, lr %g",
            state.epoch,
            "-" if train_loss is None else f"{train_loss:.4f}",
            dev,
            lr,
        )
        if state.epoch:
            self.scheduler.step(dev)
        state.scheduler = self.scheduler.state_dict()
        if dev < state.best_dev:
            state.best_dev, state.best_epoch = dev, state.epoch
            self._save(BEST, with_optimizer=False)
        lines = [json.dumps(row) + "\n" for row in state.history]
        (self.directory / METRICS).write_text("".join(lines), encoding="utf-8")
        self._save(LAST, with_optimizer=True)  # at the end: it says that this epoch is complete

    def _stop(self, what: str) -> NoReturn:
        epoch = self.progress.epoch
        kept = f"{LAST} there is the last good checkpoint, of epoch {epoch - 1}" if epoch else "nothing is learned yet"
        raise InputError(
            f"{self.directory}: {what} of epoch {epoch}; {kept}; lower lr, or look for huge values in the data"
        )

    def _save(self, name: str, with_optimizer: bool) -> None:
        tensors = {NETWORK + key: value.contiguous() for key, value in self.network.state_dict().items()}
        if with_optimizer:
            for number, state in self.optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{number}.{key}": value for key, value in state.items()}
        partial = self.directory / f"{name}.partial"
        # not save_file: it has temporary files of its own, which a kill leaves behind
        partial.write_bytes(save(tensors, metadata={"progress": json.dumps(vars(self.progress))}))
        partial.rename(self.directory / name)

    def _resume(self) -> bool:
        """Continue from the last checkpoint, if there is one."""
        if not (self.directory / LAST).is_file():
            return False
        tensors, header = self._load(LAST)
        self.progress = Progress(**json.loads(header["progress"]))
        self.scheduler.load_state_dict(self.progress.scheduler)
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, number, key = name.split(".")
                state.setdefault(int(number), {})[key] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        for group in groups:
            group["lr"] = self.progress.scheduler["_last_lr"][0]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        log.info("resumed after epoch %d", self.progress.epoch)
        return True

    def _load(self, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
        with safe_open(str(self.directory / name), framework="pt", device=str(self.device)) as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
            header = file.metadata()
        self.network.load_weights(tensors, str(self.directory / name))
        return tensors, header
