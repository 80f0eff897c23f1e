"""What slurm.pl is asked for, as it reads it from its standard input."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from utils.errors import InputError
from utils.slurm.conf import WrongUsage
from utils.slurm.launch_request import LaunchRequest, read_launch_request


def read(*options: str) -> LaunchRequest:
    words = ("JOB", "1", "2", "x.JOB.log", "true", *(option.replace(" ", "\x1f") for option in options))
    return read_launch_request(io.BytesIO("\0".join(words).encode()))


def test_options_and_their_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = read("--max-jobs-run 7", "-tc 5", "--num-threads 3")
    assert (request.settings.max_jobs_run, request.n_threads, request.last) == (5, 3, 2)


@pytest.mark.hostile("Numbers of slurm.pl beyond their range")
@pytest.mark.parametrize(
    "option",
    ["--max-jobs-run 0", "--max-jobs-run 1e3", "--poll-first inf", "--poll-slowest 1e9", f"--max-restarts {10**18}"],
)
def test_a_number_beyond_its_range(tmp_path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongUsage, match=f"^{option.split()[0]}: expected "):
        read(option)


@pytest.mark.field_case("A conf/slurm.conf that is a dangling link, a directory or a pipe: the shipped one was taken")
@pytest.mark.parametrize("kind", ["link", "directory", "fifo"])
def test_a_conf_that_cannot_be_read_is_not_passed_over(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    Path("conf").mkdir()
    {"link": lambda path: path.symlink_to("none"), "directory": Path.mkdir, "fifo": os.mkfifo}[kind](
        Path("conf/slurm.conf")
    )
    with pytest.raises(InputError, match="conf/slurm.conf: no regular file"):
        read()


@pytest.mark.field_case(
    "A recipe of egs with its own conf, whose utils is a link: there was no slurm.conf for slurm.pl"
)
@pytest.mark.parametrize("recipe", sorted(path.parent for path in Path("egs").glob("*/*/run.sh")), ids=str)
def test_every_recipe_finds_the_shipped_conf(recipe):
    ask = "from utils.slurm.launch_request import SHIPPED_CONF; print(SHIPPED_CONF.is_file())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run([sys.executable, "-c", ask], cwd=recipe, env=environment, capture_output=True, text=True)
    assert run.stdout == "True\n", run.stderr
