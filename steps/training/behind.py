"""Checkpoints of a training on a GPU, written by a thread while the training goes on.

Epochs there may be shorter than the writing of a checkpoint. At the end of an epoch the training hands over copies on
its device, which nothing changes and which the thread fetches and writes while the next updates run. It does so at most
every few seconds: what a kill then takes is repeated, with the same bits. The weights of the best epoch stay on the
device until they are written, always before the checkpoint that counts on them.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from time import monotonic

import torch
from torch import Tensor

from steps.training.checkpoint import TrainingState
from steps.training.files import BEST, LAST, TrainingFiles

SECONDS = 5.0  # between two checkpoints: packing one holds up the training for some hundredths of a second


class FilesBehind:
    """Writes the files of one training behind it, a checkpoint every some `seconds`."""

    def __init__(self, files: TrainingFiles, device: torch.device, seconds: float = SECONDS):
        self.files, self.device, self.seconds = files, device, seconds
        self.thread = ThreadPoolExecutor(1)
        self.pending: Future[None] | None = None
        self.due = monotonic()
        self.best: tuple[TrainingState, dict[str, Tensor]] | None = None  # until it is written

    def end_epoch(self, state: TrainingState, tensors: Callable[[], Mapping[str, Tensor]]) -> bool:
        """Keep the weights of a best epoch; write a checkpoint of `tensors` if the last one was some time ago.

        Returns whether a checkpoint of this state is being written.
        """
        if state.best_epoch == state.epoch:
            self.best = _kept(state), _copies(self.files.weights())
        if monotonic() < self.due or (self.pending is not None and not self.pending.done()):
            return False
        self._start(_kept(state), _copies(tensors()))
        return True

    def _start(self, state: TrainingState, last: dict[str, Tensor]) -> None:
        self.wait()
        self.due = monotonic() + self.seconds
        best, self.best = self.best, None
        ready = torch.cuda.current_stream(self.device).record_event() if self.device.type == "cuda" else None

        def write() -> None:
            stream = torch.cuda.Stream(self.device) if ready is not None else None
            with torch.cuda.stream(stream):
                if ready is not None:
                    stream.wait_event(ready)
                self._write(best, state)
                self.files.write(LAST, last, state)

        self.pending = self.thread.submit(write)

    def _write(self, best: tuple[TrainingState, dict[str, Tensor]] | None, state: TrainingState) -> None:
        if best is not None:
            self.files.write(BEST, best[1], best[0])
        self.files.save_metrics(state)

    def catch_up(self, state: TrainingState) -> None:
        """Wait for the thread, and write what a checkpoint of `state` counts on."""
        self.wait()
        best, self.best = self.best, None
        self._write(best, state)

    def close(self) -> None:
        """As `wait`; nothing is written afterwards."""
        self.thread.shutdown()
        self.wait()

    def wait(self) -> None:
        """Wait for the thread. Raises what it raised."""
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.result()


def _kept(state: TrainingState) -> TrainingState:
    """The state, which the training no longer changes."""
    return replace(state, schedule=dict(state.schedule), history=list(state.history))


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in tensors.items()}
