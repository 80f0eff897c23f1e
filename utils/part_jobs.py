"""Work of one command in several jobs: each job writes parts, and the command without `--job` joins them.

    run_part_jobs(options, [options.trials], task)

With `--job 2 --nj 4`, or `--shards 0-15`, the parts of these shards are written beside --out (`utils.parts`); without,
those that are missing, then all are joined and committed. Whichever job is first writes the table of shards, which
follows from options and inputs alone. Parts that a killed job has left are used again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from utils.command import logger, progress
from utils.option_values import raw_values
from utils.parts import Item, Work, check_merged, remove_parts, write_part
from utils.shard_marks import marked
from utils.shards import chosen_shards
from utils.stage_dir import StageDir, is_done, signature

log = logger(__name__)
Part = tuple[Sequence[Any], Mapping[str, np.ndarray]]  # JSON values, and arrays by name


class PartTask(Protocol):
    """What a command does with shards."""

    def items(self) -> Sequence[Item]:
        """All items, sorted by shard."""

    def prepare(self) -> Callable[[list[Item]], Part]:
        """Get ready for shards, once, where any part is missing. Returns what makes the part of a shard's items."""

    def join(self, stage: StageDir, planned: Work) -> None:
        """Write the outputs of all parts."""

    def check(self) -> None:
        """Raise InputError where the outputs, which are up to date, are not good enough for the options."""


def run_part_jobs(options: Any, inputs: Sequence[Path], task: PartTask, free: Collection[str] = ()) -> None:
    """Do the share of this job, or what is missing and the end.

    Args:
        options: of a command, with its name in COMMAND, and out, force, nj, job, shards. inputs: what decides the
            outputs beside them. free: options that parts and outputs do not depend on.
    """
    settings = {name: value for name, value in raw_values(options).items() if name not in free}
    if options.job or options.shards:
        if not options.force and is_done(options.out, settings, inputs):
            check_merged(options.out, options.shards, options.job, options.nj)
            log.info("%s is up to date", options.out)
            return
        planned = _planned(options.out, settings, inputs, task)
        shards = chosen_shards(planned.n_shards, options.shards, options.job, options.nj)
        _make_parts(planned, shards, task, options.job)
        return
    with StageDir(options.out, settings, inputs, options.force, command=options.COMMAND) as stage:
        if stage.done:
            task.check()
            return
        planned = _planned(options.out, settings, inputs, task)
        _make_parts(planned, range(planned.n_shards), task, 0)
        stage.n_shards = planned.n_shards
        task.join(stage, planned)
    remove_parts(options.out)


def _planned(out: Path, settings: Mapping[str, Any], inputs: Sequence[Path], task: PartTask) -> Work:
    """The table of shards, written where it is not there."""
    identity = signature(settings, inputs)
    return Work.find(out, identity) or Work.write(out, identity, task.items())


def _make_parts(planned: Work, shards: Sequence[int], task: PartTask, job: int) -> None:
    """Write the parts of shards that are missing."""
    missing = planned.missing(shards, checked=True)
    if not missing:
        return
    make = task.prepare()
    for shard, items in progress(planned.shards(missing), len(missing), "shards"):
        if not planned.has_part(shard, checked=True):
            with marked(planned, shard, job):
                rows, arrays = make(items)
                write_part(planned.part(shard), rows, **arrays)
