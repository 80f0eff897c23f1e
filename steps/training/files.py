"""The files of one training: its checkpoints, of which damaged ones are skipped, its metrics and its curve.

`last.safetensors` is the state to go on from and `previous.safetensors`, while training lasts, the one before it;
`best.safetensors` has the weights of the best epoch. Where the best epochs are averaged, each of them is kept as
`epoch_<number>.safetensors`, and `averaged.safetensors` is their mean.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from steps.training.checkpoint import (
    NETWORK,
    RANDOM,
    DamagedCheckpoint,
    Progress,
    read_checkpoint,
    select,
    write_checkpoint,
)
from steps.training.curve import draw_curve
from steps.training.task import Report
from utils.command import logger
from utils.durable import write_whole

log = logger(__name__)
LAST, PREVIOUS, BEST, AVERAGED = "last.safetensors", "previous.safetensors", "best.safetensors", "averaged.safetensors"
METRICS, CURVE = "metrics.jsonl", "curve.png"
History = list[dict[str, float]]


class TrainingFiles:
    """Reads and writes them for one network, of whose best epochs `average` are kept."""

    def __init__(self, directory: Path, network: nn.Module, report: Report, average: int):
        self.directory, self.network, self.report, self.average = directory, network, report, average

    def find(self) -> str | None:
        """The newest whole checkpoint to go on from; None where there is none.

        What is damaged is skipped with a message. Where all are, or a file of weights that are to be kept is, training
        starts anew: it ends with the same bits, and nobody has to tidy up before.
        """
        there = [name for name in (LAST, PREVIOUS) if (self.directory / name).is_file()]
        for name in there:
            try:
                tensors, progress = self._read(name)
                if not select(tensors, RANDOM):
                    raise DamagedCheckpoint(f"{self.directory / name}: weights alone, and no state to go on from")
                for kept in [BEST, *self._averaged_epochs(progress.history)]:
                    self._read(kept)
                return name
            except DamagedCheckpoint as error:
                log.warning("%s; skipped %s", error, name)
        if there:
            log.warning("%s: no checkpoint is whole; training starts anew", self.directory)
        return None

    def load(self, name: str) -> tuple[dict[str, Tensor], Progress]:
        """Give the network the weights of a checkpoint. Returns all of it."""
        tensors, progress = self._read(name)
        self.network.load_state_dict(select(tensors, NETWORK))
        return tensors, progress

    def load_mean(self, progress: Progress) -> list[int]:
        """Give the network the mean weights of the best epochs; what is no fraction, as of the best. Returns these."""
        weights = [select(self._read(name)[0], NETWORK) for name in self._averaged_epochs(progress.history)]
        for name, value in self.network.state_dict().items():
            values = torch.stack([each[name] for each in weights])
            value.copy_(values.double().mean(0) if value.is_floating_point() else values[0])
        return self._best_epochs(progress.history)

    def save(self, name: str, progress: Progress, more: Mapping[str, Tensor] | None = None) -> None:
        """Write the network, and `more`; of the last checkpoint, the one before is kept."""
        tensors = {NETWORK + key: value for key, value in self.network.state_dict().items()} | (more or {})
        earlier = self.directory / PREVIOUS if name == LAST else None
        write_checkpoint(self.directory / name, tensors, progress, earlier)

    def save_epoch(self, progress: Progress) -> None:
        """At the end of an epoch: write the metrics, and its weights if they are among the best."""
        if progress.best_epoch == progress.epoch:
            self.save(BEST, progress)
        if (own := _of_epoch(progress.epoch)) in self._averaged_epochs(progress.history):
            self.save(own, progress)
        # the two checkpoints that are there, of up to two epochs before, need theirs until they are replaced
        self._keep_epochs(progress.history, progress.history[:-1], progress.history[:-2])
        lines = "".join(json.dumps(row) + "\n" for row in progress.history)
        write_whole(self.directory / METRICS, lines.encode())

    def close(self, progress: Progress) -> None:
        """At the end of training: draw the curve; the last checkpoint needs no earlier one any more."""
        draw_curve(self.directory / METRICS, self.directory / CURVE, self.report)
        self._keep_epochs(progress.history)
        (self.directory / PREVIOUS).unlink(missing_ok=True)

    def _read(self, name: str) -> tuple[dict[str, Tensor], Progress]:
        return read_checkpoint(self.directory / name, self.network)

    def _keep_epochs(self, *histories: History) -> None:
        """Remove the weights of epochs that are averaged after none of these histories."""
        averaged = {name for history in histories for name in self._averaged_epochs(history)}
        for path in self.directory.glob(_of_epoch("*")):
            if path.name not in averaged:
                path.unlink()

    def _best_epochs(self, history: History) -> list[int]:
        """The best, first; earlier ones before equal ones, and without the start, which nothing has been learned in."""
        sign = -1 if self.report.higher_is_better else 1
        order = sorted(history[1:], key=lambda row: sign * row[self.report.decides])
        return [row["epoch"] for row in order[: self.average]]

    def _averaged_epochs(self, history: History) -> list[str]:
        return [_of_epoch(epoch) for epoch in self._best_epochs(history)] if self.average > 1 else []


def _of_epoch(epoch: int | str) -> str:
    return f"epoch_{epoch}.safetensors"
