"""utils/check_nodes.sh where the node is this machine."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]

CHECK = ROOT / "utils/check_nodes.sh"


def check(folder: Path, *paths: Path, launcher: str = "run.pl") -> subprocess.CompletedProcess:
    """The check in `folder`, which a careless shell would trip over."""
    words = [CHECK, "--cmd", launcher, "--dir", folder / "it's $HOME `a`", *paths]
    return subprocess.run(words, cwd=ROOT, env=os.environ | {"PS_LAUNCHER": "run.pl"}, capture_output=True, text=True)


def test_what_both_see_is_ok(tmp_path: Path) -> None:
    odd = tmp_path / "two  blanks & 'quotes'"
    odd.write_text("x")
    shown = check(tmp_path, odd, tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("\n  ok ") == 5
    assert f"  ok             {odd}\n" in shown.stdout


def test_a_path_that_nobody_sees_is_named(tmp_path: Path) -> None:
    shown = check(tmp_path, tmp_path / "nowhere")
    assert shown.returncode == 1
    assert f"  MISSING        {tmp_path}/nowhere: neither machine sees it\n" in shown.stdout


def test_a_launcher_that_fails_is_an_error_with_its_log(tmp_path: Path) -> None:
    shown = check(tmp_path, launcher="false")
    assert shown.returncode == 1
    assert "ERROR: the job has failed" in shown.stderr
