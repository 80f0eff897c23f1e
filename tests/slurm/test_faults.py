"""utils/slurm.pl on a real SLURM that breaks: whatever dies, the launcher ends, names failures, and leaves no job."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.processes import PATIENCE, is_alive, wait_for
from tests.slurm.cluster import ROOT, WAITS, Cluster, Launch, Launcher, Result, fact, output, printed, words

# A job that says who it is, in a file that is whole at once, and goes on until the file `go` is there.
JOB = "echo $BASHPID >pid.JOB.new; mv pid.JOB.new pid.JOB; until test -e go; do sleep 0.1; done; echo done"


def start(launch: Launch, *options: str, jobs: str = "JOB=1", job: str = JOB) -> tuple[Launcher, int]:
    """A launcher whose job 1 runs, and that job's own bash."""
    launcher = launch(*options, jobs, "log/x.JOB.log", *words(job))
    return launcher, int(launcher.wait_for_file("pid.1"))


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def slurm_job(pid: int) -> int:
    """The slurm_job.pl above a job's bash."""
    while "slurm_job.pl" not in command_of(pid):
        pid = parent(pid)
    return pid


def assert_named(result: Result, state: str, log: str = "log/x.1.log") -> None:
    """The job has failed, and the launcher has said which, in which state, where its log is and what to do."""
    assert result.status == 1, result.said
    assert re.search(
        rf"(?m)^slurm\.pl: job 1 \(SLURM \d+_1[^)]*\): {state}.*, log is in {re.escape(log)}: \w+", result.said
    ), result.said
    assert result.said.splitlines()[-1].startswith(f"slurm.pl: job failed, log is in {log}") or re.search(
        r"slurm\.pl: \d / \d failed, log is in", result.said
    )


# --- the job dies


def test_kill_9_of_the_job(launch: Launch, tmp_path: Path) -> None:
    launcher, pid = start(launch)
    os.kill(pid, signal.SIGKILL)
    result = launcher.result()
    assert (result.status, "log/x.1.log" in result.said) == (1, True)
    assert "# Ended (code 0; signal 9)" in (tmp_path / "log/x.1.log").read_text()


def test_kill_9_of_what_stands_above_the_job(launch: Launch, tmp_path: Path) -> None:
    """Only control groups, which this cluster has not, would find the orphaned job and kill it."""
    launcher, pid = start(launch)
    os.kill(slurm_job(pid), signal.SIGKILL)
    assert_named(launcher.result(), "FAILED")
    (tmp_path / "go").touch()
    assert wait_for(lambda: not is_alive(pid))


def test_scancel_of_one_task(launch: Launch, tmp_path: Path) -> None:
    launcher, pid = start(launch, jobs="JOB=1:2")
    launcher.wait_for_file("pid.2")
    output("scancel", f"{fact(tmp_path / 'log/x.1.log', 'SLURM_ARRAY_JOB_ID')}_1")
    assert wait_for(lambda: not is_alive(pid))
    (tmp_path / "go").touch()
    assert_named(launcher.result(), "CANCELLED")
    assert printed(tmp_path / "log/x.2.log") == ["done"]


def test_scancel_of_a_job_that_waits(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    launcher, _ = start(launch, "--max-jobs-run", "1", jobs="JOB=1:2")
    waiting = cluster.queue("%i %T")
    output("scancel", *[line.split()[0] for line in waiting if line.endswith("PENDING")])
    (tmp_path / "go").touch()
    result = launcher.result()
    assert (result.status, len(waiting)) == (1, 2)
    assert re.search(r"slurm\.pl: job 2 \(SLURM \d+_2[^)]*\): CANCELLED.*log is in log/x\.2\.log", result.said)
    assert not (tmp_path / "log/x.2.log").exists()


def test_more_memory_than_asked_for(launch: Launch, tmp_path: Path) -> None:
    """Without control groups SLURM kills such a job, but calls it FAILED and not OUT_OF_MEMORY."""
    hungry = "perl -e '$x=q(a)x400e6;sleep(30)'"
    assert_named(launch("--mem", "100M", "JOB=1", "log/x.JOB.log", *words(hungry)).result(), "(FAILED|OUT_OF_MEMORY)")


def test_of_a_killed_job_a_script_shows_the_end_of_its_log(cluster: Cluster, tmp_path: Path) -> None:
    """run_jobs, as the scripts of all stages call it: no error line of the job's own says what it did last."""
    launcher = " ".join(["utils/slurm.pl", "--mem", "100M", *(word for wait in WAITS.items() for word in wait)])
    job = ["perl", "-e", "$|=1;print(qq(epoch 3: loss 1.2\\n));$n=400e6;$x=q(a)x$n;sleep(30)"]
    script = '. utils/launcher/jobs.sh; run_jobs "$1" JOB=1:1 "$2/x.JOB.log" -- "${@:3}"'
    command = ["bash", "-c", script, "script", launcher, str(tmp_path), *job]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert f"the end of {tmp_path}/x.1.log:\n" in done.stderr and "  epoch 3: loss 1.2\n" in done.stderr


# --- SLURM runs it again


def test_scontrol_requeue(launch: Launch, tmp_path: Path) -> None:
    launcher, pid = start(launch)
    output("scontrol", "requeue", fact(tmp_path / "log/x.1.log", "SLURM_JOB_ID"))
    assert wait_for(lambda: not is_alive(pid))
    (tmp_path / "go").touch()
    assert launcher.result().status == 0
    assert (tmp_path / "log/x.1.log").read_text().count("# Started at") == 2


def test_a_node_that_is_given_up_runs_its_job_again(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    launcher, pid = start(launch)
    cluster.kill("slurmd")
    output("scontrol", "update", f"nodename={cluster.node}", "state=down", "reason=test")
    cluster.restart("slurmd")
    assert wait_for(lambda: not is_alive(pid))
    (tmp_path / "go").touch()
    assert launcher.result().status == 0
    assert (tmp_path / "log/x.1.log").read_text().count("# Started at") == 2


# --- SLURM dies


@pytest.fixture
def saved(cluster: Cluster) -> None:
    """SLURM has saved its state, as it does within 5 s: what earlier tests have done does not come back."""
    cluster.restart("slurmctld")


def test_kill_9_of_slurmd_during_a_job(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    launcher, pid = start(launch)
    cluster.kill("slurmd")
    time.sleep(2)
    assert (launcher.process.poll(), is_alive(pid)) == (None, True)
    cluster.restart("slurmd")
    (tmp_path / "go").touch()
    assert launcher.result() == Result(0, "")


def test_kill_9_of_slurmctld_during_a_job(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    """The launcher waits, and then knows how each job did while nobody was there to ask."""
    launcher, _ = start(launch, jobs="JOB=1:2", job=f"{JOB}; exit $((JOB==1))")
    launcher.wait_for_file("pid.2")
    time.sleep(6)  # until SLURM has saved its state
    cluster.kill("slurmctld")
    time.sleep(2)
    (tmp_path / "go").touch()
    time.sleep(2)
    assert launcher.process.poll() is None
    cluster.restart("slurmctld")
    result = launcher.result()
    assert (result.status, "does not answer" in result.said, "answers again" in result.said) == (1, True, True)
    assert "1 / 2 failed" in result.said


@pytest.mark.usefixtures("saved")
def test_kill_9_of_slurmctld_just_after_the_submission(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    """The state of the job is not saved yet: SLURM may hold it after its restart although it has run to its end."""
    launcher, _ = start(launch, job=f"{JOB}; echo again >>ran; exit 3")
    cluster.kill("slurmctld")
    (tmp_path / "go").touch()
    assert wait_for(lambda: "# Ended (code 3)" in (tmp_path / "log/x.1.log").read_text())
    cluster.restart("slurmctld")
    assert launcher.result().status == 1
    assert (tmp_path / "ran").read_text().split() == ["again"]


@pytest.mark.usefixtures("saved")
def test_submission_waits_for_slurmctld(launch: Launch, cluster: Cluster) -> None:
    cluster.kill("slurmctld")
    launcher = launch("JOB=1:2", "x.JOB.log", "true")
    time.sleep(4)
    assert launcher.process.poll() is None
    cluster.restart("slurmctld")
    assert launcher.result().status == 0


@pytest.mark.usefixtures("saved")
def test_a_controller_that_stays_away_is_given_up(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    launcher, _ = start(launch, "--controller-wait", "3")
    job = fact(tmp_path / "log/x.1.log", "SLURM_ARRAY_JOB_ID")
    cluster.kill("slurmctld")
    result = launcher.result()
    assert (result.status, job in result.said, "scancel" in result.said) == (1, True, True), result.said
    (tmp_path / "go").touch()
    cluster.restart("slurmctld")
    subprocess.run(["scancel", job], check=True)  # where SLURM has not saved its state, it is held


# --- SLURM forgets


def test_forgotten_jobs_are_known_by_their_logs(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    """One has failed by itself, one has been killed without a footer; both while the launcher did not look."""
    launcher, killed = start(launch, jobs="JOB=1:2", job=f"{JOB}; exit 3")
    launcher.wait_for_file("pid.2")
    job = fact(tmp_path / "log/x.1.log", "SLURM_ARRAY_JOB_ID")
    with cluster.settings(MinJobAge=2):
        launcher.process.send_signal(signal.SIGSTOP)
        os.kill(slurm_job(killed), signal.SIGKILL)
        (tmp_path / "go").touch()
        known = ["squeue", "-h", "-j", job]
        assert wait_for(lambda: subprocess.run(known, capture_output=True).returncode != 0)
        launcher.process.send_signal(signal.SIGCONT)
        result = launcher.result()
    assert_named(result, "LOST")
    assert "slurm.pl: job 2 (" not in result.said  # its own log says how it ended
    assert "2 / 2 failed" in result.said
