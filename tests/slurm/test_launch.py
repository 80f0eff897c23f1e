"""utils/slurm.pl on a real SLURM: logs and statuses as from run.pl, what a job is given, and conf/slurm.conf."""

import os
import re
from pathlib import Path

import pytest

from tests.slurm.cluster import ROOT, Launch, Launcher, Result, printed, words

RUN_PL = ROOT / "utils/run.pl"

# Commands that end in all the ways in which a job can end.
COMMANDS = {
    "both_streams": "echo out; echo err 1>&2",
    "status_3": "exit 3",
    "killed": "kill -9 $BASHPID",
    "unfinished_line": "printf unfinished",
    "pipe": "printf b\\na\\n | sort >sorted.txt; cat sorted.txt",
    "variable": "echo $GREETING 100%",
    "cwd": "pwd; cat",
    "unknown_program": "no-such-program",
}
QUOTED = ["echo", "two  words", 'a "quoted" word', "$GREETING there", "", "naïve 100%"]
CONF = """
command sbatch --comment from-conf      # a comment
option mem=* --mem $0
option mem=0
option num_threads=* --cpus-per-task $0
option time=* --time $0
option gpu=0 --partition main
option gpu=* --partition preempt --gres gpu:$0 --time 30
option mood=good
default gpu=0
default mem=300M
"""
# What the job's own entry in SLURM says, one fact a line.
SHOW = "scontrol show job $SLURM_JOB_ID | tr ' ' '\\n'"


def same_form(log: Path) -> list[str]:
    """The lines of a log without what two runs may differ in: dates, seconds, and facts on the host in the header."""
    lines = log.read_text(encoding="utf-8").splitlines()
    end_of_header = lines.index("#")
    text = "\n".join([*lines[:2], *lines[end_of_header:]])
    text = re.sub(r"\w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}", "DATE", text)
    return re.sub(r"(time=|elapsed time )\d+", r"\g<1>N", text).splitlines()


def conf_file(tmp_path: Path, text: str = CONF) -> str:
    path = tmp_path / "my slurm.conf"
    path.write_text(text)
    return str(path)


def facts(log: Path) -> dict[str, str]:
    """What SHOW has printed."""
    return dict(line.split("=", 1) for line in printed(log) if "=" in line)


def run_with(launch: Launch, *options: str, command: str = SHOW, log: str = "one.log") -> Result:
    return launch(*options, log, *words(command)).result()


# --- as run.pl


def test_logs_and_statuses_are_those_of_run_pl(
    launch: Launch, working_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREETING", "good  day")
    commands = {name: words(command) for name, command in COMMANDS.items()} | {"quoted": QUOTED}
    here = {}
    for name, command in commands.items():
        launcher = Launcher(working_dir, f"exp/{name}/log/x.log", *command, program=RUN_PL, waits={})
        here[name] = (launcher.result().status, same_form(working_dir / f"exp/{name}/log/x.log"))
        (working_dir / f"exp/{name}/log/x.log").unlink()
    launchers = {name: launch(f"exp/{name}/log/x.log", *command, cwd=working_dir) for name, command in commands.items()}
    for name, launcher in launchers.items():
        assert (launcher.result(90).status, same_form(working_dir / f"exp/{name}/log/x.log")) == here[name]
    assert {status for status, _ in here.values()} == {0, 1}
    assert not (working_dir / "hacked").exists()


def test_success_is_silent_and_leaves_files_only_beside_its_log(launch: Launch, tmp_path: Path) -> None:
    assert launch("exp/a/log/one.log", "true").result() == Result(0, "")
    made = {path.name for path in tmp_path.iterdir()}
    assert made - {"launcher0.err"} == {"exp"}
    assert {path.name for path in (tmp_path / "exp/a").iterdir()} == {"log", "q"}
    assert [path.name for path in (tmp_path / "exp/a/log").iterdir()] == ["one.log"]


def test_failures_are_counted_as_run_pl_does(launch: Launch, tmp_path: Path) -> None:
    for line in (["JOB=1:3", "log/x.JOB.log", "exit", "$((JOB==2))"], ["one.log", "false"]):
        here = Launcher(tmp_path, *line, program=RUN_PL, waits={}).result()
        assert launch(*line).result() == Result(1, here.said.replace("run.pl:", "slurm.pl:"))


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ([], 255),
        (["one.log"], 255),
        (["JOB=1:2", "one.log", "true"], 1),
        (["JOB=2:1", "x.JOB.log", "true"], 255),
        (["--pick", "some", "one.log", "true"], 255),
        (["--max-jobs-run", "0", "one.log", "true"], 255),
    ],
)
def test_wrong_usage_ends_as_with_run_pl(launch: Launch, tmp_path: Path, line: list[str], status: int) -> None:
    assert Launcher(tmp_path, *line, program=RUN_PL, waits={}).result().status == status
    assert launch(*line).result().status == status


# --- what a job is given


def test_resources_and_options_of_sbatch(launch: Launch, tmp_path: Path) -> None:
    options = words("--mem 300M --num-threads 2 --time 0:07:00 --gpu 2 -p preempt")
    assert run_with(launch, *options, command=f"{SHOW}; echo Seen=$CUDA_VISIBLE_DEVICES").status == 0
    shown = facts(tmp_path / "one.log")
    assert (shown["NumCPUs"], shown["TimeLimit"], shown["Partition"]) == ("2", "00:07:00", "preempt")
    assert shown["MinMemoryNode"] == "300M"
    assert shown["Seen"] == "0,1"
    assert "threads=2" in (tmp_path / "one.log").read_text()


def test_each_job_sees_a_gpu_of_its_own(launch: Launch, tmp_path: Path) -> None:
    job = "touch JOB.here; until test -e 1.here -a -e 2.here; do sleep 0.1; done; echo $CUDA_VISIBLE_DEVICES"
    assert launch("--gpu", "1", "JOB=1:2", "x.JOB.log", *words(job)).result().status == 0
    assert {tuple(printed(tmp_path / f"x.{job}.log")) for job in (1, 2)} == {("0",), ("1",)}


def test_environment_and_directory_are_the_launchers(launch: Launch, working_dir: Path) -> None:
    environment = {**os.environ, "GREETING": "good 'day' $HOME"}
    assert launch("one.log", "pwd;", "printenv", "GREETING", cwd=working_dir, env=environment).result().status == 0
    assert printed(working_dir / "one.log") == [str(working_dir), "good 'day' $HOME"]


# --- conf/slurm.conf


def test_conf_defaults_and_exact_lines(launch: Launch, tmp_path: Path) -> None:
    conf = conf_file(tmp_path)
    assert run_with(launch, "--config", conf, "--mood", "good").status == 0
    shown = facts(tmp_path / "one.log")
    assert (shown["Partition"], shown["MinMemoryNode"], shown["Comment"]) == ("main", "300M", "from-conf")


def test_the_command_line_wins_over_conf(launch: Launch, tmp_path: Path) -> None:
    options = words("--mem 0 --time 5 --gpu 1 -p main")
    assert run_with(launch, "--config", conf_file(tmp_path), *options).status == 0
    shown = facts(tmp_path / "one.log")
    # the gpu line of the conf says 30 minutes and another partition
    assert (shown["TimeLimit"], shown["Partition"]) == ("00:05:00", "main")
    assert "gres:gpu:1" in shown["TresPerNode"]
    assert shown.get("MinMemoryCPU") == "500M"  # the cluster's own, as mem=0 asks for nothing


def test_a_conf_in_the_current_directory_is_found(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/slurm.conf").write_text("command sbatch --comment mine\n")
    assert run_with(launch).status == 0
    assert facts(tmp_path / "one.log")["Comment"] == "mine"


def test_waits_may_stand_in_conf(launch: Launch, tmp_path: Path) -> None:
    text = "command sbatch\noption num_threads=* -c $0\ndefault pending_limit=1\ndefault poll_first=0.2\n"
    launcher = launch("--config", conf_file(tmp_path, text), "--num-threads", "4", "one.log", "true", waits={})
    assert launcher.result(20).status == 1


@pytest.mark.parametrize(
    ("options", "text", "status", "said"),
    [
        (["--mood", "bad"], CONF, 255, "mood"),
        (["--weather", "fine"], CONF, 255, "weather"),
        ([], "command sbatch\nsomething else\n", 1, "my slurm.conf:2"),
        ([], "option mem=* --mem $0\n", 1, "command"),
        (["-p", "nowhere"], CONF, 1, "nvalid partition"),
    ],
)
def test_what_conf_or_sbatch_refuse_is_said(
    launch: Launch, tmp_path: Path, options: list[str], text: str, status: int, said: str
) -> None:
    result = run_with(launch, "--config", conf_file(tmp_path, text), *options, command="true")
    assert (result.status, said in result.said) == (status, True), result.said
    assert "Traceback" not in result.said


def test_a_missing_conf_is_named(launch: Launch) -> None:
    result = run_with(launch, "--config", "no/slurm.conf", command="true")
    assert (result.status, "no/slurm.conf" in result.said, "Traceback" in result.said) == (1, True, False), result.said
