"""utils/sweep.py with the real run.pl: what runs, what is left out, what a failure or a kill leaves, and the table."""

import ast
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.processes import PATIENCE, is_alive, kill_session, session, wait_for
from tests.steps.generators.experiment import write_experiment
from tests.utils.sweeping.tiny import METRIC, ROOT, Sweep
from utils import key_values
from utils.parts import Item, Work
from utils.sweeping import job as job_command


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path)


def test_every_point_runs_once_and_is_ranked(sweep):
    sweep.write(grid={"a": [2, 1], "b": [0, 5]}, list=[{"a": 1, "b": 5}, {"b": 7}])
    said = sweep.run()
    assert sweep.ran() == ["a=1,b=0", "a=1,b=5", "a=2,b=0", "a=2,b=5", "b=7"]
    assert sweep.table() == [
        ["point", "a", "b", "loss", "state", "log"],
        ["b=7", "-", "7", "7.0", "done", "log/b=7.log"],
        ["a=1,b=0", "1", "0", "10.0", "done", "log/a=1,b=0.log"],
        ["a=1,b=5", "1", "5", "15.0", "done", "log/a=1,b=5.log"],
        ["a=2,b=0", "2", "0", "20.0", "done", "log/a=2,b=0.log"],
        ["a=2,b=5", "2", "5", "25.0", "done", "log/a=2,b=5.log"],
    ]
    assert "best: b=7, loss 7;" in said
    assert "| 2 | 5 | 25 | done |" in (sweep.out / "sweep.md").read_text()
    before = sweep.written()
    assert not list(sweep.out.parent.glob(".*.parts"))
    sweep.run()
    assert sweep.ran() == [] and sweep.written() == before


def test_the_largest_comes_first_where_that_is_best(sweep):
    sweep.write(grid={"a": [1, 3, 2]}, metric=METRIC | {"best": "max"})
    sweep.run()
    assert [row[0] for row in sweep.table()[1:]] == ["a=3", "a=2", "a=1"]


def test_a_failure_stops_no_other_and_only_it_is_run_again(sweep):
    sweep.write(grid={"a": [1, 2, 3]})
    (sweep.data / "bad a=2").touch()
    said = sweep.run(status=1)
    assert sweep.ran() == ["a=1", "a=2", "a=3"]
    assert sweep.table()[-1] == ["a=2", "2", "-", "failed (code 1)", "log/a=2.log"]
    assert "\npoint: ERROR: a=2 is bad\n" in said and "1 / 3 points are not done" in said
    assert "a=2 is bad" in (sweep.out / "log/a=2.log").read_text()
    (sweep.data / "bad a=2").unlink()
    sweep.run()
    assert sweep.ran() == ["a=2"] and set(sweep.states().values()) == {"done"}


def test_added_values_run_alone_and_a_failed_one_shows_its_own_log(sweep):
    sweep.write(grid={"a": [1, 2]})
    sweep.run()
    sweep.ran()
    (sweep.data / "bad a=0").touch()
    sweep.write(grid={"a": [0, 1, 2, 3]})
    sweep.run(status=1)
    assert sweep.ran() == ["a=0", "a=3"]
    assert [row[0] for row in sweep.table()[1:]] == ["a=1", "a=2", "a=3", "a=0"]
    for name in ("a=0", "a=1", "a=2", "a=3"):
        assert f" job: {name}: " in (sweep.out / f"log/{name}.log").read_text()
    sweep.write(grid={"a": [3]})
    sweep.run()
    assert sweep.ran() == [] and list(sweep.states()) == ["a=3"]


def test_what_a_point_is_made_of_decides_whether_it_is_done(sweep):
    made_of = sweep.data / "input"
    made_of.write_text("one")
    sweep.write(grid={"a": [1]}, inputs=["{data}/input"])
    sweep.run()
    (sweep.out / "points/a=1/left").touch()
    made_of.write_text("two")
    sweep.run()
    assert sweep.ran() == ["a=1", "a=1"] and not (sweep.out / "points/a=1/left").exists()
    sweep.write(grid={"a": [1]}, inputs=["{data}/input"], command=sweep.command + " more")
    sweep.run()
    assert sweep.ran() == ["a=1"]
    sweep.run("--force", "true")
    assert sweep.ran() == ["a=1"]


def test_success_without_the_metric_is_not_done(sweep):
    sweep.write(grid={"a": [1]}, metric=METRIC | {"key": "los"})
    for _ in range(2):
        assert "a=1: no los in loss.json, log is in" in sweep.run(status=1)
        assert sweep.ran() == ["a=1"]
    sweep.write(grid={"a": [1]})
    sweep.run()
    assert sweep.states() == {"a=1": "done"} and sweep.ran() == []


def test_a_launcher_that_starts_nothing_leaves_a_table(sweep):
    sweep.write(grid={"a": [1, 2]})
    said = sweep.run("--cmd", "run.pl --pick some", status=1)
    assert "--pick expects all, failed or incomplete" in said
    assert sweep.states() == {"a=1": "not started", "a=2": "not started"}


def test_words_reach_the_command_as_they_are(sweep, tmp_path):
    value = "$(touch x) 'y' \"z\" JOB;|"
    command = f"python3 {ROOT}/tests/utils/print_words.py '{{a}} $HOME' {{out}}"
    sweep.write(grid={"a": [value]}, command=command)
    sweep.run(status=1)  # it prints no loss
    (name,) = sweep.states()
    assert repr([f"{value} $HOME", str(sweep.out / "points" / name)]) in (sweep.out / f"log/{name}.log").read_text()


def test_a_value_with_a_comma_is_one_value_in_set(sweep):
    sweep.write(grid={"a": ["1,b=2"]}, command=f"python3 {ROOT}/tests/utils/print_words.py {{set}} {{out}}")
    sweep.run(status=1)  # it prints no loss
    (name,) = sweep.states()
    (printed,) = (line for line in (sweep.out / f"log/{name}.log").read_text().splitlines() if line.startswith("["))
    assert key_values.split(ast.literal_eval(printed)[0]) == [("a", "1,b=2")]


# Notes its process id, and waits unless a file lets it go.
WAITING = """echo $$ >>"$0/pids"; [ -e "$1/go" ] || sleep 600; echo '{\"loss\": 1}' >"$0/loss.json" """
SLOW = f"bash -c {shlex.quote(WAITING)} {{out}} {{data}} {{a}}"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_it_leaves_no_process_and_goes_on_where_it_was(sweep, number):
    sweep.write(grid={"a": [1, 2, 3]}, command=SLOW)
    pids = [sweep.out / f"points/a={a}/pids" for a in (1, 2)]
    process = sweep.start()
    try:
        assert wait_for(lambda: all(path.exists() and path.read_text().endswith("\n") for path in pids))
        running = [int(path.read_text()) for path in pids]
        assert all(map(is_alive, running))
        process.send_signal(number)
        assert process.wait(PATIENCE) == -number
        (sweep.data / "go").touch()
        sweep.run()  # at once: the jobs may still be dying
        assert not any(map(is_alive, running))
        assert wait_for(lambda: session(process.pid) == [])
    finally:
        kill_session(process.pid)
        process.communicate()
    assert set(sweep.states().values()) == {"done"}
    assert [len(path.read_text().split()) for path in pids] == [2, 2]  # what the first run left was kept


def test_a_second_sweep_in_the_same_directory_refuses(sweep):
    sweep.write(grid={"a": [1]}, command=SLOW)
    process = sweep.start()
    try:
        assert wait_for((sweep.out / "points/a=1/pids").exists)
        assert "another sweep is running in it" in sweep.run(status=1)
    finally:
        kill_session(process.pid)
        process.communicate()


def job(out: Path, items: list[Item], *words: str) -> subprocess.CompletedProcess:
    """Run a job on a table of points."""
    table = Work.write(out, "it", items)
    command = [sys.executable, "-m", "utils.sweeping.job", "--out", str(out), "--identity", table.identity, *words]
    return subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def test_the_status_of_a_job_is_that_of_its_command(tmp_path):
    point = tmp_path / "p"

    def status_of(script: str) -> int:
        content = [str(point), "signature", ["bash", "-c", script, str(point)]]
        return job(tmp_path / "sweep", [Item("p", 0, content)], "--shards", "0").returncode

    assert status_of('touch "$0/checkpoint"; exit 85') == 85
    assert status_of("kill -9 $$") == 128 + 9
    assert status_of('trap "exit 7" TERM; kill -TERM $PPID; sleep 0.1; [ -e "$0/checkpoint" ] && kill $$') == 7
    assert status_of("exit 0") == 0
    assert status_of("exit 1") == 0  # it is finished


def test_a_job_takes_points_by_number_and_stops_between_them(tmp_path):
    scripts = ["exit 3", "exit 0", "kill -TERM $PPID", "exit 0"]
    items = [
        Item(f"p{shard}", shard, [str(tmp_path / f"p{shard}"), "signature", ["bash", "-c", script]])
        for shard, script in enumerate(scripts)
    ]
    assert job(tmp_path / "sweep", items, "--shards", "0-1").returncode == 3
    finished = {path.parent.name for path in tmp_path.glob("p*/.done")}
    assert finished == {"p1"}  # it ran after the failed one
    done = job(tmp_path / "sweep", items, "--shards", "2-3")
    assert done.returncode == 85 and "stopped before p3" in done.stderr
    assert job(tmp_path / "sweep", items, "--shards", "1,3", "--nj", "5", "--job", "2").returncode == 0
    assert {path.parent.name for path in tmp_path.glob("p*/.done")} == {"p1", "p2", "p3"}
    done = job(tmp_path / "sweep", items, "--shards", "4")
    assert done.returncode == 1 and "there is no shard 4" in done.stderr
    shutil.rmtree(tmp_path / ".sweep.parts")
    words = ["--out", str(tmp_path / "sweep"), "--identity", "it"]
    assert job_command.main(words) == 1  # no table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grids": {"a": [1]}}, "grids: unknown key; valid ones are command, inputs, metric, exp, data, grid, list"),
        ({"grid": None}, "expected points: grid: {option: [values]}, list: [{option: value}], or both"),
        ({"grid": {"a": 1}}, "grid: a: expected a list of values, [1, 5], found 1"),
        ({"grid": {"a": []}}, "grid: a: expected a list of values"),
        ({"grid": [1]}, "grid: expected {option: [value, ...]}, found [1]"),
        ({"grid": {"a": [[1]]}}, "grid: a: expected numbers, true, false or words on one line, found [1]"),
        ({"grid": {"a": ["x\ny"]}}, "grid: a: expected numbers, true, false or words on one line"),
        ({"grid": {"a b": [1]}}, "grid: 'a b': expected the name of an option"),
        (
            {"grid": {"out": [1]}},
            "grid: 'out': expected the name of an option: letters, digits and _, and none of out,",
        ),
        ({"list": {"a": 1}}, "list: expected [{option: value, ...}, ...]"),
        ({"list": [{"a": {}}]}, "list: point 1: a: expected numbers"),
        ({"command": None}, "command: expected what to run at each point, with {out} for its directory"),
        ({"command": 3}, "command: expected a text, found 3"),
        ({"command": "x 'y"}, "command: No closing quotation"),
        ({"command": "x {set}"}, "command: expected {out} in it, or all points would write to one directory"),
        ({"command": "x {out}"}, "command: a changes nothing: expected {set} or {a} in the command"),
        ({"command": "x {out} {a} {c}"}, "command: {c} in '{c}' has no value here; those with one: {a}, {data}, {out}"),
        ({"command": "x {out} {a} {exp}"}, "command: {exp} in '{exp}' has no value here"),
        ({"inputs": "{data}"}, "inputs: expected a list of files and directories"),
        ({"metric": None}, "metric: expected {file: a .json or .jsonl file of a point, key: a number in it, best: "),
        ({"metric": METRIC | {"best": "low"}}, "metric: expected {file: "),
        ({"metric": METRIC | {"file": "a.txt"}}, "metric: file: expected a .json or .jsonl file, found 'a.txt'"),
    ],
)
def test_a_wrong_file_is_refused_with_the_key_and_what_is_expected(sweep, change, message):
    sweep.write(**{"grid": {"a": [1]}} | change)
    said = sweep.run(status=1)
    assert said.count("\n") == 1 and f"utils.sweep: ERROR: {sweep.yaml}: " in said and message in said
    assert not sweep.out.exists()


def test_missing_inputs_and_repeated_keys_are_refused(sweep):
    sweep.write(grid={"a": [1]}, inputs=["{data}/nowhere"])
    assert f"{sweep.data}/nowhere: no such file or directory; run the stage that makes it first" in sweep.run(status=1)
    sweep.yaml.write_text(sweep.yaml.read_text() + "grid: {b: [2]}\n")
    assert "the key 'grid' comes twice" in sweep.run(status=1)
    sweep.yaml.unlink()
    assert f"{sweep.yaml}: No such file or directory" in sweep.run(status=1)


def test_mdn_training_is_ranked_by_its_dev_nll(tmp_path):
    made = write_experiment(tmp_path / "an experiment")
    content = yaml.safe_load((ROOT / "conf/sweep_example.yaml").read_text(encoding="utf-8"))
    content["command"] = content["command"].replace("{set}", "hidden=16,epochs=3,folds=5,{set}")
    content |= {"exp": "exp/of_nobody", "grid": {"n_components": [1, 2], "covariance": ["shared", "diagnal"]}}
    (tmp_path / "mdn.yaml").write_text(yaml.safe_dump(content))
    words = ["utils/sweep.py", str(tmp_path / "mdn.yaml"), "--exp", str(made.root), "--data", str(made.root)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PS_LAUNCHER": "run.pl"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "expected one of shared, diagonal, found 'diagnal'" in done.stderr
    out = made.root / "sweep/mdn"
    rows = [line.split("\t") for line in (out / "sweep.tsv").read_text().splitlines()]
    assert [row[-2] for row in rows] == ["state", "done", "done", "failed (code 1)", "failed (code 1)"]
    for name, *_, value, _, _ in rows[1:3]:
        lines = (out / "points" / name / "mdn/metrics.jsonl").read_text().splitlines()
        assert float(value) == min(json.loads(line)["dev_nll"] for line in lines)
    assert float(rows[1][-3]) <= float(rows[2][-3])
