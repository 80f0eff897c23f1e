"""Training that is asked to stop: it ends before the next update, and goes on with the same bits."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file

from steps.generators.mdn import start
from steps.generators.mdn.fit import fit_mdn
from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.start import make_start
from steps.generators.mdn.task import MdnTask
from steps.generators.pairs import Pairs
from steps.training.loop import Loop
from steps.training.options import TrainingOptions
from steps.training.workplace import Workplace
from tests.steps.generators.experiment import Experiment
from utils.errors import InputError
from utils.run_again import RunAgain

OPTIONS = MdnOptions(hidden=16, n_components=3, folds=5, epochs=3, lr=1e-3, updates_per_epoch=4)
PLAIN = replace(OPTIONS, covariance="diagonal", linear_path=False, spread=1.0)
UPDATES = OPTIONS.epochs * OPTIONS.updates_per_epoch


@pytest.fixture(scope="module")
def pairs(experiment: Experiment) -> tuple[Pairs, Pairs]:
    return experiment.pairs("train"), experiment.pairs("dev")


@pytest.fixture(scope="module")
def undisturbed(pairs: tuple[Pairs, Pairs], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return train(pairs, OPTIONS, tmp_path_factory.mktemp("undisturbed"))


def train(pairs: tuple[Pairs, Pairs], options: MdnOptions, directory: Path) -> dict[str, bytes]:
    """Train to the end. Returns the content of all files."""
    fit_mdn(*pairs, options, Workplace(directory, "cpu")).save(directory)
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def at_question(number: int) -> Callable[[], bool]:
    """Asks to stop at the question of this number, from 0."""
    answers = iter([False] * number + [True])
    return lambda: next(answers)


def questions_of_start(pairs: tuple[Pairs, Pairs], options: MdnOptions) -> int:
    """How often the start asks whether to stop."""
    asked = itertools.count()
    make_start(pairs[0], options, stop_requested=lambda: next(asked) < 0)
    return next(asked)


@pytest.fixture(scope="module")
def before(pairs: tuple[Pairs, Pairs]) -> int:
    return questions_of_start(pairs, OPTIONS)


def saved(directory: Path) -> dict:
    """What the last checkpoint says of itself."""
    with safe_open(str(directory / "last.safetensors"), framework="np") as file:
        return json.loads(file.metadata()["progress"])


@pytest.mark.parametrize("number", range(UPDATES))
def test_stopped_before_any_update_it_ends_with_the_same_bytes(pairs, undisturbed, before, tmp_path, number):
    epoch, update = divmod(number, OPTIONS.updates_per_epoch)
    where = f"update {update} of epoch {epoch + 1}" if update else f"epoch {epoch}"
    with pytest.raises(RunAgain, match=f"asked to stop; last.safetensors is of {where}$"):
        fit_mdn(*pairs, OPTIONS, Workplace(tmp_path, "cpu", at_question(before + number)))
    assert (saved(tmp_path)["epoch"], saved(tmp_path)["update"]) == (epoch, update)
    earlier = {"previous.safetensors"} if number else set()
    always = {"best.safetensors", "last.safetensors", "metrics.jsonl"}
    assert {file.name for file in tmp_path.iterdir()} == always | earlier
    assert train(pairs, OPTIONS, tmp_path) == undisturbed


@pytest.mark.parametrize("options", [OPTIONS, PLAIN], ids=["shared", "diagonal"])
def test_stopped_after_every_update_it_ends_with_the_same_bytes(pairs, tmp_path, options):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    before = questions_of_start(pairs, options)
    for _ in range(UPDATES - 1):
        with pytest.raises(RunAgain):
            fit_mdn(*pairs, options, Workplace(tmp_path / "parts", "cpu", at_question(before + 1)))
        with pytest.raises(RunAgain):  # again, before it has done anything
            fit_mdn(*pairs, options, Workplace(tmp_path / "parts", "cpu", at_question(before)))
    assert train(pairs, options, tmp_path / "parts") == train(pairs, options, tmp_path / "whole")


@pytest.mark.parametrize("direct", [0, 10**9], ids=["by sums", "directly"])
@pytest.mark.parametrize("share", [0, 0.02, 1])
def test_stopped_in_the_start_it_begins_anew_with_the_same_bytes(pairs, tmp_path, monkeypatch, direct, share):
    monkeypatch.setattr(start, "DIRECT", direct)
    short = replace(OPTIONS, epochs=0)
    last = questions_of_start(pairs, short) - 1
    (tmp_path / "stopped").mkdir()
    (tmp_path / "whole").mkdir()
    with pytest.raises(RunAgain, match="asked to stop in the start in closed form, which will begin anew"):
        fit_mdn(*pairs, short, Workplace(tmp_path / "stopped", "cpu", at_question(int(share * last))))
    assert list((tmp_path / "stopped").iterdir()) == []
    assert train(pairs, short, tmp_path / "stopped") == train(pairs, short, tmp_path / "whole")


def test_training_that_is_over_does_not_stop(pairs, before, tmp_path):
    train(pairs, OPTIONS, tmp_path)
    fit_mdn(*pairs, OPTIONS, Workplace(tmp_path, "cpu", at_question(before)))


def test_weights_that_have_exploded_are_not_saved_and_the_next_run_says_so(pairs, tmp_path):
    wild = replace(PLAIN, lr=1e30)
    with pytest.raises(RunAgain, match="is of epoch 0$"):
        fit_mdn(*pairs, wild, Workplace(tmp_path, "cpu", at_question(2)))
    assert all(value.isfinite().all() for value in load_file(tmp_path / "last.safetensors").values())
    with pytest.raises(InputError, match=r"at update \d of 4 of epoch 1; last.safetensors is .* of epoch 0; lower"):
        fit_mdn(*pairs, wild, Workplace(tmp_path, "cpu"))


def test_an_explosion_after_a_stop_names_the_checkpoint_there_is(pairs, before, tmp_path):
    with pytest.raises(RunAgain):
        fit_mdn(*pairs, OPTIONS, Workplace(tmp_path, "cpu", at_question(before + 2)))
    task = MdnTask(*pairs, OPTIONS, "cpu")
    task.train.latent[:] = float("nan")
    with pytest.raises(InputError, match="became nan at update 3 of 4 of epoch 1; .* of update 2 of epoch 1; lower lr"):
        Loop(task, TrainingOptions.of(OPTIONS), Workplace(tmp_path, "cpu")).run()
