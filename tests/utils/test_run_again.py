"""Requests to stop: which signals are noted, what is restored, and the exit status that a shell sees."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.processes import PATIENCE, wait_for
from utils.command import run_command
from utils.options import option
from utils.run_again import RUN_AGAIN, RunAgain, StopRequest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, time
from pathlib import Path
from utils.run_again import RUN_AGAIN, StopRequest
with StopRequest() as asked:
    Path(sys.argv[1]).touch()
    while not asked():
        time.sleep(0.01)
sys.exit(RUN_AGAIN)
"""


@dataclass(frozen=True)
class Options:
    part: int = option(3, "where it stops")


def work(options: Options) -> None:
    raise RunAgain(f"stopped before part {options.part}")


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_is_noted_and_the_handlers_are_put_back(number):
    before = [signal.getsignal(each) for each in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)]
    with StopRequest() as asked:
        assert not asked()
        assert signal.getsignal(signal.SIGINT) == before[2]
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert asked() and asked()
    assert [signal.getsignal(each) for each in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)] == before


def test_one_flag_is_heard_by_all_who_share_it():
    flag = SimpleNamespace(value=0)
    with StopRequest(flag):
        os.kill(os.getpid(), signal.SIGUSR1)
    assert StopRequest(flag)() and not StopRequest()()


def test_a_command_says_that_it_can_go_on(caplog, capsys):
    caplog.set_level("INFO")
    assert run_command(Options, work, [], "About.") == RUN_AGAIN == 85
    assert "stopped before part 3; run the same command again to go on (exit status 85)" in caplog.text
    assert "ERROR" not in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
@pytest.mark.parametrize("text", ["{}", "( {} )", "( ( {} ) )"])
def test_a_job_ends_with_the_status_of_its_program(tmp_path, number, text):
    """The job's shells ignore USR1, which is inherited; signals go to all processes of the job."""
    (tmp_path / "program.py").write_text(PROGRAM)
    text = text.format(f"{sys.executable} {tmp_path}/program.py {tmp_path}/ready")
    launcher = ["perl", f"-I{ROOT}/utils/launcher", "-MJobShell=become_shell", "-e", "become_shell(@ARGV)"]
    with subprocess.Popen([*launcher, str(tmp_path / "log"), text], cwd=ROOT) as process:
        assert wait_for((tmp_path / "ready").exists)
        os.killpg(process.pid, number)
        process.wait(PATIENCE)
    assert process.returncode == RUN_AGAIN, (tmp_path / "log").read_text()
