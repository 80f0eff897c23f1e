"""Training as a job of SLURM that is told to go: it saves its state, is run again, and writes the same bytes."""

import subprocess
from pathlib import Path

import pytest

from tests.processes import wait_for
from tests.slurm.cluster import ROOT, WAITS, Cluster, Launch, Launcher, output
from tests.steps.generators.experiment import Experiment, write_experiment
from tests.steps.generators.training import SETTINGS, outputs

TRAIN_SH = ROOT / "steps/generators/train.sh"
LONG = f"{SETTINGS},updates_per_epoch=120"


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return write_experiment(tmp_path_factory.mktemp("experiment"))


def command(experiment: Experiment, exp: Path, launcher: str, options: str) -> list[str | Path]:
    generators = exp.parent / "generators.txt"
    generators.write_text("mdn mdn -\n")
    paths = [experiment.index, experiment.descriptions, experiment.text_vectors, exp]
    return ["--cmd", f"{launcher} {options}", "--generators", generators, "--set", LONG, "--use_gpu", "false", *paths]


@pytest.fixture(scope="module")
def undisturbed(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    exp = tmp_path_factory.mktemp("undisturbed") / "exp"
    subprocess.run([TRAIN_SH, *command(experiment, exp, "run.pl", "--mem 1G")], cwd=ROOT, check=True)
    return outputs(exp / "mdn")


@pytest.fixture
def train(experiment: Experiment, tmp_path: Path, launch: Launch):
    """train(options) starts stage 4 under slurm.pl with these options, and waits until the network is in training."""

    def start(options: str) -> tuple[Launcher, Path]:
        waits = " ".join(f"{option} {value}" for option, value in WAITS.items())
        exp = tmp_path / "exp"
        words = command(experiment, exp, "slurm.pl", f"--mem 1G {waits} {options}")
        in_root = ["-C", str(ROOT), str(TRAIN_SH)]
        launcher = launch(*in_root, *map(str, words), cwd=tmp_path, program=Path("/usr/bin/env"), waits={})
        assert wait_for(lambda: "epoch 2:" in log(exp)), launcher.said.read_text()
        return launcher, exp

    return start


def log(exp: Path) -> str:
    path = exp / "log/train.1.log"
    return path.read_text() if path.is_file() else ""


def test_usr1_before_the_time_limit_ends_in_a_second_job(train, undisturbed: dict[str, bytes]) -> None:
    launcher, exp = train("")
    output("scancel", "--batch", "--signal=USR1", "--me")  # as SLURM does a minute before the limit
    result = launcher.result(120)
    assert result.status == 0, result.said + log(exp)
    assert "# FAILED, asks to be run again: submitted again, restart 1\n#\n# Run again\n" in log(exp)
    assert "resumed after" in log(exp)
    assert outputs(exp / "mdn") == undisturbed


def test_a_preempted_training_is_requeued_and_goes_on(
    train, launch: Launch, cluster: Cluster, undisturbed: dict[str, bytes]
) -> None:
    launcher, exp = train("-p preempt")
    better = launch("-p", "main", "--num-threads", "2", "better.log", "sleep", "1")
    assert better.result(60).status == 0
    result = launcher.result(120)
    assert result.status == 0, result.said + log(exp)
    assert "# Run again\n" in log(exp) and "resumed after" in log(exp)
    assert outputs(exp / "mdn") == undisturbed


def test_a_cancelled_training_stays_cancelled(train) -> None:
    launcher, exp = train("")
    output("scancel", "--me")
    result = launcher.result(60)
    assert result.status == 1
    assert "CANCELLED, log is in" in result.said and "Run again" not in log(exp)
    assert (exp / ".mdn.tmp/last.safetensors").is_file() and not (exp / "mdn").exists()
