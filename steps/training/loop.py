"""The training loop: AdamW, a schedule, clipping, early stopping, and exact resume of any task.

The state after each epoch is one file, and the one before it is kept (`steps.training.files`); asked to stop, training
saves it between two updates. An interrupted training continues from it and ends with the same bits. Several processes
(`steps.training.group`) share the parts of each update, and learn what one would up to the order of sums; only the
first of them writes.
"""

import contextlib
import itertools
import math
from collections.abc import Iterator
from typing import Generic, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from steps.training.checkpoint import LOSSES, OPTIMIZER, RANDOM, Progress, load_optimizer, optimizer_tensors, select
from steps.training.files import AVERAGED, BEST, LAST, TrainingFiles
from steps.training.group import Group
from steps.training.options import TrainingOptions
from steps.training.schedule import make_schedule
from steps.training.streams import read_streams, seed_streams, set_streams
from steps.training.task import Batch, Result, Task
from steps.training.workplace import Workplace
from utils.command import logger, progress
from utils.errors import InputError
from utils.run_again import RunAgain

log = logger(__name__)


class Objective(nn.Module):
    """What is minimised, as a module: the loss of a batch."""

    def __init__(self, task: Task):
        super().__init__()
        self.network, self.task = task.network, task

    def forward(self, batch: object) -> Tensor:
        """See `Task.loss`."""
        return self.task.loss(batch)


class Loop(Generic[Batch, Result]):
    """Trains the network of one task in one directory, from the start or from its last checkpoint."""

    def __init__(self, task: Task[Batch, Result], options: TrainingOptions, workplace: Workplace):
        self.task, self.options, self.workplace = task, options, workplace
        self.group, self.network, self.device = Group(), task.network, torch.device(workplace.device)
        self.n_parts = self.group.size * options.accumulate  # of an update
        self.objective = self.group.wrap(Objective(task), self._example)
        self.optimizer = torch.optim.AdamW(
            task.parameter_groups(), lr=options.lr, weight_decay=options.weight_decay, fused=True
        )
        self.schedule = make_schedule(self.optimizer, options, task.n_updates, task.report.higher_is_better)
        self.files = TrainingFiles(workplace.directory, task.network, task.report, options.average)
        self.progress = Progress()
        self.losses = torch.zeros(0, device=self.device)  # of the updates of this epoch before an interruption

    def run(self) -> Result:
        """Train until the deciding figure gets no better. Returns what the task makes of the weights that are kept.

        Raises RunAgain where it has been asked to stop; a loop in the same directory then goes on from there.
        """
        torch.set_flush_denormal(True)
        if not self._resume():
            seed_streams(self.options.seed, self.group.rank)
            self._judge(train_loss=None)
        epochs = range(self.progress.epoch, self.options.epochs)
        for _ in progress(epochs, len(epochs), "epochs") if self.group.first else epochs:
            if self._is_patience_over():
                log.info("no better %s for %d epochs: stopped", self.task.report.decides, self.options.patience)
                break
            self._judge(self._epoch())
        log.info("best epoch %d: %s %.4f", self.progress.best_epoch, self.task.report.decides, self.progress.best)
        self.group.wait()  # for the first, which has written it
        self.files.load(BEST)
        if self.options.average > 1 and self.progress.epoch:
            self._average()
        if self.group.first:
            self.files.close(self.progress)
        return self.task.export()

    def _is_patience_over(self) -> bool:
        waited = self.progress.epoch - self.progress.best_epoch
        return self.options.patience is not None and waited >= self.options.patience

    def _batches(self, epoch: int, first: int) -> Iterator[Batch]:
        """Those of an epoch, from number `first` on, as the seed has them.

        What is drawn from random streams until the first of them is there, as a DataLoader draws the seeds of its
        sampler and of its workers, depends on the epoch too, and changes no stream of the training: one that goes on
        inside an epoch begins the batches once more.
        """
        streams = read_streams(self.device)
        seed_streams(self.options.seed, epoch, 1)
        batches = iter(self.task.batches(epoch, first, np.random.default_rng([self.options.seed, epoch])))
        begin = list(itertools.islice(batches, 1))
        set_streams(streams, self.device)
        return itertools.chain(begin, batches)

    def _example(self) -> Batch:
        return self.task.part(next(self._batches(1, 0)), self.group.rank, self.n_parts)[0]

    def _epoch(self) -> float:
        """One pass of updates. Returns the mean training loss; raises InputError where it is not finite."""
        epoch, done = self.progress.epoch + 1, len(self.losses)
        losses: list[Tensor] = []
        self.network.train()
        for update, batch in enumerate(self._batches(epoch, done), done):
            if self.group.any(self.workplace.asked()):
                self._interrupt(self._all_losses(losses))
            if losses and self.options.save_every and update % self.options.save_every == 0:
                self._save_within_epoch(self._all_losses(losses))
            self.schedule.before_update((epoch - 1) * self.task.n_updates + update)
            losses.append(self.update(batch))
        values = self._all_losses(losses).cpu()
        if not values.isfinite().all():
            first = int((~values.isfinite()).nonzero()[0])
            self._stop(f"the loss became {values[first]} at update {first + 1} of {self.task.n_updates}")
        return float(values.double().mean()) + self.task.report.loss_offset

    def update(self, batch: Batch) -> Tensor:
        """One step of the optimizer. Returns the loss (); of several processes, the mean of what they return is it."""
        self.optimizer.zero_grad(set_to_none=True)
        losses = []
        for number in range(self.group.rank, self.n_parts, self.group.size):
            part, weight = self.task.part(batch, number, self.n_parts)
            with self.group.summing(self.objective, now=number + self.group.size >= self.n_parts):
                with self._autocast():
                    loss = self.objective(part)
                if self.n_parts > 1:
                    loss = loss * (weight / self.options.accumulate)
                loss.backward()
            losses.append(loss.detach())
        if self.options.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.optimizer.step()
        return torch.stack(losses).sum()

    def _autocast(self) -> contextlib.AbstractContextManager:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.bf16)

    def _all_losses(self, since: list[Tensor]) -> Tensor:
        """Losses of this epoch so far: those of before an interruption, and what `update` has returned since."""
        return torch.cat([self.losses, self.group.mean(torch.stack(since))]) if since else self.losses

    def _interrupt(self, losses: Tensor) -> NoReturn:
        """Save the state inside an epoch, after the updates that `losses` are of."""
        self._save_within_epoch(losses)
        self.group.wait()
        raise RunAgain(f"{self.workplace.directory}: asked to stop, {LAST} there is of {self.progress}")

    def _save_within_epoch(self, losses: Tensor) -> None:
        if len(losses) == self.progress.update:
            return  # the last checkpoint is of this state
        # else the last good checkpoint stays, and the same updates will tell what is wrong
        if losses.isfinite().all() and all(value.isfinite().all() for value in self.network.parameters()):
            self.progress.update = len(losses)
            self._save_last(losses)

    def _dev_figures(self) -> dict[str, float]:
        """Those of the weights as they are; what is drawn at random for them changes no stream of the training."""
        streams = read_streams(self.device)
        self.network.eval()
        with self._autocast():
            figures = self.group.of_first(self.task.dev_figures)
        set_streams(streams, self.device)
        return figures

    def _judge(self, train_loss: float | None) -> None:
        """Measure the dev set, step the schedule, and save the state of this epoch."""
        report, state, lr = self.task.report, self.progress, self.optimizer.param_groups[0]["lr"]
        figures = self._dev_figures()
        figure = figures[report.decides]
        if not math.isfinite(figure):
            self._stop(f"{report.decides} became {figure} at the end")
        state.epoch, state.update, self.losses = len(state.history), 0, self.losses[:0]
        row = {report.loss: train_loss, **figures}
        shown = ", ".join(f"{name} {value:.4f}" for name, value in row.items() if value is not None)
        log.info("epoch %d: %s, lr %g", state.epoch, shown, lr)
        state.history.append({"epoch": state.epoch, **row, "lr": lr})
        if state.epoch:
            self.schedule.after_epoch(figure)
        state.schedule = self.schedule.state()
        if not state.epoch or report.is_better(figure, state.best):
            state.best, state.best_epoch = figure, state.epoch
        if self.group.first:
            self.files.save_epoch(state)
        self._save_last(self.losses)  # at the end: it says that this epoch is complete

    def _stop(self, what: str) -> NoReturn:
        known = self.progress.history
        kept = f"{LAST} there is the last good checkpoint, of {self.progress}" if known else "nothing is learned yet"
        raise InputError(
            f"{self.workplace.directory}: {what} of epoch {len(known)}; {kept}; lower lr, or look for huge values in"
            " the data"
        )

    def _average(self) -> None:
        """Give the network the mean weights of the best epochs, if their dev figure is no worse than the best one's."""
        epochs, report = self.files.load_mean(self.progress), self.task.report
        figure = self._dev_figures()[report.decides]
        worse = report.is_better(self.progress.best, figure)
        numbers = ", ".join(map(str, epochs))
        log.info("mean of epochs %s: %s %.4f%s", numbers, report.decides, figure, "; not used" if worse else "")
        if self.group.first:
            self.files.save(AVERAGED, self.progress)
        if worse:
            self.files.load(BEST)

    def _save_last(self, losses: Tensor) -> None:
        """Save all that an exact resume needs; `losses` are those of the updates inside an epoch."""
        tensors = {OPTIMIZER + name: value for name, value in optimizer_tensors(self.optimizer).items()}
        for name, stream in read_streams(self.device).items():
            for rank, state in enumerate(self.group.gather(stream)):
                tensors[f"{RANDOM}{rank}.{name}"] = state
        if self.group.first:
            self.files.save(LAST, self.progress, tensors | ({LOSSES: losses} if len(losses) else {}))

    def _resume(self) -> bool:
        """Continue from the last whole checkpoint, if there is one."""
        name = self.group.of_first(self.files.find)
        if name is None:
            return False
        tensors, self.progress = self.files.load(name)
        self.losses = tensors.get(LOSSES, self.losses).to(self.device)
        load_optimizer(self.optimizer, select(tensors, OPTIMIZER))
        self.schedule.set_state(self.progress.schedule)
        streams = select(tensors, f"{RANDOM}{self.group.rank}.")
        if streams:
            set_streams(streams, self.device)
        else:  # there were fewer processes
            seed_streams(self.options.seed, self.group.rank, self.progress.epoch, self.progress.update)
        log.info("resumed after %s", self.progress)
        return True
