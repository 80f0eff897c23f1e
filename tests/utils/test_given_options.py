"""utils/given_options.sh: what a script hands on to the commands that it calls, and what it asks them."""

import subprocess
from pathlib import Path

import pytest

from utils.key_values import split

ROOT = Path(__file__).parents[2]
STRICT = "set -euo pipefail\n. utils/given_options.sh\n"


def bash(script: str, *words: str) -> subprocess.CompletedProcess:
    """Run a script of bash in the repository, with these words as $1, $2 and so on."""
    return subprocess.run(["bash", "-c", STRICT + script, "bash", *words], cwd=ROOT, capture_output=True, text=True)


def test_only_what_is_set_is_given():
    done = bash("""seed=7 text= name="a b"; give seed text name; printf '%s|' "${given[@]}" """)
    assert done.stdout == "--seed|7|--name|a b|"


@pytest.mark.parametrize("value", ["a b", "a,b", 'say "x", y', "it's", "back\\slash\\", "$HOME `x`", "=", "é 🎤"])
def test_settings_are_added_as_they_are(value):
    done = bash("""set=first=1 key=$1 none=; add_settings key none; printf %s "$set" """, value)
    assert split(done.stdout) == [("first", "1"), ("key", value)]


def test_what_is_typed_stands_over_what_is_set():
    done = bash(
        """set=$1 seed=7 backend='a,b' none=; add_settings seed none backend; printf %s "$set" """, "seed=3,x='1,2'"
    )
    assert split(done.stdout) == [("seed", "7"), ("x", "1,2"), ("backend", "a,b")]
    done = bash("""set=$1 seed=7; add_settings seed; printf %s "$set" """, "x=1,x=2")
    assert done.returncode == 1 and done.stdout == "" and "--set x: given twice, as '1' and '2'" in done.stderr


def test_values_are_those_that_the_command_takes(tmp_path):
    (tmp_path / "conf.yaml").write_text("split_seed: 3\nallow_missing_groups: true\n")
    ask = """given=(--conf "$1" --set "$2"); fractions=- split_seed=- official=- allow_missing_groups=-
    read_values steps.data.split_speakers fractions split_seed allow_missing_groups official
    printf '%s|' "$fractions" "$split_seed" "$allow_missing_groups" "$official" """
    done = bash(ask, f"{tmp_path}/conf.yaml", "split_seed=4")
    assert done.stdout == "0.7,0.1,0.2|4|true||"
    refused = bash(ask, f"{tmp_path}/conf.yaml", "split_sed=4")
    assert refused.returncode == 1 and refused.stdout == ""
    assert "--set split_sed=4: unknown option; valid ones are" in refused.stderr and refused.stderr.count("\n") == 1
