"""All groups at once, with padding: loss, gradients and dev figure of the groups one by one; training and resume."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from steps.generators.mdn import grid, grid_batches
from steps.generators.mdn.density import Parameters, weighted_log_density
from steps.generators.mdn.grid import GridLines, rounded
from steps.generators.mdn.grid_batches import GridSet
from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.task import MdnTask
from steps.generators.pairs import Pairs
from steps.training.loop import Loop
from steps.training.options import TrainingOptions
from steps.training.workplace import Workplace
from tests.steps.generators.experiment import Experiment
from tests.steps.generators.mdn.test_interruption import at_question, saved
from tests.steps.generators.mdn.test_task import history, with_captions
from utils.errors import InputError
from utils.run_again import RunAgain

OPTIONS = MdnOptions(hidden=16, n_components=3, folds=5, epochs=3, lr=1e-3, updates_per_epoch=4, texts_per_group=2)
PLAIN = replace(OPTIONS, covariance="diagonal", linear_path=False, spread=1.0)
KINDS = pytest.mark.parametrize("options", [OPTIONS, PLAIN], ids=["shared", "diagonal"])
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


@pytest.fixture(scope="module")
def pairs(experiment: Experiment) -> tuple[Pairs, Pairs]:
    return uneven(experiment.pairs("train")), uneven(experiment.pairs("dev"))


def uneven(pairs: Pairs) -> Pairs:
    """A group with one text, and one with no embeddings."""
    one = np.argmax(pairs.variant_groups == 2)
    keep = np.flatnonzero((pairs.variant_groups != 2) | (np.arange(len(pairs.variants)) == one))
    groups = np.append(pairs.variant_groups[keep], [4, 4, 4])
    texts = np.concatenate([pairs.variants[keep], pairs.variants[:3]])
    return replace(pairs, variants=texts, variant_groups=groups, group_names=[*pairs.group_names, "nobody"])


def gradients(task: MdnTask, loss: torch.Tensor) -> list[torch.Tensor]:
    found = torch.autograd.grad(loss, list(task.network.parameters()), allow_unused=True)
    return [value for value in found if value is not None]


@KINDS
@pytest.mark.parametrize("kind", ["none", "beside", "instead", "one group"])
@pytest.mark.parametrize("device", DEVICES)
def test_an_update_is_that_of_the_groups_one_by_one(pairs, options, kind, device):
    train = pairs[0] if kind == "none" else with_captions(pairs[0], kind)
    tasks = [MdnTask(train, pairs[1], options, where, grids) for where, grids in (("cpu", False), (device, True))]
    torch.manual_seed(1)
    for parameter in tasks[0].network.parameters():  # every gradient is that of something
        torch.nn.init.normal_(parameter, std=0.2)
    tasks[1].network.load_state_dict(tasks[0].network.state_dict())
    batches = [list(task.batches(1, 0, np.random.default_rng(5))) for task in tasks]
    for one, other in zip(*batches, strict=True):
        losses = [task.loss(batch) for task, batch in zip(tasks, (one, other), strict=True)]
        assert losses[1].item() == pytest.approx(losses[0].item(), rel=1e-6)
        parts = [tasks[1].part(other, number, 3) for number in range(3)]
        whole = sum(tasks[1].loss(part).item() * weight for part, weight in parts) / 3
        assert whole == pytest.approx(losses[0].item(), rel=1e-6)
        for wanted, found in zip(*map(gradients, tasks, losses), strict=True):
            assert (found.cpu() - wanted).norm() <= 1e-5 * wanted.norm()
    figures = [float(task.dev_figures()["dev_nll"]) for task in tasks]
    assert figures[1] == pytest.approx(figures[0], rel=1e-6)


def test_a_set_with_an_embedding_without_a_text_has_no_figure(pairs):
    bare = replace(pairs[1], variants=pairs[1].variants[:1], variant_groups=pairs[1].variant_groups[:1])
    task = MdnTask(pairs[0], bare, OPTIONS, "cpu", grids=True)
    with np.errstate(invalid="ignore"):
        assert np.isnan(float(task.dev_figures()["dev_nll"]))


@pytest.mark.parametrize("most", [1, 200, 10_000])
def test_a_set_in_more_grids_has_the_same_figure(pairs, most):
    task = MdnTask(with_captions(pairs[0], "few"), pairs[1], OPTIONS, "cpu")
    wanted = task.train.balanced_log_density(task.network, 64)
    grids = GridSet(task.train, task.network.sizes, most)
    assert float(grids.balanced_log_density(task.network)) == pytest.approx(wanted, rel=1e-6)
    assert all(grid.rows.numel() * grid.texts.shape[-1] <= max(most, 1024 * 64) for grid in grids.grids)


@pytest.mark.parametrize("device", DEVICES)
def test_short_memory_means_smaller_grids_and_parts_and_a_word_where_that_is_no_help(
    pairs, tmp_path, monkeypatch, device
):
    task = MdnTask(*pairs, OPTIONS, device, grids=True)
    wanted = float(task.dev_figures()["dev_nll"])
    batch = next(task.batches(1, 0, np.random.default_rng(0)))
    memory = 0

    def short(features: torch.Tensor, parameters: Parameters, weights: torch.Tensor) -> torch.Tensor:
        if weights.numel() > memory:
            raise torch.OutOfMemoryError("tried to allocate 2 GiB")
        return weighted_log_density(features, parameters, weights)

    monkeypatch.setattr(grid, "weighted_log_density", short)
    monkeypatch.setattr(grid_batches, "FEWEST_VALUES", 1)
    memory = batch.row_weights.numel() * batch.text_weights.shape[1] * 2 // 3
    loop = Loop(task, TrainingOptions.of(OPTIONS), Workplace(tmp_path, device))
    assert float(task.dev_figures()["dev_nll"]) == pytest.approx(wanted, rel=1e-6) and len(task.dev_grids.grids) > 1
    loop.update(batch)
    assert loop.updater.n_parts == 2
    memory = 0
    with pytest.raises(InputError, match="out of memory on the GPU: lower texts_per_group, n_components or hidden, or"):
        loop.run()


def train(pairs: tuple[Pairs, Pairs], options: MdnOptions, directory: Path, device: str, stop_at: int = -1) -> Path:
    """Train on grids to the end, or until the question of this number."""
    asked = at_question(stop_at) if stop_at >= 0 else lambda: False
    task = MdnTask(*pairs, options, device, grids=True)
    directory.mkdir(exist_ok=True)
    loop = Loop(task, TrainingOptions.of(options), Workplace(directory, device, asked))
    if stop_at < 0:
        loop.run().save(directory)
    else:
        with pytest.raises(RunAgain):
            loop.run()
    return directory


@KINDS
@pytest.mark.parametrize("device", DEVICES)
def test_training_ends_where_that_on_groups_does_and_resumes_with_the_same_bytes(pairs, tmp_path, options, device):
    loop = Loop(MdnTask(*pairs, options, "cpu"), TrainingOptions.of(options), Workplace(tmp_path, "cpu"))
    loop.run()
    train(pairs, options, tmp_path / "parts", device, 6)
    assert saved(tmp_path / "parts")["update"] == 2
    whole, parts = (train(pairs, options, tmp_path / name, device) for name in ("whole", "parts"))
    for name in ("weights.safetensors", "metrics.jsonl", "last.safetensors"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    for one, other in zip(history(whole), loop.state.history, strict=True):
        assert one["dev_nll"] == pytest.approx(other["dev_nll"], abs=0.01)


def test_sizes_are_few_and_hardly_larger():
    sizes = {rounded(size) for size in range(2000)}
    assert len(sizes) < 150
    assert all(size <= rounded(size) <= size * 17 / 16 + 1 for size in range(2000))


def test_lines_keep_the_order_of_their_values():
    lines = GridLines(np.array([2, 0, 2, 2]), 3, torch.device("cpu"))
    assert lines.of(np.array([5, 6, 7, 8])).tolist() == [[6, 0, 0], [0, 0, 0], [5, 7, 8]]
    assert GridLines(np.zeros(0, int), 2, torch.device("cpu")).of(np.zeros(0)).shape == (2, 0)
