"""The footer of a log means the same to slurm.pl's Python and to the launchers' Perl."""

import subprocess
from pathlib import Path

import pytest

from utils.slurm.array_task import add_note, exit_code

LAUNCHER = Path(__file__).parents[3] / "utils/launcher"
FRAME = "# x \n# Started at now\n#\n"
END = " at Sat Nov 21 02:57:33 UTC 2026, elapsed time 3 seconds\n"
LOGS = {
    "": None,
    FRAME: None,
    f"{FRAME}# Ended (code 0){END}": 0,
    f"{FRAME}# Ended (code 7){END}": 7,
    f"{FRAME}# Ended (code 0; signal 9){END}": 137,
    f"{FRAME}# Ended (code 85){END}#\n# Run again\n": None,
    f"{FRAME}# Ended (code 0){END}a line behind it\n": None,
    f"{FRAME}{'x' * 5000}\n# Ended (code 0){END}": 0,
    f"{FRAME}# Ended (code zero){END}": None,
    "\udcff".encode("utf-8", "surrogateescape").decode("latin-1") + f"\n# Ended (code 3){END}": 3,
}


@pytest.mark.parametrize("text, code", LOGS.items())
def test_python_and_perl_agree(tmp_path: Path, text: str, code: int | None) -> None:
    log = tmp_path / "a log"
    log.write_text(text)
    script = 'use JobLog; my $code = JobLog::exit_code($ARGV[0]); print defined $code ? $code : "none"'
    perl = subprocess.run(["perl", f"-I{LAUNCHER}", "-e", script, log], capture_output=True, text=True, check=True)
    assert exit_code(log) == code
    assert perl.stdout == ("none" if code is None else str(code))


def test_a_footer_that_is_being_written_is_none(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"{FRAME}# Ended (code 0)")
    assert exit_code(log) is None
    assert exit_code(tmp_path / "nowhere") is None


def test_a_note_takes_the_footer_from_the_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"{FRAME}# Ended (code 0){END}")
    add_note(log, "Cancelled")
    assert exit_code(log) is None
    assert log.read_text().endswith("seconds\n# Cancelled\n")
    add_note(tmp_path / "nowhere", "x")
    assert not (tmp_path / "nowhere").exists()
