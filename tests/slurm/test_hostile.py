"""Jobs that mislead, settings in the way, accidents of the launcher itself: no false success, and no job left."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.processes import PATIENCE, wait_for
from tests.slurm.cluster import SLURM_PL, WAITS, Cluster, Launch, printed, words

FOOTER = "# Ended (code 0) at Sat Nov 21 02:57:33 UTC 2026, elapsed time 3 seconds"
LONG_JOB = words("touch started.JOB; sleep 600")


def test_a_job_that_prints_a_footer_is_not_believed(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "other.log").write_text(f"{FOOTER}\n")
    result = launch("JOB=1:2", "log/x.JOB.log", *words("cat other.log; sleep 2; exit $((JOB*3))")).result()
    assert result.status == 1
    assert result.said.endswith("slurm.pl: 2 / 2 failed, log is in log/x.*.log\n")
    assert (tmp_path / "log/x.2.log").read_text().splitlines()[-1].startswith("# Ended (code 6)")


def test_a_job_that_deletes_its_log_has_one_with_a_footer(launch: Launch, tmp_path: Path) -> None:
    assert launch("x.log", *words("rm x.log; echo nobody hears it")).result().status == 0
    assert (tmp_path / "x.log").read_text().splitlines()[-1].startswith("# Ended (code 0)")


def test_a_command_longer_than_an_argument_may_be(launch: Launch, tmp_path: Path) -> None:
    long = "x" * 100_000
    assert launch("x.log", "echo", long, long, "|", "wc", "-c").result().status == 0
    assert printed(tmp_path / "x.log") == ["200002"]


@pytest.mark.parametrize("log", ["log/a,b.log", "log/a\nb.log", "log/a b.log"])
def test_an_odd_log_is_guarded_as_any_other(launch: Launch, tmp_path: Path, log: str) -> None:
    first = launch(log, *words("touch started; until test -e go; do sleep 0.1; done"))
    assert wait_for((tmp_path / "started").exists)
    second = launch(log, "true").result()
    assert second.status == 1 and "another launch (process " in second.said
    (tmp_path / "go").touch()
    assert first.result().status == 0


def test_two_ranges_of_one_log_run_side_by_side(launch: Launch, tmp_path: Path) -> None:
    job = words("touch started.JOB; until test -e go; do sleep 0.1; done; echo JOB")
    first, second = launch("JOB=1", "log/x.JOB.log", *job), launch("JOB=2", "log/x.JOB.log", *job)
    assert wait_for(lambda: len(list(tmp_path.glob("started.*"))) == 2)
    (tmp_path / "go").touch()
    assert [first.result().status, second.result().status] == [0, 0]
    assert printed(tmp_path / "log/x.1.log") + printed(tmp_path / "log/x.2.log") == ["1", "2"]


@pytest.mark.parametrize("setting", ["SBATCH_JOB_NAME", "command sbatch --job-name=kaldi"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_jobs_are_cancelled_whatever_name_they_were_to_have(
    launch: Launch, cluster: Cluster, tmp_path: Path, setting: str, number: signal.Signals
) -> None:
    options: list[str] = []
    environment = dict(os.environ)
    if setting.startswith("SBATCH"):
        environment[setting] = "foo"
    else:
        (tmp_path / "my.conf").write_text(f"{setting}\n")
        options = ["--config", "my.conf"]
    launcher = launch(*options, "JOB=1", "x.JOB.log", *LONG_JOB, env=environment)
    launcher.wait_for_file("started.1")
    launcher.process.send_signal(number)
    assert launcher.result().status == -number
    assert wait_for(lambda: not cluster.queue())


def test_a_reader_that_has_gone_costs_no_job(cluster: Cluster, tmp_path: Path) -> None:
    """As in `slurm.pl ... 2>&1 | tee`, where ^C ends tee first."""
    reader, writer = os.pipe()
    asked = [word for pair in WAITS.items() for word in pair]
    job = [SLURM_PL, *asked, "--num-threads", "4", "JOB=1:2", "x.JOB.log", "true"]  # it says that they wait for ever
    process = subprocess.Popen(job, cwd=tmp_path, stderr=writer)
    os.close(writer)
    os.close(reader)
    assert process.wait(PATIENCE) == 1
    assert not cluster.queue()


def test_a_log_that_becomes_a_directory_fails_its_job(launch: Launch, cluster: Cluster) -> None:
    result = launch("JOB=1:2", "x.JOB.log", *words("rm x.JOB.log; mkdir x.JOB.log; sleep 1")).result()
    assert result.status == 1
    assert "x.1.log" in result.said or "2 / 2 failed" in result.said
    assert not cluster.queue()


def test_term_while_slurmctld_is_away_cancels_when_it_is_back(launch: Launch, cluster: Cluster) -> None:
    launcher = launch("--controller-wait", "3", "JOB=1", "x.JOB.log", *LONG_JOB)
    launcher.wait_for_file("started.1")
    time.sleep(6)  # SLURM writes its state every five seconds
    cluster.kill("slurmctld")
    launcher.process.terminate()
    assert launcher.result().status == -signal.SIGTERM
    assert "some jobs are not cancelled yet; a process in the background keeps trying" in launcher.said.read_text()
    cluster.restart("slurmctld")
    assert wait_for(lambda: not cluster.queue())


def test_a_sacct_that_does_not_answer_holds_nobody_up(launch: Launch, cluster: Cluster, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in {"sacct": "exec sleep 1000", "squeue": 'test -e forgotten || exec /usr/bin/squeue "$@"'}.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}\n")
        (programs / name).chmod(0o755)
    launcher = launch("JOB=1", "x.JOB.log", *LONG_JOB, env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"})
    launcher.wait_for_file("started.1")
    subprocess.run(["scancel", "--me"], check=True)
    (tmp_path / "forgotten").touch()
    assert launcher.result().status == 1


def test_without_slurm_it_says_so_at_once(tmp_path: Path) -> None:
    words = [SLURM_PL, "x.log", "true"]
    path = ":".join(folder for folder in os.environ["PATH"].split(":") if not (Path(folder) / "sbatch").exists())
    (tmp_path / "bin").mkdir()
    for name in ("perl", "python3", "env"):
        found = next(Path(folder) / name for folder in os.environ["PATH"].split(":") if (Path(folder) / name).exists())
        (tmp_path / "bin" / name).symlink_to(found)
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{tmp_path}/bin:{path}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert "found no sbatch, squeue, scancel, scontrol, srun in PATH" in done.stderr


def test_a_default_that_nothing_describes_is_an_error(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "my.conf").write_text("command sbatch\noption time=* --time=$0\ndefault tiem=1:00:00\n")
    result = launch("--config", "my.conf", "x.log", "true").result()
    assert (result.status, result.said) == (
        1,
        "slurm.pl: my.conf: default tiem: there is no line 'option tiem=...'; add one\n",
    )
