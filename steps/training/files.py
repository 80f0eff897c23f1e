"""The files of one training: checkpoints, metrics and curve. Damaged checkpoints are skipped.

`last.safetensors` is the state to go on from and `previous.safetensors`, while training lasts, the one before it;
`best.safetensors` has the weights of the best epoch. Where the best epochs are averaged, each of them is kept as
`epoch_<number>.safetensors`, and `averaged.safetensors` is their mean.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from steps.training.checkpoint import (
    NETWORK,
    RANDOM,
    DamagedCheckpoint,
    TrainingState,
    read_checkpoint,
    select,
    write_checkpoint,
)
from steps.training.curve import CURVE, METRICS, draw_curve
from steps.training.task import Report
from utils.command import logger
from utils.durable import write_whole
from utils.json_files import json_text

log = logger(__name__)
LAST, PREVIOUS, BEST, AVERAGED = "last.safetensors", "previous.safetensors", "best.safetensors", "averaged.safetensors"
History = list[dict[str, float]]


class TrainingFiles:
    """Reads and writes the files of one training.

    Args:
        directory: of the files. network: whose weights are saved and loaded. report: says which epochs are best.
        average: how many of the best epochs are kept and averaged; 1 keeps the best alone.
    """

    def __init__(self, directory: Path, network: nn.Module, report: Report, average: int):
        self.directory, self.network, self.report, self.average = directory, network, report, average

    def find_checkpoint(self) -> str | None:
        """The name of the newest undamaged checkpoint to continue from; None where there is none.

        Damaged checkpoints are skipped with a message. If all are damaged, or if the weights of a best epoch are, then
        training starts anew and ends with the same bits; the damaged files need not be removed first.
        """
        there = [name for name in (LAST, PREVIOUS) if (self.directory / name).is_file()]
        for name in there:
            try:
                tensors, state = self._read(name)
                if not select(tensors, RANDOM):
                    raise DamagedCheckpoint(f"{self.directory / name}: weights alone, and no state to go on from")
                for kept in [BEST, *self._averaged_epochs(state.history)]:
                    self._read(kept)
                return name
            except DamagedCheckpoint as error:
                log.warning("%s; skipped %s", error, name)
        if there:
            log.warning("%s: no checkpoint can be continued from; training starts anew", self.directory)
        return None

    def load(self, name: str) -> tuple[dict[str, Tensor], TrainingState]:
        """Load the weights of a checkpoint into the network. Returns all tensors of the checkpoint, and its state."""
        tensors, state = self._read(name)
        self.network.load_state_dict(select(tensors, NETWORK))
        return tensors, state

    def load_mean(self, state: TrainingState) -> list[int]:
        """Load the mean weights of the best epochs into the network; integer buffers come from the best epoch alone.

        Returns the numbers of these epochs.
        """
        weights = [select(self._read(name)[0], NETWORK) for name in self._averaged_epochs(state.history)]
        for name, value in self.network.state_dict().items():
            values = torch.stack([each[name] for each in weights])
            value.copy_(values.double().mean(0) if value.is_floating_point() else values[0])
        return self._best_epochs(state.history)

    def save(self, name: str, state: TrainingState, more: Mapping[str, Tensor] | None = None) -> None:
        """Write a checkpoint of the network's weights, the state and the tensors `more`; LAST keeps its predecessor."""
        self.write(name, self.weights() | (more or {}), state)

    def weights(self) -> dict[str, Tensor]:
        """The network's weights by their names in a checkpoint."""
        return {NETWORK + key: value for key, value in self.network.state_dict().items()}

    def write(self, name: str, tensors: Mapping[str, Tensor], state: TrainingState) -> None:
        """Write a checkpoint; LAST keeps its predecessor."""
        earlier = self.directory / PREVIOUS if name == LAST else None
        write_checkpoint(self.directory / name, tensors, state, earlier)

    def save_epoch(self, state: TrainingState) -> None:
        """Write the metrics at the end of an epoch, and the epoch's weights if it is among the best."""
        if state.best_epoch == state.epoch:
            self.save(BEST, state)
        if (own := _of_epoch(state.epoch)) in self._averaged_epochs(state.history):
            self.save(own, state)
        # the two checkpoints that are there, of up to two epochs before, need theirs until they are replaced
        self._keep_epochs(state.history, state.history[:-1], state.history[:-2])
        self.save_metrics(state)

    def save_metrics(self, state: TrainingState) -> None:
        """Write the metrics of all epochs so far."""
        lines = "".join(json_text(row, self.directory / METRICS) + "\n" for row in state.history)
        write_whole(self.directory / METRICS, lines.encode())

    def close(self, state: TrainingState) -> None:
        """Draw the curve at the end of training, and remove the checkpoint before the last."""
        draw_curve(self.directory / METRICS, self.directory / CURVE, self.report)
        self._keep_epochs(state.history)
        (self.directory / PREVIOUS).unlink(missing_ok=True)

    def _read(self, name: str) -> tuple[dict[str, Tensor], TrainingState]:
        return read_checkpoint(self.directory / name, self.network)

    def _keep_epochs(self, *histories: History) -> None:
        """Remove the weights of epochs that are averaged after none of these histories."""
        averaged = {name for history in histories for name in self._averaged_epochs(history)}
        for path in self.directory.glob(_of_epoch("*")):
            if path.name not in averaged:
                path.unlink()

    def _best_epochs(self, history: History) -> list[int]:
        """Numbers of the best epochs, best first, of equal ones the earlier first; the start is not among them."""
        sign = -1 if self.report.higher_is_better else 1
        order = sorted(history[1:], key=lambda row: sign * row[self.report.decides])
        return [row["epoch"] for row in order[: self.average]]

    def _averaged_epochs(self, history: History) -> list[str]:
        return [_of_epoch(epoch) for epoch in self._best_epochs(history)] if self.average > 1 else []


def _of_epoch(epoch: int | str) -> str:
    return f"epoch_{epoch}.safetensors"
