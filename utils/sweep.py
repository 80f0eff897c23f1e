#!/usr/bin/env -S bash -c '. ./path.sh && . ./cmd.sh && exec python3 -m utils.sweep "$@"'
"""Run a command at every point of a grid or a list of overrides, as one array of jobs, and rank the points.

    utils/sweep.py conf/sweep_example.yaml [--option value ...]

The first word is the sweep's YAML file (conf/sweep_example.yaml says what stands in it). Points that are done are left
out, so that a rerun after a failure, a kill or an added value runs what is missing. Writes <out>/points/<point>,
<out>/log/<point>.log, and of all points <out>/sweep.tsv, sweep.md and sweep.png. Exit status: 1 if a point failed.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from utils.command import logger, run_command
from utils.durable import write_whole
from utils.errors import InputError
from utils.locking import LOCK, lock_file, remove_lock
from utils.option_values import as_dict
from utils.options import option
from utils.out_dir import refuse_finished
from utils.parts import remove_parts
from utils.run_info import RUN_INFO, write_run_info
from utils.stage_dir import CONFIG
from utils.sweeping.array import log_of, run_array
from utils.sweeping.point_dir import forget, is_finished
from utils.sweeping.results import STATE_DONE, Result, error_lines, page, point_results, table
from utils.sweeping.sweep_file import Sweep, read_sweep

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    sweep: Path = option(help="the sweep, a YAML file; the first word of the command line")
    out: Path | None = option(None, "directory to write; none: <exp>/sweep/<name of the YAML file>")
    exp: str | None = option(None, "experiment, exp/<corpus>; none: the file's")
    data: str | None = option(None, "its data, data/<corpus>; none: the file's")
    cmd: str | None = option(None, "launcher and resources; none: $cuda_cmd, which cmd.sh sets, or run.pl")
    force: bool = option(False, "run all points again")


def work(options: Options) -> None:
    """Run the points that are not done; write the table and the picture of all."""
    sweep = read_sweep(options.sweep, options.out, {"exp": options.exp, "data": options.data})
    refuse_finished(sweep.out, "utils.sweep")
    with _alone(sweep.out):
        missing = [result.point for result in point_results(sweep) if options.force or result.state != STATE_DONE]
        for point in missing:
            if options.force or is_finished(sweep.directory(point), point.signature):  # done, but without its metric
                forget(sweep.directory(point))
        log.info("%s: %d points, %d to run", sweep.out, len(sweep.points), len(missing))
        if missing:
            launcher = options.cmd or os.environ.get("cuda_cmd")  # noqa: SIM112 -- cmd.sh names it so
            run_array(launcher or "run.pl", missing, sweep)
        results = point_results(sweep)
        _write(sweep, results)
        write_run_info(sweep.out / RUN_INFO, as_dict(options), sweep.out)
        if all(result.state == STATE_DONE for result in results):
            remove_parts(sweep.out)
    _report(sweep, results)


def _write(sweep: Sweep, results: list[Result]) -> None:
    """Table, page and picture, each whole or as it was before."""
    from utils.sweeping.picture import draw

    files = {
        CONFIG: yaml.safe_dump(sweep.config, sort_keys=False, allow_unicode=True).encode(),
        "sweep.tsv": table(sweep, results).encode(),
        "sweep.md": page(f"Sweep {sweep.out.name}", "sweep.png", sweep, results).encode(),
        "sweep.png": draw(sweep, results),
    }
    for name, content in files.items():
        write_whole(sweep.out / name, content)


def _report(sweep: Sweep, results: list[Result]) -> None:
    """Say where the table lies, and which points failed."""
    failed = [result for result in results if result.state != STATE_DONE]
    for line in error_lines(failed, sweep.out):
        print(line, file=sys.stderr)
    for result in failed:
        log.info("%s: %s, log is in %s", result.point.name, result.state, log_of(sweep.out, result.point))
    tables = f"the table is {sweep.out / 'sweep.md'}, the picture {sweep.out / 'sweep.png'}"
    if failed:
        raise InputError(f"{len(failed)} / {len(results)} points are not done; correct them and run it again; {tables}")
    log.info("best: %s, %s %.6g; %s", results[0].point.name, sweep.metric.key, results[0].value, tables)


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Refuse where another sweep runs in this directory."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        lock = lock_file(out / LOCK)
    except BlockingIOError as error:
        raise InputError(f"{out}: another sweep is running in it; wait for it or stop it") from error
    try:
        yield
    finally:
        remove_lock(out / LOCK, lock)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    words = sys.argv[1:] if argv is None else argv
    if words and not words[0].startswith("-"):
        words = ["--sweep", *words]
    return run_command(Options, work, words, __doc__)


if __name__ == "__main__":
    sys.exit(main())
