"""Words that a script hands to jobs through a launcher arrive as they are; errors of jobs reach the terminal."""

import subprocess

import pytest

JOB = 'utils/run.pl "$LOG" python3 tests/utils/print_words.py "${words[@]}"'
SCRIPT = f'. utils/launcher/jobs.sh; launcher_words "$@"; {JOB}'
NASTY = [
    "plain",
    "a b",
    "",
    "it's",
    '"q" x',
    "$(touch x) `y` $HOME",
    "a\\ b\\",
    "ü é",
    "tab\there",
    "two\nlines a",
    "*;|&<>",
    "👩‍🦰 x",
]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_words_reach_a_job_unchanged(tmp_path, locale):
    log = tmp_path / "log"
    environment = {"PATH": "/usr/bin:/bin", "LOG": str(log), "LC_ALL": locale, "PYTHONUTF8": "1"}
    subprocess.run(["bash", "-c", SCRIPT, "bash", *NASTY], check=True, env=environment, timeout=60)
    assert [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("[")] == [repr(NASTY)]


def test_each_error_line_of_the_jobs_is_shown_once(tmp_path):
    for job, error in enumerate(["x: ERROR: bad key", "x: ERROR: bad key", "y: ERROR: no file", "z: ERROR: stale"], 1):
        (tmp_path / f"t.{job}.log").write_text(f"# head\n{error}\n# Ended (code 1)\n")
    script = '. utils/launcher/jobs.sh; show_errors "$1/t.JOB.log" 3'
    found = subprocess.run(["bash", "-c", script, "bash", str(tmp_path)], check=True, capture_output=True, text=True)
    assert found.stderr.splitlines() == ["x: ERROR: bad key", "y: ERROR: no file"]
