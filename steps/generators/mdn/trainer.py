"""Training of a mixture density network: AdamW, plateau schedule, clipping, early stopping, exact resume.

The state after each epoch is one file, `last.safetensors`; asked to stop, training saves it between two updates. An
interrupted training continues from it and ends with the same bits. Several processes (`steps.generators.mdn.group`)
share the rows of each update, and learn what one would up to the order of sums; only the first of them writes.
"""

import json
import math
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from steps.generators.contract import Workplace
from steps.generators.mdn.batches import Batches
from steps.generators.mdn.checkpoint import (
    LOSSES,
    Progress,
    load_optimizer,
    optimizer_tensors,
    read_checkpoint,
    write_checkpoint,
)
from steps.generators.mdn.generator import MdnGenerator
from steps.generators.mdn.group import Group
from steps.generators.mdn.network import NETWORK, MixtureDensityNetwork
from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.start import start
from steps.generators.pairs import Pairs
from utils.command import logger, progress
from utils.errors import InputError
from utils.run_again import RunAgain

log = logger(__name__)
LAST, BEST, METRICS = "last.safetensors", "best.safetensors", "metrics.jsonl"


class Objective(nn.Module):
    """What is minimised: the mean NLL () of some embeddings, in latent units."""

    def __init__(self, network: MixtureDensityNetwork, batches: Batches):
        super().__init__()
        self.network, self.batches = network, batches

    def forward(self, rows: np.ndarray, variants: np.ndarray | None = None) -> Tensor:
        """See `Batches.log_density`."""
        return -self.batches.log_density(self.network, rows, variants).mean()


class Trainer:
    """Trains one network in one directory, from the start or from its last checkpoint."""

    def __init__(self, train: Pairs, dev: Pairs, options: MdnOptions, place: Workplace):
        self.options, self.directory, self.asked, self.group = options, place.directory, place.asked, Group()
        begin = start(train, options)
        self.frame, self.device = begin.frame, torch.device(place.device)
        self.network = begin.network.to(self.device)
        self.train = Batches(train, begin.latent, self.device)
        self.dev = Batches(dev, begin.frame.to_latent(dev.x.astype(np.float64)).astype(np.float32), self.device)
        self.log_volume = begin.frame.log_volume
        self.objective = self.group.wrap(
            Objective(self.network, self.train), np.arange(min(len(self.train), options.batch_size))
        )
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
        self.losses = torch.zeros(0, device=self.device)  # of the updates before an interruption of this epoch

    def run(self) -> MdnGenerator:
        """Train until the dev density stops rising. Returns the generator of the best epoch.

        Raises RunAgain where it has been asked to stop; a trainer in the same directory then goes on from there.
        """
        torch.set_flush_denormal(True)
        if not self._resume():
            self._judge(train_loss=None)
        epochs = range(self.progress.epoch, self.options.epochs)
        for _ in progress(epochs, len(epochs), "epochs") if self.group.first else epochs:
            if self.progress.epoch - self.progress.best_epoch >= self.options.patience:
                log.info("no better dev density for %d epochs: stopped", self.options.patience)
                break
            self._judge(self._epoch())
        log.info("best epoch %d: dev NLL %.4f nats", self.progress.best_epoch, self.progress.best_dev)
        self.group.wait()  # for the first, which has written it
        self._load(BEST)
        return MdnGenerator(self.network, self.frame, self.options.spread)

    def _epoch(self) -> float:
        """One pass of updates. Returns the mean training loss in nats; raises InputError where it is not finite."""
        rng = np.random.default_rng([self.options.seed, self.progress.epoch + 1])
        n_batches = max(
            min(self.options.updates_per_epoch, len(self.train)), math.ceil(len(self.train) / self.options.batch_size)
        )
        losses: list[Tensor] = []
        for update, rows in enumerate(self.train.draw(rng, n_batches)):
            variants = self.train.some_variants(rng, self.options.texts_per_group)
            if update < len(self.losses):
                continue  # done before an interruption
            if self.group.any(self.asked()):
                self._interrupt(self._all_losses(losses))
            losses.append(self.update(rows, variants))
        values = self._all_losses(losses).cpu()
        if not values.isfinite().all():
            first = int((~values.isfinite()).nonzero()[0])
            self._stop(f"the loss became {values[first]} at update {first + 1} of {n_batches}")
        return float(values.double().mean()) + self.log_volume

    def update(self, rows: np.ndarray, variants: np.ndarray | None = None) -> Tensor:
        """One step of the optimizer on the embeddings of `rows`.

        Returns the loss () in latent units; of several processes, the mean of what they return is the loss.
        """
        own, weight = self.group.part(rows)
        loss = self.objective(own, variants)
        if self.group.size > 1:
            loss = loss * weight
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.optimizer.step()
        return loss.detach()

    def _all_losses(self, since: list[Tensor]) -> Tensor:
        """Losses of this epoch so far: those of before an interruption, and what `update` has returned since."""
        return torch.cat([self.losses, self.group.mean(torch.stack(since))]) if since else self.losses

    def _interrupt(self, losses: Tensor) -> NoReturn:
        """Save the state inside an epoch, after the updates that `losses` are of."""
        # else the last good checkpoint stays, and the same updates will tell what is wrong
        if losses.isfinite().all() and all(value.isfinite().all() for value in self.network.parameters()):
            self.progress.update = len(losses)
            self._save_last(losses)
        self.group.wait()
        raise RunAgain(f"{self.directory}: asked to stop, {LAST} there is of {self.progress}")

    def _judge(self, train_loss: float | None) -> None:
        """Measure the dev set, step the schedule, and save the state of this epoch."""
        dev = self.group.of_first(
            lambda: self.log_volume - self.dev.balanced_log_density(self.network, self.options.batch_size)
        )
        if not math.isfinite(dev):
            self._stop(f"the dev loss became {dev} at the end")
        state, lr = self.progress, self.optimizer.param_groups[0]["lr"]
        state.epoch, state.update, self.losses = len(state.history), 0, self.losses[:0]
        state.history.append({"epoch": state.epoch, "train_nll": train_loss, "dev_nll": dev, "lr": lr})
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
            self._save(BEST, {})
        if self.group.first:
            lines = [json.dumps(row) + "\n" for row in state.history]
            (self.directory / METRICS).write_text("".join(lines), encoding="utf-8")
        self._save_last(self.losses)  # at the end: it says that this epoch is complete

    def _stop(self, what: str) -> NoReturn:
        known = self.progress.history
        kept = f"{LAST} there is the last good checkpoint, of {self.progress}" if known else "nothing is learned yet"
        raise InputError(
            f"{self.directory}: {what} of epoch {len(known)}; {kept}; lower lr, or look for huge values in the data"
        )

    def _save_last(self, losses: Tensor) -> None:
        self._save(LAST, optimizer_tensors(self.optimizer) | ({LOSSES: losses} if len(losses) else {}))

    def _save(self, name: str, more: dict[str, Tensor]) -> None:
        if self.group.first:
            tensors = {NETWORK + key: value.contiguous() for key, value in self.network.state_dict().items()}
            write_checkpoint(self.directory / name, tensors | more, self.progress)

    def _resume(self) -> bool:
        """Continue from the last checkpoint, if there is one."""
        if not (self.directory / LAST).is_file():
            return False
        tensors, self.progress = self._load(LAST)
        self.losses = tensors.get(LOSSES, self.losses)
        self.scheduler.load_state_dict(self.progress.scheduler)
        load_optimizer(self.optimizer, tensors, lr=self.progress.scheduler["_last_lr"][0])
        log.info("resumed after %s", self.progress)
        return True

    def _load(self, name: str) -> tuple[dict[str, Tensor], Progress]:
        tensors, state = read_checkpoint(self.directory / name, self.device)
        self.network.load_weights(tensors, str(self.directory / name))
        return tensors, state
