"""utils/guard.pl: whatever a script has started ends with it, however it ends."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import children, is_alive, wait_for

UTILS = Path(__file__).parents[2] / "utils"
SECONDS = 10  # until everything has ended
SCRIPT = f"""#!/usr/bin/env bash
set -euo pipefail
[[ ${{PS_GUARD-}} == "$PPID".* ]] || exec {UTILS}/guard.pl "$0" "$@"
"""
# Children of every kind: its own, of a child that is gone, in a session of its own, a job of a launcher.
AT_WORK = f"""
sleep 600 & echo $! >1.pid
bash -c 'sleep 600 & echo $! >2.pid'
setsid sleep 600 & echo $! >3.pid
{UTILS}/run.pl JOB=1:2 x.JOB.log echo '$BASHPID' '>j.JOB;' mv j.JOB '1JOB.pid;' sleep '600;' true
echo not reached
"""


class Scripts:
    """Scripts under a guard, in a directory of their own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.started: list[subprocess.Popen] = []

    def start(self, body: str, *words: str, **options: object) -> subprocess.Popen:
        """Start a script with this body."""
        path = self.folder / "my run.sh"
        path.write_text(SCRIPT + body)
        path.chmod(0o755)
        pipe = subprocess.PIPE
        run = subprocess.Popen([path, *words], cwd=self.folder, stdout=pipe, stderr=pipe, text=True, **options)
        self.started.append(run)
        return run

    def at_work(self, body: str = AT_WORK, count: int = 5, **options: object) -> subprocess.Popen:
        """Start one, and wait until so many children have left their numbers."""
        run = self.start(body, **options)
        assert wait_for(lambda: len(self.pids()) == count)
        return run

    def pids(self) -> list[int]:
        return [int(file.read_text()) for file in self.folder.glob("*.pid") if file.read_text().strip()]


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Scripts]:
    scripts = Scripts(tmp_path)
    yield scripts
    for pid in filter(is_alive, scripts.pids()):
        os.kill(pid, signal.SIGKILL)
    for run in scripts.started:
        run.kill()
        run.communicate()


def ended(scripts: Scripts) -> bool:
    """Have all children ended, within the time that is promised?"""
    return wait_for(lambda: not any(map(is_alive, scripts.pids())), SECONDS)


@pytest.mark.hostile("SIGTERM, SIGINT, SIGHUP or SIGKILL of a recipe alone")
@pytest.mark.parametrize(
    ("victim", "number"),
    [
        *(("guard", number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)),
        *(("script", number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)),
    ],
)
def test_all_children_end_with_the_recipe(scripts: Scripts, victim: str, number: signal.Signals) -> None:
    run = scripts.at_work()
    (script,) = (pid for pid in children(run.pid) if b"my run.sh" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(run.pid if victim == "guard" else script, number)
    assert run.wait(30) == -number
    assert ended(scripts)
    assert "not reached" not in run.stdout.read()
    stopped = f"my run.sh: stopped by {number.name}\n"
    assert (stopped in run.stderr.read()) == (victim == "guard" and number != signal.SIGKILL)


@pytest.mark.hostile("A child of a recipe that ignores SIGTERM, and SIGKILL of the whole process group")
def test_children_that_ignore_sigterm_and_a_killed_group(scripts: Scripts) -> None:
    run = scripts.at_work("trap '' TERM; echo $$ >1.pid; setsid sleep 600 & echo $! >2.pid; sleep 600", 2)
    begin = time.monotonic()
    run.terminate()
    assert run.wait(30) == -signal.SIGTERM and ended(scripts)
    assert time.monotonic() - begin < SECONDS
    for file in scripts.folder.glob("*.pid"):
        file.unlink()
    run = scripts.at_work(process_group=0)
    os.killpg(run.pid, signal.SIGKILL)
    assert ended(scripts)


def test_processes_of_others_stay(scripts: Scripts) -> None:
    with subprocess.Popen(["sleep", "600"], env=os.environ | {"PS_GUARD": "1.another"}) as other:
        run = scripts.at_work()
        run.kill()
        assert ended(scripts)
        time.sleep(0.2)
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("status", [0, 3])
def test_exit_status_words_and_streams_are_those_of_the_script(scripts: Scripts, status: int) -> None:
    body = f"printf '<%s>' \"$@\"; cat; sleep 600 & echo $! >1.pid; exit {status}"
    run = scripts.start(body, "a b", "", "$x *", stdin=subprocess.PIPE)
    said, errors = run.communicate("input")
    assert (run.returncode, said, errors) == (status, "<a b><><$x *>input", "")
    assert scripts.pids() and ended(scripts)


def test_a_hangup_that_is_ignored_at_the_start_stays_ignored(scripts: Scripts) -> None:
    """As under nohup."""
    run = scripts.at_work(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    run.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert run.poll() is None and all(map(is_alive, scripts.pids()))
    run.terminate()
    assert run.wait(30) == -signal.SIGTERM and ended(scripts)


def test_a_guarded_script_may_run_another(scripts: Scripts) -> None:
    inner = scripts.folder / "inner.sh"
    inner.write_text(SCRIPT + "sleep 600 & echo $! >1.pid; sleep 600")
    inner.chmod(0o755)
    run = scripts.at_work("./inner.sh; echo not reached", 1)
    run.kill()
    assert ended(scripts)
