"""Workers in other interpreters: what they answer, and what one costs that dies, hangs or talks nonsense."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from utils.errors import InputError
from utils.foreign_worker import DIED, MOST_LOST, REFUSED, SLOW, ForeignWorker, ItemProblem, engine_call

ENGINE = """
import os, pathlib, sys, time

print("a library greets")

class Engine:
    def __init__(self, options):
        if "refuse" in options:
            raise ImportError(options["refuse"])
        self.options, self.facts = options, {"engine": "test", "pid": os.getpid()}

    def __call__(self, content):
        print("noise on standard output")
        if content.get("do") == "die":
            print("out of memory", file=sys.stderr)
            os._exit(7)
        if content.get("do") == "die once" and not pathlib.Path(content["mark"]).exists():
            pathlib.Path(content["mark"]).touch()
            os.kill(os.getpid(), 9)
        if content.get("do") == "refuse":
            raise ValueError("not\\nthis one")
        if content.get("do") == "sleep":
            time.sleep(60)
        return {"doubled": content["x"] * self.options["factor"], "pid": os.getpid(), "path": sys.path}
"""


def called(tmp_path: Path, **seconds: float) -> ForeignWorker:
    (tmp_path / "engine.py").write_text(ENGINE)
    return ForeignWorker(engine_call(sys.executable, tmp_path / "engine.py", "Engine"), {"factor": 2}, **seconds)


def test_arrays_go_there_and_come_back(tmp_path):
    with called(tmp_path) as worker:
        x = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
        found = worker.ask({"x": x})
        assert found["doubled"].dtype == np.float32
        np.testing.assert_array_equal(found["doubled"], 2 * x)
        assert worker.facts["engine"] == "test" and worker.facts["python"] == sys.version.split()[0]
        root = Path(__file__).parents[2]
        assert not {str(root), str(root / "utils"), ""} & set(found["path"])  # no module of ours hides one of theirs
        assert worker.ask({"x": 4})["doubled"] == 8


@pytest.mark.parametrize(("do", "reason"), [("die", DIED), ("refuse", REFUSED)])
def test_an_item_without_result_costs_itself_alone(tmp_path, do, reason, capfd):
    with called(tmp_path) as worker:
        before = worker.ask({"x": 1})["pid"]
        with pytest.raises(ItemProblem) as problem:
            worker.ask({"x": 1, "do": do})
        assert problem.value.reason == reason
        expected = {DIED: "exit status 7: out of memory", REFUSED: "ValueError: not this one"}[reason]
        assert problem.value.detail.endswith(expected)
        after = worker.ask({"x": 3})
        assert after["doubled"] == 6 and (after["pid"] == before) == (reason == REFUSED)
    assert "noise on standard output" in capfd.readouterr().err  # the log has what libraries say


def test_a_worker_that_dies_of_something_else_does_the_item_again(tmp_path):
    with called(tmp_path) as worker:
        assert worker.ask({"x": 1, "do": "die once", "mark": str(tmp_path / "mark")})["doubled"] == 2
        os.kill(worker.facts["pid"], signal.SIGKILL)  # between two items
        assert worker.ask({"x": 2})["doubled"] == 4


def test_a_worker_that_hangs_is_killed(tmp_path):
    with called(tmp_path, item_seconds=0.3) as worker:
        with pytest.raises(ItemProblem) as problem:
            worker.ask({"x": 1, "do": "sleep"})
        assert (problem.value.reason, problem.value.detail) == (SLOW, "no answer within 0.3 s")
        assert worker.ask({"x": 2})["doubled"] == 4


def test_a_worker_that_dies_of_all_is_an_error(tmp_path):
    with called(tmp_path) as worker:
        for _ in range(MOST_LOST - 1):
            with pytest.raises(ItemProblem):
                worker.ask({"x": 1, "do": "die"})
        with pytest.raises(InputError, match=f"{MOST_LOST} items in a row have no result"):
            worker.ask({"x": 1, "do": "die"})


def test_what_cannot_start_is_an_error_that_says_why(tmp_path):
    worker = called(tmp_path)
    worker.options["refuse"] = "No module named 'nemo'"
    with pytest.raises(InputError, match="engine.py:Engine: ImportError: No module named 'nemo'"):
        worker.start()
    with pytest.raises(InputError, match="no such program; name the interpreter"):
        engine_call(str(tmp_path / "bin" / "python"), tmp_path / "engine.py", "Engine")
    (tmp_path / "engine.py").write_text("import os; os._exit(3)")
    with pytest.raises(InputError, match="not ready: the worker ended: exit status 3"):
        worker.start()
    for path, why in ((tmp_path, "Permission denied"), (tmp_path / "none", "No such file or directory")):
        with pytest.raises(InputError, match=why):
            ForeignWorker([str(path)], {}).start()


@pytest.mark.parametrize("lines", ["hello", '{"ready": 1}', '{"ready": {}}\n{"item": 7, "result": {}}', "[1]"])
def test_lines_that_are_no_answer_are_shown(tmp_path, lines):
    words = [sys.executable, "-c", f"import time; print({lines!r}, flush=True); time.sleep(60)"]
    with ForeignWorker(words, {}, 5, 5) as worker, pytest.raises(InputError, match="expected .*, found "):
        worker.ask({})


def test_a_worker_ends_with_its_caller(tmp_path):
    worker = called(tmp_path)
    call = (
        "import sys, time\nfrom utils.foreign_worker import ForeignWorker\n"
        f"worker = ForeignWorker({worker.words!r}, {worker.options!r})\nworker.start()\n"
        "print(worker.facts['pid'], flush=True)\ntime.sleep(60)\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", call], stdout=subprocess.PIPE, text=True)
    pid = int(caller.stdout.readline())
    caller.kill()
    caller.wait()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)
