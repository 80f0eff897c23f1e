"""How long each command takes to print its help."""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.bench.results import table, target
from tests.bench.timing import take_turns


def commands() -> dict[str, list[str]]:
    """Every command of the recipe by name: modules that have a main, and shell scripts that have a help message."""
    modules = sorted(
        ".".join(path.with_suffix("").parts).removesuffix(".__main__")
        for folder in ("local", "steps", "utils")
        for path in Path(folder).rglob("*.py")
        if "\ndef main(" in path.read_text(encoding="utf-8")
    )
    scripts = sorted(
        str(path)
        for path in [Path("run.sh"), *Path("steps").rglob("*.sh"), *Path("utils").glob("*.sh")]
        if os.access(path, os.X_OK) and re.search("help_message|exec python3", path.read_text(encoding="utf-8"))
    )
    return {name: [sys.executable, "-m", name] for name in modules} | {name: [f"./{name}"] for name in scripts}


def measure_help(rounds: int) -> str:
    """Run each command with --help, in turn. Returns a table: the shortest time of each, the longest first."""

    def show_help(words: list[str]) -> None:
        subprocess.run([*words, "--help"], check=True, capture_output=True)

    seconds = take_turns({name: partial(show_help, words) for name, words in commands().items()}, rounds)
    best = {name: values.min() for name, values in seconds.items()}
    longest_first = sorted(best, key=best.get, reverse=True)
    rows = [(name, f"{best[name]:.2f}", target(best[name], "< 0.5")) for name in longest_first]
    return table(("--help", f"s, best of {rounds}", "target"), rows)
