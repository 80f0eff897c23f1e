"""Measure F0 and syllable nuclei of the utterances: the share of one job, or all of them.

Inputs: a data directory with wav.scp (and segments), or a tree of audio files. Output: shards of measurements in
`.<out>.parts`, which `steps.attributes.label` joins. What an earlier run has done with the same audio is not redone.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from steps.attributes.measurements import is_measured, read_shards, shard_path, write_measurements
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.options import option

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|wav|ogg>")
    out: Path = option(help="directory of attributes that steps.attributes.label will write")
    nj: int = option(1, "number of jobs that share the work", least=1)
    job: int = option(1, "number of this job, from 1", least=1)


def work(options: Options) -> None:
    """Measure the shards of this job that are not there yet."""
    if options.job > options.nj:
        raise InputError(f"--job {options.job}: there are --nj {options.nj} jobs")
    name, shards = read_shards(options.data)
    if is_measured(options.out, name):
        log.info("%s: this audio has been measured", options.out)
        return
    mine = range(options.job - 1, len(shards), options.nj)
    todo = [number for number in mine if not shard_path(options.out, name, number).is_file()]
    log.info("job %d of %d: %d of its %d shards are left to do", options.job, options.nj, len(todo), len(mine))
    try:
        from steps.attributes.measuring import measure
    except ImportError as error:
        raise InputError(f"Praat is not installed ({error}); utils/setup_env.sh --extras audio installs it") from error
    for number in progress(todo, len(todo), "shards"):
        path = shard_path(options.out, name, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        working = path.with_suffix(f".{options.job}of{options.nj}.tmp")
        write_measurements(working, map(measure, shards[number]))
        working.rename(path)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
