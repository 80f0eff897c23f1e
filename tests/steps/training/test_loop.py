"""The training loop on a small task: what it learns by, what it keeps, and that nothing that happens changes a bit."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from steps.training.behind import FilesBehind
from steps.training.checkpoint import TrainingState
from steps.training.files import TrainingFiles
from steps.training.loop import Loop
from steps.training.workplace import Workplace
from tests.steps.training.tiny import ACCURACY, DIM, TinyOptions, TinyTask, train
from utils.errors import InputError
from utils.run_again import RunAgain

OPTIONS = TinyOptions()
UPDATES = OPTIONS.epochs * 4
ALL = TinyOptions(
    accumulate=2, precision="bf16", schedule="cosine", warm_up=3, average=2, save_every=1, clip=0.5, batch_size=12
)
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "header cut": lambda content: content[:5],
    "zeros": lambda content: bytes(len(content)),
    "garbage": lambda content: b"garbage" * 1000,
    "one bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "a bit of the header": lambda content: content.replace(b'best_epoch\\":', b'best_epoch\\":1', 1),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def at_question(number: int) -> Callable[[], bool]:
    """Asks to stop at the question of this number, from 0."""
    answers = iter([False] * number + [True])
    return lambda: next(answers)


def files(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def history(directory: Path) -> list[dict]:
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def trained(directory: Path, options: TinyOptions = OPTIONS) -> dict[str, bytes]:
    """Train to the end. Returns the content of all files."""
    directory.mkdir(exist_ok=True)
    train(options, Workplace(directory, "cpu"))
    return files(directory)


def stopped(directory: Path, number: int, options: TinyOptions = OPTIONS) -> None:
    """Train, and stop before the update of this number, from where it began."""
    with pytest.raises(RunAgain, match="asked to stop; last.safetensors is of "):
        train(options, Workplace(directory, "cpu", at_question(number)))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    torch.set_num_threads(1)
    return trained(tmp_path_factory.mktemp("undisturbed"))


def test_it_learns_and_says_what_it_measures(tmp_path):
    result = train(replace(OPTIONS, epochs=15), Workplace(tmp_path, "cpu"))
    rows = history(tmp_path)
    assert [list(row) for row in rows] == [["epoch", "train_loss", "dev_loss", "accuracy", "lr"]] * 16
    assert rows[0]["train_loss"] is None and rows[-1]["dev_loss"] < 0.7 * rows[0]["dev_loss"]
    best = load_file(tmp_path / "best.safetensors")
    assert all(torch.equal(best[f"network.{name}"], value) for name, value in result.items())
    assert set(files(tmp_path)) == {"best.safetensors", "last.safetensors", "metrics.jsonl", "curve.png"}


def test_numbers_below_the_normal_ones_are_numbers_again_after_training(tmp_path):
    train(TinyOptions(epochs=1), Workplace(tmp_path, "cpu"))
    assert np.nextafter(0.0, 1.0) > 0


@pytest.mark.parametrize("number", [0, 1, 3, 4, 7, UPDATES - 1])
def test_stopped_before_any_update_it_ends_with_the_same_bytes(tmp_path, undisturbed, number):
    stopped(tmp_path, number)
    assert trained(tmp_path) == undisturbed


@pytest.mark.parametrize("options", [OPTIONS, ALL], ids=["defaults", "everything"])
def test_stopped_after_every_update_it_ends_with_the_same_bytes(tmp_path, options):
    (tmp_path / "parts").mkdir()
    n_updates = options.epochs * TinyTask(options).n_updates
    for _ in range(n_updates - 1):
        stopped(tmp_path / "parts", 1, options)
        np.random.seed(5)  # whatever else the process draws meanwhile
        torch.manual_seed(5)
    assert trained(tmp_path / "parts", options) == trained(tmp_path / "whole", options)


def test_a_resumed_epoch_goes_on_with_the_batches_that_are_left(tmp_path):
    stopped(tmp_path, 6)
    task, whole = TinyTask(OPTIONS), TinyTask(OPTIONS)
    Loop(task, OPTIONS, Workplace(tmp_path, "cpu")).run()
    (tmp_path / "whole").mkdir()
    Loop(whole, OPTIONS, Workplace(tmp_path / "whole", "cpu")).run()
    assert task.seen == whole.seen[6:] and len(task.seen) == UPDATES - 6


def test_more_epochs_go_on_where_fewer_ended(tmp_path, undisturbed):
    for epochs in (0, 1, 3, 3):
        last = trained(tmp_path, replace(OPTIONS, epochs=epochs))
    assert last == undisturbed


@pytest.mark.parametrize(("number", "damage"), [*((8, name) for name in DAMAGES), (10, "truncated")])
def test_a_damaged_checkpoint_is_skipped_for_the_one_before(tmp_path, undisturbed, caplog, number, damage):
    stopped(tmp_path, number)
    last = tmp_path / "last.safetensors"
    last.write_bytes(DAMAGES[damage](last.read_bytes()))
    assert trained(tmp_path) == undisturbed
    assert f"{last}: damaged" in caplog.text and "skipped last.safetensors" in caplog.text
    assert f"resumed after epoch {1 if number == 8 else 2}" in caplog.text


def test_tensors_of_another_network_are_skipped(tmp_path, undisturbed, caplog):
    other = TinyTask(OPTIONS)
    other.network = nn.Sequential(nn.Linear(DIM, 3), nn.BatchNorm1d(3))
    (tmp_path / "other").mkdir()
    Loop(other, OPTIONS, Workplace(tmp_path / "other", "cpu")).run()
    stopped(tmp_path, 8)
    last = tmp_path / "last.safetensors"
    last.write_bytes((tmp_path / "other" / "last.safetensors").read_bytes())
    save_file({"network.0.weight": torch.zeros(1)}, tmp_path / "foreign")
    for name in ("other/last.safetensors", "foreign"):
        last.write_bytes((tmp_path / name).read_bytes())
        with pytest.raises(RunAgain):
            train(OPTIONS, Workplace(tmp_path, "cpu", at_question(0)))
    assert "the weights are of other sizes: no 0.weight of shape (16, 6)" in caplog.text
    assert "foreign" not in caplog.text and "no checkpoint of this program (KeyError('progress'))" in caplog.text
    (tmp_path / "foreign").unlink()
    (tmp_path / "other").rename(tmp_path.parent / f"{tmp_path.name} other")
    assert trained(tmp_path) == undisturbed


def test_killed_between_two_renames_it_goes_on_from_the_checkpoint_before(tmp_path, undisturbed, caplog):
    stopped(tmp_path, 8)
    (tmp_path / "last.safetensors").unlink()
    assert trained(tmp_path) == undisturbed
    assert "resumed after epoch 1" in caplog.text


@pytest.mark.parametrize("kept", ["last.safetensors", "previous.safetensors"])
def test_killed_between_the_best_epochs_and_the_checkpoint_it_goes_on_from_either(tmp_path, caplog, monkeypatch, kept):
    options = replace(OPTIONS, epochs=8, average=2)
    whole = trained(tmp_path / "whole", options)
    best = TrainingFiles.save_epoch

    def killed(self: TrainingFiles, state: TrainingState) -> None:
        best(self, state)
        if state.epoch == 5:
            raise KeyboardInterrupt

    (tmp_path / "killed").mkdir()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrainingFiles, "save_epoch", killed)
        train(options, Workplace(tmp_path / "killed", "cpu"))
    if kept != "last.safetensors":
        (tmp_path / "killed/last.safetensors").write_bytes(b"")
    caplog.set_level("INFO")
    assert trained(tmp_path / "killed", options) == whole
    assert f"resumed after epoch {4 if kept == 'last.safetensors' else 3}" in caplog.text


def test_weights_alone_are_no_state_to_go_on_from(tmp_path, undisturbed, caplog):
    stopped(tmp_path, 8)
    (tmp_path / "last.safetensors").write_bytes((tmp_path / "best.safetensors").read_bytes())
    assert trained(tmp_path) == undisturbed
    assert "last.safetensors: weights alone, and no state to go on from; skipped" in caplog.text


@pytest.mark.parametrize("progress", ["5", "[]", "null", "{}", "x"])
def test_foreign_values_beside_tensors_are_skipped(tmp_path, undisturbed, caplog, progress):
    stopped(tmp_path, 8)
    save_file({"a": torch.zeros(1)}, tmp_path / "last.safetensors", {"progress": progress})
    assert trained(tmp_path) == undisturbed
    assert "last.safetensors: damaged, or no checkpoint of this program" in caplog.text


@pytest.mark.parametrize(("before", "after"), [("cosine", "plateau"), ("plateau", "cosine")])
def test_another_schedule_may_go_on(tmp_path, before, after):
    stopped(tmp_path, 6, replace(OPTIONS, schedule=before))
    trained(tmp_path, replace(OPTIONS, schedule=after))
    assert len(history(tmp_path)) == 1 + OPTIONS.epochs


@pytest.mark.parametrize("names", [("last", "previous"), ("best",)], ids="/".join)
@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b""), Path.unlink], ids=["empty", "missing"])
def test_where_nothing_is_whole_training_starts_anew(tmp_path, undisturbed, caplog, names, change):
    stopped(tmp_path, 10)
    for name in names:
        change(tmp_path / f"{name}.safetensors")
    assert trained(tmp_path) == undisturbed
    assert "resumed" not in caplog.text
    no_checkpoint_at_all = change is Path.unlink and len(names) == 2
    assert ("no checkpoint can be continued from; training starts anew" in caplog.text) != no_checkpoint_at_all


def test_a_checkpoint_that_cannot_be_read_is_an_error(tmp_path):
    stopped(tmp_path, 8)
    (tmp_path / "best.safetensors").unlink()
    (tmp_path / "best.safetensors").mkdir()
    with pytest.raises(OSError):
        train(OPTIONS, Workplace(tmp_path, "cpu"))


def weights_after_an_update(directory: Path, **changes) -> dict[str, torch.Tensor]:
    """What one update on a whole batch makes of a network without noise."""
    options = replace(OPTIONS, dropout=0.0, noise=0.0, batch_size=60, **changes)
    task = TinyTask(options)
    task.network[1] = nn.Identity()  # statistics of a part are not those of the whole
    directory.mkdir(exist_ok=True)
    loop = Loop(task, options, Workplace(directory, "cpu"))
    loss = loop.update(np.arange(57))
    return {"loss": loss, **task.network.state_dict()}


@pytest.mark.parametrize("parts", [2, 7, 60])  # of different sizes; and more parts than rows
def test_an_accumulated_update_is_that_of_the_whole_batch(tmp_path, parts):
    whole, accumulated = (weights_after_an_update(tmp_path, accumulate=n, clip=0.1) for n in (1, parts))
    for name, value in whole.items():
        torch.testing.assert_close(accumulated[name], value, rtol=1e-4, atol=1e-6)


def test_clipping_bounds_the_gradient(tmp_path):
    norms = {}
    for clip in (None, 1e-3):
        options = replace(OPTIONS, clip=clip)
        loop = Loop(TinyTask(options), options, Workplace(tmp_path, "cpu"))
        loop.update(np.arange(30))
        norms[clip] = float(torch.stack([p.grad.norm() for p in loop.network.parameters()]).norm())
    assert norms[1e-3] == pytest.approx(1e-3, rel=1e-3) and norms[None] > 0.01


def test_bf16_is_used_forwards_and_weights_stay_as_they_are(tmp_path):
    options = replace(OPTIONS, precision="bf16", epochs=15)
    task, kinds = TinyTask(options), set()
    task.network[0].register_forward_hook(lambda module, inputs, output: kinds.add((module.training, output.dtype)))
    result = Loop(task, options, Workplace(tmp_path, "cpu")).run()
    assert kinds == {(True, torch.bfloat16), (False, torch.bfloat16)}
    assert {value.dtype for value in result.values()} == {torch.float32, torch.int64}
    rows = history(tmp_path)
    assert rows[-1]["dev_loss"] < 0.7 * rows[0]["dev_loss"]


def test_a_gpu_that_is_short_of_memory_gets_batches_in_parts(tmp_path, caplog):
    wanted = weights_after_an_update(tmp_path)
    options = replace(OPTIONS, dropout=0.0, noise=0.0, batch_size=60)
    for most, n_parts in ((57, 1), (30, 2), (8, 8)):
        task = short_of_memory(TinyTask(options), most)
        loop = Loop(task, options, Workplace(tmp_path, "cpu"))
        loss = loop.update(np.arange(57))
        assert loop.updater.n_parts == n_parts
        for name, value in {"loss": loss, **task.network.state_dict()}.items():
            torch.testing.assert_close(value, wanted[name], rtol=1e-4, atol=1e-6)
    assert "out of memory on cpu: batches are worked through in 8 parts from here on" in caplog.text


def test_a_gpu_that_has_too_little_memory_for_one_item_names_what_to_lower(tmp_path):
    options = replace(OPTIONS, batch_size=60)
    loop = Loop(short_of_memory(TinyTask(options), 0), options, Workplace(tmp_path, "cpu"))
    with pytest.raises(InputError, match="out of memory on the GPU: lower batch_size, or use --use_gpu false .*2 GiB"):
        loop.run()


def short_of_memory(task: TinyTask, most: int) -> TinyTask:
    """The task, without batch norm, on a device that has memory for so many items."""
    task.network[1], plain = nn.Identity(), task.loss

    def loss(batch: np.ndarray) -> torch.Tensor:
        if len(batch) > most:
            raise torch.OutOfMemoryError("out of memory. Tried to allocate 2 GiB")
        return plain(batch)

    task.loss = loss
    return task


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
def test_files_that_are_written_behind_are_the_same(tmp_path, undisturbed, monkeypatch, seconds):
    def behind(directory: Path, asked: Callable[[], bool]) -> None:
        loop = Loop(TinyTask(OPTIONS), OPTIONS, Workplace(directory, "cpu", asked))
        loop.behind = FilesBehind(loop.files, loop.device, seconds)
        loop.run()

    for number, where in ((0, "epoch 0"), (3, "update 3 of epoch 1"), (5, "epoch 2"), (1, "update 1 of epoch 3")):
        with pytest.raises(RunAgain, match=f"asked to stop; last.safetensors is of {where}$"):
            behind(tmp_path, at_question(number))
    behind(tmp_path, lambda: False)
    assert files(tmp_path) == undisturbed


def test_a_disk_that_fails_behind_the_training_is_told(tmp_path):
    loop = Loop(TinyTask(OPTIONS), OPTIONS, Workplace(tmp_path, "cpu"))
    loop.behind = FilesBehind(loop.files, loop.device)
    (tmp_path / "best.safetensors").mkdir()
    with pytest.raises(OSError, match="best.safetensors"):
        loop.run()


def test_cosine_rates_are_those_of_the_last_update_of_an_epoch(tmp_path):
    train(replace(OPTIONS, schedule="cosine", warm_up=6, lr_end=0.1), Workplace(tmp_path, "cpu"))
    rates = [row["lr"] for row in history(tmp_path)][1:]
    share = [4 / 6, 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi / 5)), 0.1]
    assert rates == pytest.approx([0.01 * each for each in share])


def test_the_plateau_of_a_figure_that_should_rise(tmp_path):
    options = replace(OPTIONS, epochs=6, lr_patience=1, patience=None)
    task = TinyTask(options, ACCURACY)
    figures = iter([0.1, 0.2, 0.3, 0.3, 0.3, 0.4, 0.5])
    task.dev_figures = lambda: {"dev_loss": 1.0, "accuracy": next(figures)}
    Loop(task, options, Workplace(tmp_path, "cpu")).run()
    assert [row["lr"] for row in history(tmp_path)] == [0.01] * 5 + [0.005] * 2


def test_the_figure_that_decides_may_be_one_that_should_rise(tmp_path, caplog):
    caplog.set_level("INFO")
    train(replace(OPTIONS, epochs=30, lr=0.05, patience=4), Workplace(tmp_path, "cpu"), ACCURACY)
    accuracy = [row["accuracy"] for row in history(tmp_path)]
    best = int(np.argmax(accuracy))
    assert best > 0 and len(accuracy) == best + 5 < 31
    assert f"best epoch {best}: accuracy {accuracy[best]:.4f}" in caplog.text
    assert "no better accuracy for 4 epochs: stopped" in caplog.text


def test_without_patience_training_never_stops_early(tmp_path):
    train(replace(OPTIONS, epochs=14, lr=10.0, patience=None), Workplace(tmp_path, "cpu"))
    assert len(history(tmp_path)) == 15


def test_the_average_is_that_of_the_best_epochs(tmp_path, caplog):
    caplog.set_level("INFO")
    options = replace(OPTIONS, epochs=8, average=3)
    result = train(options, Workplace(tmp_path, "cpu"))
    losses = [row["dev_loss"] for row in history(tmp_path)]
    best = np.argsort(losses[1:], kind="stable")[:3] + 1
    assert {path.name for path in tmp_path.glob("epoch_*")} == {f"epoch_{epoch}.safetensors" for epoch in best}
    parts = [load_file(tmp_path / f"epoch_{epoch}.safetensors") for epoch in best]
    averaged, alone = load_file(tmp_path / "averaged.safetensors"), load_file(tmp_path / "best.safetensors")
    for name, value in averaged.items():
        wanted = sum(part[name].double() for part in parts) / 3 if value.is_floating_point() else parts[0][name]
        torch.testing.assert_close(value, wanted.to(value))
    assert "mean of epochs " + ", ".join(map(str, best)) in caplog.text
    chosen = alone if "; not used" in caplog.text else averaged
    assert all(torch.equal(chosen[f"network.{name}"], value) for name, value in result.items())


def test_an_average_that_is_worse_is_not_used(tmp_path, caplog):
    caplog.set_level("INFO")
    result = train(replace(OPTIONS, epochs=4, lr=1.0, average=4, seed=3), Workplace(tmp_path, "cpu"))
    best = load_file(tmp_path / "best.safetensors")
    assert "; not used" in caplog.text
    assert all(torch.equal(best[f"network.{name}"], value) for name, value in result.items())


def test_checkpoints_within_an_epoch(tmp_path):
    options = replace(OPTIONS, save_every=3, batch_size=5)
    task = TinyTask(options)
    plain, seen = task.loss, []

    def loss(batch: np.ndarray) -> torch.Tensor:
        last = tmp_path / "last.safetensors"
        seen.append(len(load_file(last).get("losses", ())))
        return plain(batch)

    task.loss = loss
    Loop(task, options, Workplace(tmp_path, "cpu")).run()
    assert seen[:12] == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9]


def test_a_warm_up_before_a_plateau_is_refused(tmp_path):
    with pytest.raises(InputError, match="warm_up: a plateau schedule has no warm-up; use schedule=cosine"):
        train(replace(OPTIONS, warm_up=5), Workplace(tmp_path, "cpu"))
