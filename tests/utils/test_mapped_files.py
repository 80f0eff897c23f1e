"""A mapped file whose disk breaks off, or that is cut short: the process ends in one line, whatever thread reads it."""

import subprocess
import sys
from pathlib import Path

import pytest

from utils.mapped_files import fault_at

ROOT = Path(__file__).parents[2]
COMMAND = """
import os, sys, threading
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from utils import mapped_files
from utils.archives import open_archive
from utils.command import run_command
from utils.options import option

@dataclass(frozen=True)
class Options:
    path: Path = option(help="an archive")
    how: str = option(help="how it is read")

def work(options):
    data = open_archive(str(options.path))
    if options.how != "cut short":  # the system says the same of a page that cannot be read
        mapped_files._size = lambda name: 10**9
    os.truncate(options.path, 0)
    if options.how == "thread":
        reader = threading.Thread(target=lambda: np.frombuffer(data, np.uint8).sum())
        reader.start()
        reader.join()
    elif options.how == "array":
        np.frombuffer(data, np.uint8).sum()
    else:
        data[50_000:60_000]

sys.exit(run_command(Options, work, None))
"""


@pytest.mark.field_case("A network mount that breaks off in the middle of a stage")
@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("slice", "Input/output error: the network mount or disk that it is on has probably broken off"),
        ("array", "run the same command again"),
        ("thread", "run the same command again"),
        ("cut short", "cut short to 0 bytes while it was read"),
    ],
)
def test_one_line_names_the_file(tmp_path, how, told):
    path = tmp_path / "my x.ark"
    path.write_bytes(bytes(100_000))
    shown = subprocess.run(
        [sys.executable, "-c", COMMAND, "--path", path, "--how", how], cwd=ROOT, capture_output=True, text=True
    )
    assert shown.returncode == 1
    _, error = shown.stderr.splitlines()  # the command, and
    assert f"ERROR: {path}: " in error and told in error and "no output was committed" in error


def test_memory_of_no_file_is_none():
    assert fault_at(0) is None
