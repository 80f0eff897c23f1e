"""Say of work in several jobs which shards are done, running, failed or waiting, with the logs of their jobs.

Input: the directory that jobs work for, whose parts lie beside it (`utils.parts`, `utils.shard_marks`). Output: lines
on standard output, at the end the numbers that are missing, as an array of SLURM and for `--shards`.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import run_command
from utils.errors import InputError
from utils.json_files import read_json
from utils.options import option
from utils.parts import ARRAYS, CURRENT, JOURNAL, Work
from utils.shard_marks import read_mark
from utils.shards import format_numbers
from utils.stage_dir import parts_root
from utils.stage_record import DONE

FINISHED, RUNNING, FAILED, WAITING = STATES = ("done", "running", "failed", "waiting")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "utils.part_status"
    out: Path = option(help="directory that jobs work for, such as exp/asr")


def work(options: Options) -> None:
    """Print the state."""
    print("\n".join(status_lines(options.out)))


def status_lines(out: Path) -> list[str]:
    """What is known of one directory."""
    planned = current_work(out)
    if planned is None:
        return [f"{out}: {'done' if (out / DONE).is_file() else 'nothing is planned'}"]
    states, lines = {}, []
    for shard in range(planned.n_shards):
        states[shard], told = state_of(planned, shard)
        lines += [f"  shard {shard}: {states[shard]}{told}"] if told else []
    counts = Counter(states.values())
    head = f"{out}: of {planned.n_shards} shards " + ", ".join(f"{counts[state]} {state}" for state in STATES)
    missing = [shard for shard, state in states.items() if state in (FAILED, WAITING)]
    numbers = format_numbers(missing)
    return [head, *lines, *([f"  missing: --array={numbers} or --shards {numbers}"] if missing else [])]


def current_work(out: Path) -> Work | None:
    """The work that jobs follow; None where nothing is planned, or all is merged."""
    current = parts_root(out) / CURRENT
    return Work.find(out, str(read_json(current, ("identity",))["identity"])) if current.is_file() else newest(out)


def newest(out: Path) -> Work | None:
    """The work that was planned last, of commands that plan and work in one."""
    root = parts_root(out)
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    folders.sort(key=lambda path: path.stat().st_mtime)
    return Work.find(out, folders[-1].name) if folders else None


def state_of(planned: Work, shard: int) -> tuple[str, str]:
    """The state of a shard, and what is told of its job."""
    try:
        if any(planned.has_part(shard, suffix) for suffix in (ARRAYS, JOURNAL)):
            return FINISHED, ""
    except InputError as error:  # a journal with a damaged line
        return FAILED, f": {error}"
    mark = read_mark(planned, shard)
    if mark is None:
        return WAITING, ""
    is_running, facts = mark
    job = f" in job {facts['job']}" if facts.get("job") else ""
    told = f"{job} on {facts.get('host', '?')}, process {facts.get('pid', '?')}"
    told += f", log {facts['log']}" if facts.get("log") else ""
    return (RUNNING, told) if is_running else (FAILED, f"{told}: {facts.get('error', 'killed')}")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
