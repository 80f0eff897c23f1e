"""The training loop of all tasks: epochs of updates, a schedule, early stopping, and exact resume.

A checkpoint is written after each epoch, and the one before it is kept (`steps.training.files`). Where a stop is
requested, a checkpoint is written between two updates. A training that continues from a checkpoint ends with the same
bits as one without interruption. Several processes (`steps.training.process_group`) share the parts of each update;
the weights equal those of one process up to the order of sums. Only the first process writes files.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Generic, NoReturn

import numpy as np
import torch
from torch import Tensor

from steps.training.behind import FilesBehind
from steps.training.checkpoint import (
    LOSSES,
    OPTIMIZER,
    RANDOM,
    TrainingState,
    load_optimizer,
    optimizer_tensors,
    select,
)
from steps.training.files import AVERAGED, BEST, LAST, TrainingFiles
from steps.training.heap import freed_memory_kept
from steps.training.memory import memory_told
from steps.training.options import TrainingOptions
from steps.training.precision import autocast, denormals_flushed, products_in
from steps.training.process_group import ProcessGroup
from steps.training.schedule import make_schedule
from steps.training.streams import read_streams, seed_streams, set_streams
from steps.training.task import Batch, Result, Task
from steps.training.updater import Updater
from steps.training.workplace import Workplace
from utils.command import logger, progress
from utils.errors import InputError
from utils.run_again import RunAgain

log = logger(__name__)


class Loop(Generic[Batch, Result]):
    """Trains the network of one task in one directory, from the start or from its last checkpoint."""

    def __init__(self, task: Task[Batch, Result], options: TrainingOptions, workplace: Workplace):
        self.task, self.options, self.workplace = task, options, workplace
        self.group, self.network, self.device = ProcessGroup(), task.network, torch.device(workplace.device)
        self.updater = Updater(task, options, self.group, self.device, lambda: next(self._batches(1, 0)))
        self.optimizer, self.precision = self.updater.optimizer, self.updater.precision
        self.schedule = make_schedule(self.optimizer, options, task.n_updates, task.report.higher_is_better)
        self.files = TrainingFiles(workplace.directory, task.network, task.report, options.average)
        self.state, self.saved = TrainingState(), ""  # the latter is the state of the last checkpoint, in words
        self.behind: FilesBehind | None = None
        if self.device.type == "cuda" and self.group.size == 1 and options.average == 1:
            self.behind = FilesBehind(self.files, self.device)
        self.ahead: dict[int, list[Batch]] = {}  # the next epoch, and its batches
        self.queued: dict[str, float | Tensor] = {}  # figures that the GPU computes behind the updates
        self.losses = torch.zeros(0, device=self.device)  # what `update` returned in this epoch before an interruption

    @freed_memory_kept()
    @denormals_flushed()
    def run(self) -> Result:
        """Train until the epochs are done or the deciding figure stops improving. Returns `Task.export` of the best.

        Raises RunAgain where a stop was requested: a loop in the same directory then continues. Raises InputError where
        a loss or the deciding figure is not finite.
        """
        lower = f"lower {self.task.report.memory}"
        with products_in(self.precision, self.device), memory_told(self.workplace.directory, lower):
            try:
                return self._run()
            finally:
                if self.behind:
                    self.behind.close()

    def _run(self) -> Result:
        if not self._resume():
            seed_streams(self.options.seed, self.group.rank)
            self._end_epoch(train_figures=None)
        for _ in range(self.state.epoch, self.options.epochs):
            if self._is_patience_over():
                log.info("no better %s for %d epochs: stopped", self.task.report.decides, self.options.patience)
                break
            self._end_epoch(self._epoch())
        if self.behind:
            self.behind.wait()
            if self.saved != str(self.state):
                self._save_last(self.losses)
        log.info("best epoch %d: %s %.4f", self.state.best_epoch, self.task.report.decides, self.state.best)
        self.group.wait()  # until the first process has written BEST
        self.files.load(BEST)
        if self.options.average > 1 and self.state.epoch:
            self._average()
        if self.group.first:
            self.files.close(self.state)
        return self.task.export()

    def _is_patience_over(self) -> bool:
        waited = self.state.epoch - self.state.best_epoch
        return self.options.patience is not None and waited >= self.options.patience

    def _batches(self, epoch: int, first: int) -> Iterator[Batch]:
        """Those of an epoch, from number `first` on, as the seed has them.

        What is drawn from random streams until the first of them is there, as a DataLoader draws the seeds of its
        sampler and of its workers, depends on the epoch too, and changes no stream of the training: one that goes on
        inside an epoch begins the batches once more.
        """
        if self.task.repeats:
            batches = self.ahead.pop(epoch) if epoch in self.ahead else self._plan(epoch)
            return iter(batches[first:])
        streams = read_streams(self.device)
        seed_streams(self.options.seed, epoch, 1)
        batches = iter(self.task.batches(epoch, first, self._draws(epoch)))
        begin = list(itertools.islice(batches, 1))
        set_streams(streams, self.device)
        return itertools.chain(begin, batches)

    def _draws(self, epoch: int) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, epoch])

    def _plan(self, epoch: int) -> list[Batch]:
        """All batches of an epoch of a task that repeats, which draw from no other stream."""
        return list(self.task.batches(epoch, 0, self._draws(epoch)))

    def _epoch(self) -> list[float]:
        """One pass of updates. Returns the mean loss, and those of `report.also`; InputError where it is not finite."""
        epoch, done, n_updates = self.state.epoch + 1, len(self.losses), self.task.n_updates
        losses: list[Tensor] = []
        self.network.train()
        batches = self._batches(epoch, done)
        if self.group.first:
            label = f"epoch {epoch} of {self.options.epochs}"
            batches = progress(batches, n_updates, label, done, lambda: self._shown(losses))
        for update, batch in enumerate(batches, done):
            if self.group.any(self.workplace.stop_requested()):
                self._interrupt(self._all_losses(losses))
            if losses and self.options.save_every and update % self.options.save_every == 0:
                self._save_within_epoch(self._all_losses(losses))
            self.schedule.before_update((epoch - 1) * n_updates + update)
            losses.append(self.update(batch))
        if self.task.repeats:  # while the GPU is busy; a thread would hold up this one
            self.queued = self._dev_figures()
            if epoch < self.options.epochs:
                self.ahead[epoch + 1] = self._plan(epoch + 1)
        values = self._all_losses(losses).cpu().reshape(n_updates, -1).T.contiguous()  # (1 + F, n_updates)
        if not values[0].isfinite().all():
            first = int((~values[0].isfinite()).nonzero()[0])
            self._fail(f"the loss became {values[0, first]} at update {first + 1} of {n_updates}")
        loss, *also = (float(row.double().mean()) for row in values)
        return [loss + self.task.report.loss_offset, *also]

    def _shown(self, losses: list[Tensor]) -> str:
        """The last training loss of this epoch and the last dev figure, for a bar."""
        report = self.task.report
        loss = float(losses[-1].flatten()[0]) + report.loss_offset if losses else math.nan
        return f"{report.loss} {loss:.4f}, {report.decides} {self.state.history[-1][report.decides]:.4f}"

    def update(self, batch: Batch) -> Tensor:
        """See `Updater`."""
        return self.updater(batch)

    def _all_losses(self, since: list[Tensor]) -> Tensor:
        """What `update` has returned in this epoch (n, ...): before an interruption, and since."""
        return torch.cat([self.losses, self.group.mean(torch.stack(since))]) if since else self.losses

    def _interrupt(self, losses: Tensor) -> NoReturn:
        """Save the state inside an epoch, after as many updates as `losses` (n, ...) has, and raise RunAgain."""
        self._save_within_epoch(losses)
        self.group.wait()
        raise RunAgain(f"{self.workplace.directory}: asked to stop; {LAST} is of {self.saved}")

    def _save_within_epoch(self, losses: Tensor) -> None:
        if len(losses) == self.state.update and self.saved == str(self.state):
            return
        # not finite: the last good checkpoint stays, and a later run repeats the updates and reports the first bad loss
        if losses.isfinite().all() and all(value.isfinite().all() for value in self.network.parameters()):
            self.state.update = len(losses)
            self._save_last(losses)

    def _dev_figures(self) -> dict[str, float | Tensor]:
        """Metrics of the dev set for the present weights; the random streams of the training are left as they were."""
        streams = read_streams(self.device)
        self.network.eval()
        with autocast(self.precision, self.device):
            figures = self.task.dev_figures() if self.group.size == 1 else self.group.of_first(self._known_figures)
        set_streams(streams, self.device)
        return figures

    def _known_figures(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.task.dev_figures().items()}

    def _end_epoch(self, train_figures: list[float] | None) -> None:
        """Measure the dev set, step the schedule, and save the state of this epoch."""
        report, state, lr = self.task.report, self.state, self.optimizer.param_groups[0]["lr"]
        figures = {name: float(value) for name, value in (self.queued or self._dev_figures()).items()}
        self.queued, figure = {}, figures[report.decides]
        if not math.isfinite(figure):
            self._fail(f"{report.decides} became {figure} at the end")
        state.epoch, state.update, self.losses = len(state.history), 0, self.losses[:0]
        names = (report.loss, *report.also)
        row = {**dict(zip(names, train_figures or [None] * len(names), strict=True)), **figures}
        shown = ", ".join(f"{name} {value:.4f}" for name, value in row.items() if value is not None)
        log.info("epoch %d: %s, lr %g", state.epoch, shown, lr)
        state.history.append({"epoch": state.epoch, **row, "lr": lr})
        if state.epoch:
            self.schedule.after_epoch(figure)
        state.schedule = self.schedule.state()
        if not state.epoch or report.is_better(figure, state.best):
            state.best, state.best_epoch = figure, state.epoch
        if self.behind:
            if self.behind.end_epoch(state, self._tensors):
                self.saved = str(state)
            return
        if self.group.first:
            self.files.save_epoch(state)
        self._save_last(self.losses)  # last, because this checkpoint says that the epoch is complete

    def _fail(self, what: str) -> NoReturn:
        known = self.state.history
        kept = f"{LAST} is the last good checkpoint, of {self.saved}" if known else "nothing is learned yet"
        raise InputError(
            f"{self.workplace.directory}: {what} of epoch {len(known)}; {kept}; lower lr, or look for huge values in"
            " the data"
        )

    def _average(self) -> None:
        """Load the mean weights of the best epochs, if their dev figure is no worse than that of the best epoch."""
        epochs, report = self.files.load_mean(self.state), self.task.report
        figure = float(self._dev_figures()[report.decides])
        worse = report.is_better(self.state.best, figure)
        numbers = ", ".join(map(str, epochs))
        log.info("mean of epochs %s: %s %.4f%s", numbers, report.decides, figure, "; not used" if worse else "")
        if self.group.first:
            self.files.save(AVERAGED, self.state)
        if worse:
            self.files.load(BEST)

    def _save_last(self, losses: Tensor) -> None:
        """Save all that an exact resume needs; `losses` (n, ...) are of the updates of an unfinished epoch."""
        if self.behind:
            self.behind.catch_up(self.state)
        tensors = self._tensors() | ({LOSSES: losses} if len(losses) else {})
        if self.group.first:
            self.files.write(LAST, tensors, self.state)
        self.saved = str(self.state)

    def _tensors(self) -> dict[str, Tensor]:
        """Weights, the state of the optimizer, and the random streams of all processes."""
        states = {OPTIMIZER + name: value for name, value in optimizer_tensors(self.optimizer).items()}
        streams = {
            f"{RANDOM}{rank}.{name}": state
            for name, stream in read_streams(self.device).items()
            for rank, state in enumerate(self.group.gather(stream))
        }
        return self.files.weights() | states | streams

    def _resume(self) -> bool:
        """Load the newest undamaged checkpoint. Returns whether there is one."""
        name = self.group.of_first(self.files.find_checkpoint)
        if name is None:
            return False
        tensors, self.state = self.files.load(name)
        self.saved = str(self.state)
        self.losses = tensors.get(LOSSES, self.losses).to(self.device)
        load_optimizer(self.optimizer, select(tensors, OPTIMIZER))
        self.schedule.set_state(self.state.schedule)
        streams = select(tensors, f"{RANDOM}{self.group.rank}.")
        if streams:
            set_streams(streams, self.device)
        else:  # the checkpoint is of fewer processes
            seed_streams(self.options.seed, self.group.rank, self.state.epoch, self.state.update)
        log.info("resumed after %s", self.state)
        return True
