"""utils/slurm.pl on a real SLURM: directories and logs whose names a shell, Perl or sbatch would evaluate."""

import subprocess
from pathlib import Path

import pytest

from tests.processes import PATIENCE
from tests.slurm.cluster import WAITS, Cluster, Launch, printed, words

ROOT = Path(__file__).parents[2]

LOG = "log 'of\" $(touch hacked) %j %A_%a 100%/x `id` .JOB.log"


def test_an_array_whose_log_has_blanks_quotes_and_percent_signs(launch: Launch, working_dir: Path) -> None:
    result = launch("JOB=1:3", f"exp/{LOG}", *words("echo JOB; test JOB != 2"), cwd=working_dir).result()
    assert result.status == 1
    logs = [working_dir / f"exp/{LOG}".replace("JOB", str(job)) for job in (1, 2, 3)]
    assert [printed(log) for log in logs] == [["1"], ["2"], ["3"]]
    assert "1 / 3 failed, log is in " + f"exp/{LOG}".replace("JOB", "*") in result.said
    assert {*logs[0].parent.iterdir()} == {*logs, logs[0].parent / "q"}
    assert not list(working_dir.rglob("hacked"))


def test_a_bad_job_in_such_a_place_is_repaired_alone(launch: Launch, working_dir: Path) -> None:
    job = words("echo JOB >>ran; test JOB != 2 -o -e repaired")
    assert launch("JOB=1:3", LOG, *job, cwd=working_dir).result().status == 1
    (working_dir / "repaired").touch()
    assert launch("--pick", "failed", "JOB=1:3", LOG, *job, cwd=working_dir).result().status == 0
    assert sorted((working_dir / "ran").read_text().split()) == ["1", "2", "2", "3"]


def test_the_number_of_a_job_replaces_nothing_in_the_names_of_a_user(cluster: Cluster, working_dir: Path) -> None:
    """run_jobs, as the scripts of all stages call it."""
    script = '. utils/launcher/jobs.sh; run_jobs "$1" JOB=1:2 "$2" -- python3 tests/utils/print_words.py "${@:3}"'
    launcher = " ".join(["utils/slurm.pl", *(word for wait in WAITS.items() for word in wait)])
    log, own = working_dir / "JOBS/log/JOBN.JOB.log", ["--data", "/corpora/JOBS/x y", "--out", "JOB"]
    command = ["bash", "-c", script, "script", launcher, str(log), *own, "--job", "JOB"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE)
    assert sorted(path.name for path in log.parent.glob("*.log")) == ["JOBN.1.log", "JOBN.2.log"]
    assert printed(log.with_name("JOBN.2.log")) == [repr([*own, "--job", "2"])]
    assert [path.name for path in working_dir.iterdir()] == ["JOBS"]


def test_an_absolute_log_elsewhere(launch: Launch, working_dir: Path, tmp_path: Path) -> None:
    log = tmp_path / "else where/exp/log/one.log"
    assert launch(str(log), "pwd", cwd=working_dir).result().status == 0
    assert printed(log) == [str(working_dir)]
    assert (tmp_path / "else where/exp/q").is_dir()


def test_the_job_variable_in_the_directory_is_refused(launch: Launch, tmp_path: Path) -> None:
    result = launch("JOB=1:2", "JOBS/x.JOB.log", "true").result()
    assert (result.status, "JOB" in result.said) == (1, True)
    assert not list(tmp_path.glob("*S"))


def test_a_log_that_cannot_be_written_is_said(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = launch("file/log/one.log", "true").result()
    assert (result.status, "file" in result.said, "Traceback" in result.said) == (1, True, False), result.said


@pytest.mark.parametrize("text", ["é %j $HOME 'a'", "x" * 100_000], ids=["unicode", "long"])
def test_commands_reach_the_job_whole(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HOME", "/my home")
    assert launch("one.log", "echo", text).result().status == 0
    assert printed(tmp_path / "one.log") == [text.replace("$HOME", "/my home")]
