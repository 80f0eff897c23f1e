"""Training in several processes: what one would learn, the same bytes after interruptions, and nothing left behind."""

import json
import signal
from pathlib import Path
from typing import NamedTuple

import pytest
from safetensors.numpy import load_file

from tests.processes import small_files, wait_for
from tests.steps.generators.conftest import fit
from tests.steps.generators.experiment import Experiment
from tests.steps.generators.training import SETTINGS, Training, outputs
from utils.run_again import RUN_AGAIN

USR1, TERM, INT, KILL = signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGKILL
FEW = "hidden=16,n_components=3,folds=5,epochs=2,updates_per_epoch=70"  # two or three rows an update

KNOWN = ("epoch", "dev_nll", "lr")


def words(experiment: Experiment, root: Path, n: int, settings: str = SETTINGS) -> list[str]:
    return [*experiment.options("mdn", "--set", settings, "--num_gpus", str(n)), "--out", str(root)]


def trained(experiment: Experiment, root: Path, n: int, settings: str = SETTINGS) -> dict[str, bytes]:
    """Train to the end, undisturbed, in one voice. Returns the content of all files."""
    if n == 1:
        fit(experiment, "mdn", "--set", settings, "--use_gpu", "false", "--out", str(root))
        return outputs(root / "mdn")
    with Training(*words(experiment, root, n, settings)) as training:
        assert training.end() == 0, training.said
        assert training.is_gone()
    assert sum("best epoch " in line for line in training.said) == 1
    assert not [line for line in training.said if "Warning" in line or "elastic" in line]
    assert [path.name for path in root.iterdir()] == ["mdn"]
    return outputs(root / "mdn")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("group")


@pytest.fixture(scope="module")
def alone(experiment: Experiment, root: Path) -> dict[str, bytes]:
    return trained(experiment, root / "alone", 1)


@pytest.fixture(scope="module")
def together(experiment: Experiment, root: Path) -> dict[str, bytes]:
    return trained(experiment, root / "together", 2)


def curves(*runs: dict[str, bytes]) -> list[list[dict]]:
    return [[json.loads(line) for line in run["metrics.jsonl"].splitlines()] for run in runs]


def assert_alike(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    """Equal, up to the order of sums."""
    assert set(one) == set(other)
    for ours, theirs in zip(*curves(one, other), strict=True):
        assert ours.keys() == theirs.keys()
        assert [ours[key] for key in KNOWN] == pytest.approx([theirs[key] for key in KNOWN], rel=1e-5)
        assert ours["epoch"] == 0 or ours["train_nll"] == pytest.approx(theirs["train_nll"], rel=1e-5)


def test_two_processes_learn_what_one_does(alone, together, root):
    assert_alike(alone, together)
    assert alone["last.safetensors"] != together["last.safetensors"]  # these are sums in another order
    one, two = (load_file(root / name / "mdn" / "weights.safetensors") for name in ("alone", "together"))
    assert one.keys() == two.keys()
    assert all(abs(one[name] - two[name]).max() < 1e-3 * abs(one[name]).max() + 1e-5 for name in one)


def test_more_processes_than_rows_count_each_row_once(tmp_path, experiment: Experiment):
    one, three = (trained(experiment, tmp_path / str(n), n, FEW) for n in (1, 3))
    assert_alike(one, three)


class Stop(NamedTuple):
    """How a run is stopped: after it has said a text (none: once both members run), who gets which signals."""

    text: str
    to: str  # the command, all, or a member by its number
    signals: tuple[signal.Signals, ...]
    status: int  # that it ends with


STOPS = [  # one after another, each of a run that goes on from the one before
    Stop("", "all", (USR1, TERM), RUN_AGAIN),
    Stop("epoch 0:", "command", (TERM,), RUN_AGAIN),
    Stop("epoch 4:", "1", (USR1,), RUN_AGAIN),
    Stop("resumed", "command", (USR1, USR1), RUN_AGAIN),
    Stop("resumed", "0", (KILL,), 1),
    Stop("resumed", "1", (KILL,), 1),
    Stop("resumed", "command", (KILL,), -KILL),
    Stop("resumed", "command", (INT,), -INT),
]


def test_stopped_in_any_way_nothing_is_left_and_it_ends_with_the_same_bytes(tmp_path, experiment: Experiment, together):
    for stop in STOPS:
        with Training(*words(experiment, tmp_path, 2)) as training:
            assert training.wait_for(stop.text) if stop.text else wait_for(lambda: len(training.members()) == 2)  # noqa: B023
            training.send(stop.to, *stop.signals)
            assert training.end() == stop.status, training.said
            assert training.is_gone()
        assert not (tmp_path / "mdn").exists()
        assert not [line for line in training.said if "Traceback" in line], stop
        last = training.said[-1]
        if stop.status == RUN_AGAIN and stop.text:
            assert "asked to stop; last.safetensors is of " in last, stop
        elif stop.status == 1:
            assert last.startswith(
                f"steps.generators.train: ERROR: {tmp_path / 'mdn'}: training process {stop.to} of 2 "
            )
            assert "was killed by SIGKILL, and the others were ended; the last checkpoint is kept" in last
        assert not stop.text or (tmp_path / ".mdn.tmp" / "last.safetensors").is_file()
    assert trained(experiment, tmp_path, 2) == together


def test_it_goes_on_with_another_number_of_processes(tmp_path, experiment: Experiment, alone):
    for n in (1, 2):
        with Training(*words(experiment, tmp_path, n)) as training:
            assert training.wait_for("epoch 0:" if n == 1 else "resumed")
            training.send("command", USR1)
            assert training.end() == RUN_AGAIN
    assert_alike(trained(experiment, tmp_path, 1), alone)


def test_errors_of_members_are_one_line(tmp_path, experiment: Experiment):
    def error(settings: str) -> str:
        with Training(*words(experiment, tmp_path, 2, settings)) as training:
            assert training.end() == 1
            assert training.is_gone()
        assert sum("ERROR" in line for line in training.said) == 1 and "Traceback" not in "".join(training.said)
        return training.said[-1]

    wrong = error("hidden=32,lr=1e30,covariance=diagonal,linear_path=false")
    assert "the loss became nan at update" in wrong and "last.safetensors is the last good checkpoint" in wrong
    with small_files(9_000):
        assert "File too large; no output was committed" in error(SETTINGS)
