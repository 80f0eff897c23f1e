"""utils/check_options.sh: numbers of stages and jobs, and paths, in scripts."""

import subprocess
from pathlib import Path

import pytest

from utils.shards import MOST_JOBS

ROOT = Path(__file__).parents[2]


def check(script: str, *words: str) -> subprocess.CompletedProcess:
    """Run a script of bash, with these words as $1, $2 and so on."""
    script = f"set -euo pipefail\n. utils/check_options.sh\n{script}"
    return subprocess.run(["bash", "-c", script, "bash", *words], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(("stage", "stop"), [("0", "0"), ("3", "100"), ("6", "999999999")])
def test_stages_in_order(stage, stop):
    assert check("stage=$1 stop_stage=$2; check_stages 6", stage, stop).returncode == 0


@pytest.mark.field_case("A stage beyond 64 bits, with leading zeros, exponents or signs, beyond the last, out of order")
@pytest.mark.parametrize(
    ("stage", "stop"),
    [
        *[(stage, "100") for stage in ("18446744073709551616", "08", "1e3", "-1", "7", "a[$(touch x)]", "stage", "")],
        ("5\n6", "100"),
        *[("1", stop) for stop in ("18446744073709551617", "0", "09", "1 2", "-1")],
    ],
)
def test_what_is_no_stage(stage, stop):
    refused = check("stage=$1 stop_stage=$2; check_stages 6", stage, stop)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1
    assert f"--stage {stage} --stop_stage {stop}: expected two numbers".replace("\n", "?") in refused.stderr


@pytest.mark.hostile("More jobs than a launcher can hold, for scripts")
@pytest.mark.parametrize("nj", ["0", "-1", "1000000000", "100001", "18446744073709551617", "1e3", "2.5", "02", "nj"])
def test_what_is_no_number_of_jobs(nj):
    refused = check("nj=$1; check_jobs", nj)
    assert refused.returncode == 1 and f"--nj {nj}: expected a number, 1 or more, {MOST_JOBS} at most" in refused.stderr
    assert check("nj=$1; check_jobs", str(MOST_JOBS)).returncode == 0


@pytest.mark.parametrize("gpus", ["0", "-1", "2,3", "all", "1e1", "10000"])
def test_what_is_no_number_of_gpus(gpus):
    refused = check("gpus=$1 use_gpu=; check_gpus", gpus)
    assert refused.returncode == 1 and f"--gpus {gpus}: expected a number of GPUs, 1 or more" in refused.stderr
    assert (
        check("gpus= use_gpu=false; check_gpus").returncode == 0 == check("gpus=8 use_gpu=auto; check_gpus").returncode
    )
    both = check("gpus=2 use_gpu=false; check_gpus")
    assert both.returncode == 1 and "--gpus 2 --use_gpu false: give one of the two" in both.stderr


@pytest.mark.parametrize("path", ["a\nb", "a\x7f", "\ra", " a", "a\t", "| a", "a |", "a|"])
def test_a_path_that_no_table_of_kaldi_can_hold(path):
    refused = check("exp=$1; check_paths exp", path)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1
    assert "--exp " in refused.stderr and "expected a path without line breaks, tabs, and blanks or |" in refused.stderr


def test_a_path_that_begins_with_a_dash_is_no_option_of_a_program():
    shown = check("""a=$1 b=$2 c=$3; check_paths a b c; printf '%s|' "$a" "$b" "$c" """, "-x", "a b/é", "-")
    assert shown.stdout == "./-x|a b/é|-|"
