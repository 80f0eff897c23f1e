"""utils/run.pl: grammar, quoting, logs, exit statuses and --pick, by running real jobs."""

import re
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.utils.launcher import DATE, RUN_PL, Run, half_a_gigabyte, output_of, run_launcher, words
from utils.shards import MOST_JOBS


@pytest.fixture(params=["plain", "a b'c\"d $(touch hacked) `é"], ids=["plain", "weird"])
def working_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A working directory, once with a name that a careless shell would evaluate."""
    directory = tmp_path / request.param
    directory.mkdir()
    return directory


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return partial(run_launcher, cwd=tmp_path)


# --- logs and exit statuses


def test_log_of_a_success(run: Run, working_dir: Path) -> None:
    log = working_dir / "exp/deep/log/one.log"
    result = run(str(log), "echo", "out;", "echo", "err", "1>&2")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    lines = log.read_text().splitlines()
    assert lines[0] == "# echo out; echo err 1>&2 "
    assert output_of(log) == "out\nerr"
    assert re.fullmatch(f"# Finished at {DATE} with status 0", lines[-2])
    assert re.fullmatch(rf"# Ended \(code 0\) at {DATE}, elapsed time \d+ seconds", lines[-1])
    assert not (working_dir / "hacked").exists()


def test_log_of_a_failure(run: Run, working_dir: Path) -> None:
    result = run("log/one.log", "exit", "3", cwd=working_dir)
    assert (result.returncode, result.stderr) == (1, "run.pl: job failed, log is in log/one.log\n")
    finished, ended = (working_dir / "log/one.log").read_text().splitlines()[-2:]
    assert finished.endswith("with status 3")
    assert ended.startswith("# Ended (code 3) at")


def test_log_of_a_killed_job(run: Run, tmp_path: Path) -> None:
    assert run("one.log", *words("kill -9 $$")).returncode == 1
    finished, ended = (tmp_path / "one.log").read_text().splitlines()[-2:]
    assert finished.endswith("with status 137")
    assert ended.startswith("# Ended (code 0; signal 9) at")


def test_footer_stands_on_its_own_line(run: Run, tmp_path: Path) -> None:
    run("one.log", "printf", "unfinished")
    assert output_of(tmp_path / "one.log") == "unfinished"


def test_all_jobs_run_even_after_a_failure(run: Run, working_dir: Path) -> None:
    result = run(
        "--max-jobs-run", "1", "JOB=1:4", "log/x.JOB.log", *words("echo ran JOB; [ JOB -ne 2 ]"), cwd=working_dir
    )
    assert (result.returncode, result.stderr) == (1, "run.pl: 1 / 4 failed, log is in log/x.*.log\n")
    assert [output_of(working_dir / f"log/x.{n}.log") for n in range(1, 5)] == [f"ran {n}" for n in range(1, 5)]


def test_hint_where_the_range_was_forgotten(run: Run) -> None:
    hint = "probably you forgot to put JOB=1:"
    assert hint in run("x.JOB.log", "false").stderr
    assert hint not in run("NUMBER=1:1", "JOBS/x.NUMBER.log", "false").stderr


def test_job_has_no_input_and_keeps_directory_and_environment(run: Run, working_dir: Path) -> None:
    assert run("one.log", *words("cat; pwd; echo $MINE"), cwd=working_dir, MINE="kept").returncode == 0
    assert output_of(working_dir / "one.log") == f"{working_dir}\nkept"


def test_neither_errexit_nor_pipefail(run: Run) -> None:
    assert run("one.log", *words("false; false | true")).returncode == 0


def test_a_log_that_cannot_be_written_is_a_failed_job(run: Run, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where the directory should be")
    result = run("JOB=1:2", "log/x.JOB.log", "touch", "ran.JOB")
    assert result.returncode == 1
    assert "cannot create the directory log" in result.stderr
    assert "2 / 2 failed" in result.stderr
    assert not list(tmp_path.glob("ran.*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_a_failed_job(run: Run) -> None:
    result = run("/dev/full", "true")
    assert result.returncode == 1
    assert "cannot write the log /dev/full: No space left" in result.stderr


def test_a_command_longer_than_a_pipe(run: Run, tmp_path: Path) -> None:
    many = [f"word{n:06}" for n in range(30000)]
    assert run("one.log", "echo", *many, "|", "wc", "-w").returncode == 0
    assert output_of(tmp_path / "one.log") == "30000"


# --- grammar


def test_options_and_range_interleave_and_unknown_options_take_one_value(run: Run, tmp_path: Path) -> None:
    options = words("--mem 4G -V -pe smp 3 JOB=2:3 --num-threads 4 -l x=1")
    result = run(*options, "o.JOB.log", "echo", "JOB")
    assert (result.returncode, result.stderr) == (0, "")
    assert [output_of(tmp_path / f"o.{n}.log") for n in (2, 3)] == ["2", "3"]


def test_a_single_number_is_a_range(run: Run, tmp_path: Path) -> None:
    assert run("JOB=7", "o.log", "echo", "JOB").returncode == 0
    assert output_of(tmp_path / "o.log") == "7"


def test_the_variable_is_replaced_wherever_it_occurs(run: Run, tmp_path: Path) -> None:
    assert run("n=2", "o.n.log", "echo", "run").returncode == 0
    assert output_of(tmp_path / "o.2.log") == "ru2"
    assert run("JOB=5", "o.JOB.log", "echo", "MYJOBS").returncode == 0
    assert output_of(tmp_path / "o.5.log") == "MY5S"


@pytest.mark.parametrize("job_range", ["JOB=0:3", "JOB=3:2", "JOB=0"])
def test_an_impossible_range(run: Run, job_range: str) -> None:
    result = run(job_range, "o.JOB.log", "true")
    assert result.returncode == 255
    assert "expected 1 <= first <= last" in result.stderr


@pytest.mark.hostile("More jobs than a launcher can hold, for launchers")
@pytest.mark.parametrize("job_range", ["JOB=1:1000000000", "JOB=1:100001", f"JOB={10**15}", f"JOB=5:{2**64}"])
@pytest.mark.parametrize("launcher", ["run.pl", "slurm.pl"])
def test_a_range_of_too_many_jobs(tmp_path: Path, job_range: str, launcher: str) -> None:
    words = [RUN_PL.with_name(launcher), job_range, "o.JOB.log", "true"]
    result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, preexec_fn=half_a_gigabyte)
    assert result.returncode == 255 and result.stderr.count("\n") == 1
    assert f"has more than {MOST_JOBS} jobs" in result.stderr


def test_a_range_that_is_none_only_warns(run: Run, tmp_path: Path) -> None:
    result = run("JOB=-1:3", "true")
    assert result.returncode == 0
    assert result.stderr == "run.pl: Warning: suspicious first argument: JOB=-1:3\n"
    assert (tmp_path / "JOB=-1:3").exists()


def test_jobs_must_not_share_a_log(run: Run, tmp_path: Path) -> None:
    result = run("JOB=1:2", "same.log", "touch", "ran")
    assert result.returncode == 1
    assert "must contain JOB" in result.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("log", ["exp/MYJOBS/log/x.JOB.log", "log.JOB/x.log"])
def test_a_directory_that_contains_the_variable_is_refused(run: Run, tmp_path: Path, log: str) -> None:
    result = run("JOB=1:2", log, "touch", "ran")
    assert result.returncode == 1
    assert "contains JOB" in result.stderr
    assert not (tmp_path / "ran").exists()
    assert run(log, "true").returncode == 0  # without a range it is a name as any other


@pytest.mark.parametrize("line", [[], ["x.log"], ["JOB=1:2", "x.JOB.log"], ["--mem", "4G", "x.log"]])
def test_usage(run: Run, line: list[str]) -> None:
    result = run(*line)
    assert result.returncode == 255
    assert result.stderr.startswith("usage: run.pl [options] [JOB=1:n] log-file")


@pytest.mark.parametrize("option", ["--max-jobs-run", "-tc"])
@pytest.mark.parametrize("value", ["0", "-1", "two", ""])
def test_max_jobs_must_be_positive(run: Run, option: str, value: str) -> None:
    assert run(option, value, "x.log", "true").returncode == 255


def test_a_flag_eats_the_next_word_with_a_warning(run: Run, tmp_path: Path) -> None:
    result = run("--flag", "--mem", "x.log", "true")
    assert result.stderr == "run.pl: Warning: the value '--mem' of option --flag looks like an option\n"
    assert (tmp_path / "x.log").exists()


# --- quoting


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        (["echo", "a", r"\|", "b"], "a | b"),
        (["echo", "a", "|", "tr", "a", "b"], "b"),
        (["echo", "$MINE"], "two words"),
        (["printf", r"%s\\n", "$MINE"], "two\nwords"),
        (["printf", r"%s\\n", "[$MINE] x"], "[two  words] x"),
        (["printf", r"%s\\n", 'say "$MINE"'], 'say "$MINE"'),
        (["printf", r"[%s]\\n", "", "x"], "[]\n[x]"),
        (["echo", "*.here"], "one.here two.here"),
        (["echo", "a;", "echo", "b # a comment"], "a\nb # a comment"),
        (["echo", "a", "#", "comment"], "a"),
    ],
)
def test_quoting(run: Run, tmp_path: Path, command: list[str], printed: str) -> None:
    for name in ("one.here", "two.here"):
        (tmp_path / name).touch()
    assert run("x.log", *command, MINE="two  words").returncode == 0
    assert output_of(tmp_path / "x.log") == printed


# --- --pick


@pytest.fixture
def earlier_run(run: Run, tmp_path: Path) -> Path:
    """Logs of four jobs: 1 succeeded, 2 failed, 3 was killed with its launcher (no footer), 4 has none."""
    assert run("JOB=1:3", "x.JOB.log", *words("echo first; [ JOB -ne 2 ]")).returncode == 1
    log = tmp_path / "x.3.log"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-3]))
    return tmp_path


@pytest.mark.parametrize(
    ("pick", "rerun", "status"), [("all", {1, 2, 3, 4}, 0), ("failed", {2, 3, 4}, 0), ("incomplete", {3, 4}, 1)]
)
def test_pick(run: Run, earlier_run: Path, pick: str, rerun: set[int], status: int) -> None:
    result = run("--pick", pick, "JOB=1:4", "x.JOB.log", "echo", "again")
    printed = {n: output_of(earlier_run / f"x.{n}.log") for n in range(1, 5)}
    assert {n for n, text in printed.items() if text == "again"} == rerun
    assert result.returncode == status
    assert ("1 / 4 failed" in result.stderr) == bool(status)


def test_pick_reruns_a_killed_job(run: Run, tmp_path: Path) -> None:
    run("x.log", *words("kill -9 $$"))
    assert run("--pick", "incomplete", "x.log", "true").returncode == 1
    assert run("--pick", "failed", "x.log", "true").returncode == 0


def test_pick_knows_three_words(run: Run) -> None:
    assert run("--pick", "some", "x.log", "true").returncode == 255


# --- where it lies


def test_through_a_link_and_a_place_with_spaces(tmp_path: Path) -> None:
    shutil.copytree(RUN_PL.parent, tmp_path / "my tools/utils", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe/run.pl").symlink_to("../my tools/utils/run.pl")
    assert subprocess.run(["./run.pl", "x.log", "true"], cwd=tmp_path / "recipe").returncode == 0
