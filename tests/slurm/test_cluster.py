"""tests/slurm/cluster.sh: starts, starts again, recovers from a crash, and leaves nothing running."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.processes import is_alive, wait_for
from tests.slurm.cluster import CLUSTER_SH, Cluster, output

DAEMONS = ("munged", "slurmctld", "slurmd")


@pytest.fixture
def other(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A second cluster beside the one of all tests."""
    other = Cluster(tmp_path / "other")
    monkeypatch.setenv("SLURM_CONF", str(other.conf))
    yield other
    other.call("stop")


def test_two_clusters_stand_side_by_side_and_a_second_start_changes_nothing(other: Cluster, cluster: Cluster) -> None:
    said = other.call("start", "MaxArraySize=7")
    pids = [other.pid(daemon) for daemon in DAEMONS]
    assert said == f"export SLURM_CONF={other.conf} PS_TEST_SLURM={other.directory}"
    assert "MaxArraySize            = 7" in output("scontrol", "show", "config")
    assert other.call("start") == said
    assert [other.pid(daemon) for daemon in DAEMONS] == pids
    assert other.call("status").startswith(f"munged runs, process {pids[0]}\n")
    other.call("stop")
    assert not any(map(is_alive, pids))
    assert all(is_alive(cluster.pid(daemon)) for daemon in DAEMONS)
    assert subprocess.run([CLUSTER_SH, "status", other.directory], capture_output=True).returncode == 1


def test_a_crashed_cluster_begins_anew_without_the_old_jobs(other: Cluster, tmp_path: Path) -> None:
    other.call("start")
    file = tmp_path / "pid"
    output("sbatch", "-o", "/dev/null", "--wrap", f"echo $$ >{file}.new; mv {file}.new {file}; sleep 100")
    assert wait_for(file.exists)
    for daemon in DAEMONS:
        os.kill(other.pid(daemon), signal.SIGKILL)
    assert is_alive(int(file.read_text()))
    other.call("start")
    assert not is_alive(int(file.read_text()))
    assert other.is_idle()


def test_stop_kills_the_jobs_that_run(other: Cluster, tmp_path: Path) -> None:
    other.call("start")
    file = tmp_path / "pid"
    job = f"trap '' TERM; echo $$ >{file}.new; mv {file}.new {file}; while :; do sleep 1; done"
    output("sbatch", "-o", "/dev/null", "--wrap", job)
    assert wait_for(file.exists)
    other.kill("slurmd")
    other.call("stop")
    assert not is_alive(int(file.read_text()))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "usage: "),
        (["walk", "x"], "usage: "),
        (["stop"], "which cluster? Give its DIR"),
        (["start", "a b"], "slurm.conf cannot name such a directory"),
    ],
)
def test_wrong_calls_say_what_is_wrong(words: list[str], said: str, tmp_path: Path) -> None:
    done = subprocess.run([CLUSTER_SH, *words], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr


@pytest.mark.parametrize(("action", "said"), [("start", "only root can start it"), ("install", "")])
def test_another_user_is_told(action: str, said: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    script = CLUSTER_SH.read_text()  # the checkout may be closed to that user
    command = ["setpriv", "--reuid=65534", "--clear-groups", "bash", "-s", action, "/tmp/nowhere"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, cwd="/")
    assert said in done.stderr
    assert done.returncode == (1 if said else 0)  # nothing is to be installed here
