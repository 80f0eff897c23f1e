"""A task whose batches come from a DataLoader, written as anybody writes one: it resumes as exactly as any other."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from steps.training.loop import Loop
from steps.training.workplace import Workplace
from tests.steps.training.tiny import DIM, TinyOptions, TinyTask
from utils.run_again import RunAgain

OPTIONS = TinyOptions(epochs=2)


class Noisy(Dataset):
    """Rows with noise of torch's stream, that of the process which prepares them."""

    def __init__(self, task: TinyTask):
        self.x, self.labels = task.x, task.labels

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.x[row] + 0.1 * torch.randn(DIM), self.labels[row]


class LoaderTask(TinyTask):
    """Its batches come from a DataLoader that shuffles, and takes its seeds from torch's stream as by default."""

    def batches(self, epoch, first, rng):
        return itertools.islice(DataLoader(Noisy(self), 15, shuffle=True, num_workers=2), first, None)

    def loss(self, batch):
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])


def stop_at(number: int) -> Callable[[], bool]:
    """Asks to stop at the question of this number, from 0."""
    answers = iter([False] * number + [True])
    return lambda: next(answers)


@pytest.mark.parametrize("number", [2, 6])
def test_batches_of_a_loader_with_processes_are_the_same_after_an_interruption(tmp_path, number):
    def run(name: str, **how) -> dict[str, bytes]:
        (tmp_path / name).mkdir(exist_ok=True)
        Loop(LoaderTask(OPTIONS), OPTIONS, Workplace(tmp_path / name, "cpu", **how)).run()
        return {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}

    with pytest.raises(RunAgain):
        run("stopped", stop_requested=stop_at(number))
    assert run("stopped") == run("whole")
