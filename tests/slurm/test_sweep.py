"""A sweep through utils/slurm.pl: the same as through run.pl, in more jobs than fit into one array."""

import signal
from pathlib import Path

import pytest

from tests.processes import kill_session, wait_for
from tests.slurm.cluster import SLURM_PL, WAITS, Cluster
from tests.utils.sweeping.tiny import Sweep

LAUNCHER = " ".join([str(SLURM_PL), *(word for option in WAITS.items() for word in option)])
GRID = {"a": list(range(1, 13))}


@pytest.fixture
def sweep(cluster: Cluster, tmp_path: Path) -> Sweep:
    return Sweep(tmp_path, LAUNCHER)


def test_only_what_is_missing_is_submitted(sweep: Sweep) -> None:
    sweep.write(grid=GRID)
    (sweep.data / "bad a=7").touch()
    assert "point: ERROR: a=7 is bad" in sweep.run(status=1)
    assert len(sweep.ran()) == 12
    assert sweep.table()[-1] == ["a=7", "7", "-", "failed (code 1)", "log/a=7.log"]
    (sweep.data / "bad a=7").unlink()
    sweep.run()
    assert sweep.ran() == ["a=7"] and set(sweep.states().values()) == {"done"}
    on_slurm, sweep.launcher = sweep.written(), "run.pl"
    sweep.run("--force", "true")
    assert len(sweep.ran()) == 12 and sweep.written() == on_slurm


def test_killed_it_cancels_its_jobs_and_goes_on(sweep: Sweep, cluster: Cluster) -> None:
    waiting = 'bash -c \'touch "$0/begun"; [ -e "$1/go" ] || sleep 600; echo "{}" >"$0/loss.json"\' {out} {data} {a}'
    sweep.write(grid={"a": [1, 2]}, command=waiting)
    process = sweep.start()
    try:
        assert wait_for((sweep.out / "points/a=1/begun").exists)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert wait_for(lambda: not cluster.queue())
    finally:
        kill_session(process.pid)
    sweep.write(grid=GRID)
    sweep.run()
    assert set(sweep.states().values()) == {"done"}
