"""Fixtures of the tests on a real SLURM: one cluster for all of them, given back in order after each."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import wait_for
from tests.slurm.cluster import Cluster, Launch, Launcher

MAX_ARRAY_SIZE = 11  # indices of tasks are smaller
PLACE = "a b'c\"d $(touch hacked) `é 100% %j\\n"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running cluster; where there can be none, its tests are skipped and say what to do."""
    missing = [program for program in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(program)]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: `tests/slurm/cluster.sh install` gets them")
    if os.geteuid() != 0:
        pytest.skip("only root can start the SLURM of tests/slurm/cluster.sh")
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("stopped by SIGTERM"))  # and not without stopping the cluster
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(cluster.conf)
    try:
        cluster.call("start", f"MaxArraySize={MAX_ARRAY_SIZE}")
        yield cluster
    finally:
        cluster.call("stop")
        del os.environ["SLURM_CONF"]
        if before is not None:
            os.environ["SLURM_CONF"] = before


@pytest.fixture(autouse=True)
def nothing_left(cluster: Cluster) -> Iterator[None]:
    """No test leaves a job behind, and none is given a broken cluster by another."""
    yield
    cluster.repair()
    if not wait_for(cluster.is_idle):
        left = cluster.queue("%i %T %r")
        subprocess.run(["scancel", "-u", "root"], check=True)
        assert wait_for(cluster.is_idle)
        pytest.fail(f"jobs left in the queue: {left}")


@pytest.fixture(params=["plain", PLACE], ids=["plain", "weird"])
def working_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A working directory, once with a name that careless shell, Perl and sbatch would evaluate."""
    directory = tmp_path / request.param
    directory.mkdir()
    return directory


@pytest.fixture
def launch(cluster: Cluster, nothing_left: None, tmp_path: Path) -> Iterator[Launch]:
    """launch(words...) starts utils/slurm.pl, in tmp_path or `cwd`; what a failed test leaves running is stopped."""
    launchers: list[Launcher] = []

    def start(*words: str, cwd: Path = tmp_path, **options: object) -> Launcher:
        launchers.append(Launcher(cwd, *words, **options))
        return launchers[-1]

    yield start
    for launcher in launchers:
        launcher.stop()
