"""Jobs get a script's words as they are, and their number where it is wanted; their errors reach the terminal."""

import os
import subprocess
from pathlib import Path

import pytest

RUN = '. utils/launcher/jobs.sh; run_jobs utils/run.pl JOB=1:2 "$LOG" -- "$@"'
PRINT = ["python3", "tests/utils/print_words.py"]
NASTY = [
    "plain",
    "a b",
    "",
    "it's",
    '"q" x',
    "$(touch x) `y` $HOME",
    "a\\ b\\",
    "ü é",
    "tab\there",
    "two\nlines a",
    "*;|&<>",
    "👩‍🦰 x",
]
OF_A_USER = ["/corpora/JOBS/x", "JOB", "JOBNO=JOBN", "JOBNNN", "set.job=JOB", "--jobs", "JOB", "it's JOB"]


def printed(log: Path) -> list[str]:
    """The lists that the jobs have printed."""
    return [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("[")]


def run_jobs(log: Path, *command: str, **environment: str) -> subprocess.CompletedProcess:
    """Two jobs of this command; `log` is a name with JOB in it."""
    env = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "LOG": str(log), **environment}
    return subprocess.run(["bash", "-c", RUN, "bash", *command], capture_output=True, text=True, env=env, timeout=60)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_words_reach_the_jobs_unchanged(tmp_path, locale):
    assert run_jobs(tmp_path / "JOB.log", *PRINT, *NASTY, LC_ALL=locale).returncode == 0
    for job in "12":
        assert printed(tmp_path / f"{job}.log") == [repr(NASTY)]


@pytest.mark.parametrize("before, after", [([], []), (OF_A_USER, []), ([], OF_A_USER)])
def test_the_number_of_a_job_replaces_nothing_but_the_script_s_own_word(tmp_path, before, after):
    assert run_jobs(tmp_path / "x.JOB.log", *PRINT, *before, "--job", "JOB", *after).returncode == 0
    for job in "12":
        assert printed(tmp_path / f"x.{job}.log") == [repr([*before, "--job", job, *after])]


@pytest.mark.parametrize("function, merges", [("share_work", True), ("run_parts", False)])
def test_a_command_shares_its_work_and_merges_it(tmp_path, function, merges):
    script = f'. utils/answering.sh; . utils/launcher/jobs.sh; {function} utils/run.pl 2 "$@"'
    words = ["bash", "-c", script, "bash", str(tmp_path / "a b"), "tests.utils.print_words", *OF_A_USER]
    found = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (0, f"{OF_A_USER!r}\n" if merges else "")
    for job in "12":
        assert printed(tmp_path / f"log/a b.{job}.log") == [repr([*OF_A_USER, "--job", job])]


def test_a_room_plans_shares_and_merges(tmp_path):
    (tmp_path / "room").mkdir()
    for name in ("plan", "compute", "merge"):
        (tmp_path / f"room/{name}.py").write_text(f"import sys; print('{name}', sys.argv[1:], sep='\\n')")
    script = '. utils/answering.sh; . utils/launcher/jobs.sh; share_room utils/run.pl 2 "$@"'
    words = ["bash", "-c", script, "bash", str(tmp_path / "a b"), "room", *OF_A_USER]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    found = subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment)
    assert (found.returncode, found.stdout) == (0, f"plan\n{OF_A_USER!r}\nmerge\n{OF_A_USER!r}\n")
    for job in "12":
        assert printed(tmp_path / f"log/a b.{job}.log") == [repr([*OF_A_USER, "--job", job])]


def test_job_in_the_names_of_directories_and_logs_stays(tmp_path):
    log = tmp_path / "JOBS/a JOB/JOBN.JOB.log"
    found = run_jobs(log, *PRINT, "--out", f"{tmp_path}/JOBS")
    assert (found.returncode, found.stderr) == (0, "")
    assert sorted(path.name for path in log.parent.iterdir()) == ["JOBN.1.log", "JOBN.2.log"]
    assert [path.name for path in tmp_path.iterdir()] == ["JOBS"]
    assert printed(log.with_name("JOBN.1.log")) == [repr(["--out", f"{tmp_path}/JOBS"])]


def test_a_failure_is_told_with_its_errors_also_in_such_a_directory(tmp_path):
    found = run_jobs(tmp_path / "JOBS/x.JOB.log", "bash", "-c", "echo x: ERROR: bad key; exit 3")
    logs = f"{tmp_path}/JOBS/x.*.log"
    assert found.returncode == 1
    assert found.stderr.splitlines() == [f"run.pl: 2 / 2 failed, log is in {logs}", "x: ERROR: bad key"]


def test_each_error_line_of_the_jobs_is_shown_once(tmp_path):
    for job, error in enumerate(["x: ERROR: bad key", "x: ERROR: bad key", "y: ERROR: no file", "z: ERROR: stale"], 1):
        (tmp_path / f"t.{job}.log").write_text(f"# head\n{error}\n# Ended (code 1)\n")
    script = '. utils/launcher/jobs.sh; show_errors JOB=1:3 "$1/t.JOB.log"'
    found = subprocess.run(["bash", "-c", script, "bash", str(tmp_path)], check=True, capture_output=True, text=True)
    assert found.stderr.splitlines() == ["x: ERROR: bad key", "y: ERROR: no file"]


def test_of_a_job_that_was_killed_the_end_of_its_log_is_shown(tmp_path):
    log = tmp_path / "x.JOB.log"
    found = run_jobs(
        log, "bash", "-c", 'seq 20; echo "epoch 3: loss 1.2"; [ $2 = 2 ] || kill -9 $$', "-", "--job", "JOB"
    )
    said = found.stderr.splitlines()
    assert found.returncode == 1 and said[1] == f"the end of {tmp_path}/x.1.log:" and len(said) == 8
    assert "  epoch 3: loss 1.2" in said and said[-1].startswith("  # Ended (code 137) at ")


@pytest.mark.field_case("A launcher that is a directory, a word of the shell, or nothing that can be run")
@pytest.mark.parametrize("launcher", [".", "..", "utils", "-x", "README.md", "none.pl --mem 4G", "cd", " "])
def test_a_launcher_is_a_program(tmp_path, launcher):
    script = '. utils/launcher/jobs.sh; run_jobs "$1" JOB=1:2 "$2/x.JOB.log" -- true'
    found = subprocess.run(["bash", "-c", script, "bash", launcher, str(tmp_path)], capture_output=True, text=True)
    assert found.returncode == 1 and found.stderr.count("\n") == 1
    assert f"the launcher '{launcher}' begins with no program" in found.stderr
