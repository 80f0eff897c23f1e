"""Real signals to a real training command: whenever they come, run again until it is done, it writes the same bytes."""

import os
import random
import re
import signal
import time
from pathlib import Path

import pytest

from steps.generators import train
from tests.steps.generators.conftest import ROOT, fit
from tests.steps.generators.experiment import Experiment
from tests.steps.generators.training import SETTINGS, Training, outputs
from utils.options import parse
from utils.run_again import RUN_AGAIN, RunAgain, StopRequest

USR1, TERM = signal.SIGUSR1, signal.SIGTERM
MOMENTS = {"command: ": 1.0, "fitting": 0.7, "epoch 0:": 0.2, "dev_nll": 0.5}  # after this, so many seconds at most


@pytest.fixture(scope="module")
def undisturbed(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("undisturbed")
    fit(experiment, "mdn", "--set", SETTINGS, "--use_gpu", "false", "--out", str(root))
    return outputs(root / "mdn")


def words(experiment: Experiment, root: Path, settings: str = SETTINGS) -> list[str]:
    return [*experiment.options("mdn", "--set", settings), "--out", str(root)]


def test_at_random_moments(tmp_path, experiment: Experiment, undisturbed):
    rng, statuses = random.Random(0), []
    for text, most in [*rng.sample(sorted(MOMENTS.items()), len(MOMENTS)), ("never", 0)]:
        with Training(*words(experiment, tmp_path)) as training:
            training.wait_for(text)
            time.sleep(rng.uniform(0, most))
            if training.process.poll() is None:
                training.send(*rng.choice([("command", TERM), ("all", USR1), ("all", USR1, TERM, TERM)]))
            statuses.append(training.end())
        assert not (statuses[-1] == RUN_AGAIN and (tmp_path / "mdn").exists())
    assert statuses[-1] == 0 and RUN_AGAIN in statuses and set(statuses) <= {0, RUN_AGAIN, -TERM}
    assert outputs(tmp_path / "mdn") == undisturbed
    assert [path.name for path in tmp_path.iterdir()] == ["mdn"]


def test_asked_before_the_fit_it_does_not_begin(tmp_path, experiment: Experiment, monkeypatch):
    monkeypatch.chdir(ROOT)
    options = parse(train.Options, words(experiment, tmp_path), "train")
    (entry,) = (entry for entry in train.read_list(options.generators) if entry.name == "mdn")
    with StopRequest() as asked, pytest.raises(RunAgain, match="asked to stop before the fit"):
        os.kill(os.getpid(), USR1)
        train.train(entry, options, 1, asked)
    assert [file.name for file in (tmp_path / ".mdn.tmp").iterdir()] == [".signature"]


def test_asked_during_the_start_it_ends_soon_and_begins_anew(tmp_path, experiment: Experiment):
    with Training(*words(experiment, tmp_path)) as training:
        training.wait_for("fitting")
        training.send("command", TERM)
        assert training.end() == RUN_AGAIN
        assert re.search(
            "asked to stop(; last.safetensors is of epoch 0| in the start in closed form, which will begin anew); run",
            training.said[-1],
        )


def test_int_still_stops_and_keeps_the_checkpoint(tmp_path, experiment: Experiment):
    with Training(*words(experiment, tmp_path, SETTINGS.replace("epochs=60", "epochs=1000"))) as training:
        training.wait_for("epoch 1:")
        training.send("command", signal.SIGINT)
        assert training.end() == -signal.SIGINT
    assert (tmp_path / ".mdn.tmp" / "last.safetensors").is_file() and not (tmp_path / "mdn").exists()


def test_a_closed_form_is_finished_or_begun_anew(tmp_path, experiment: Experiment):
    arguments = [*experiment.options("ridge_gaussian"), "--out", str(tmp_path)]
    with Training(*arguments) as training:
        training.wait_for("command: ")
        training.send("command", TERM)
        first = training.end()
    assert first in (0, RUN_AGAIN, -TERM)  # -TERM: on the way in or out
    with Training(*arguments) as training:
        assert training.end() == 0
    assert (tmp_path / "ridge_gaussian" / ".done").is_file()
