"""Stage 3: copy the vectors of train, dev and test from any Kaldi archives into an index that is fast to open.

Input: `data` with the data directories train, dev, test, whose xvector.scp names vectors of any kind that Kaldi writes.
No speaker may be in two sets, under the same id or under one that looks alike.
Output: `out` with an index of each set (`steps/data/index.py` knows its files), and report.txt, which lists vectors
that are identical. Each vector is read once and must be complete, finite and not zero; all have one dimension.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from steps.data.spellings import DISTINCT_HELP, mentions_in, refuse_shared, require_distinct
from utils.command import logger, run_command
from utils.errors import InputError, brief
from utils.forked import call_all
from utils.options import option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    import numpy as np

    from steps.data.index_writer import SetReader

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.data.build_index"
    data: Path = option(help="directory that has the data directories of the sets")
    out: Path = option(help="directory to write")
    sets: tuple[str, ...] = option(("train", "dev", "test"), "names of the sets")
    distinct_ids: bool = option(False, DISTINCT_HELP)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo a finished stage")


def work(options: Options) -> None:
    """Build the index of each set, unless all is up to date."""
    from steps.data.duplicates import report_duplicates
    from steps.data.index_writer import SetReader

    readers = [SetReader(options.data / name) for name in _distinct_names(options.sets)]
    inputs = [path for reader in readers for path in reader.inputs()]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        refuse_shared({reader.data.path.name: reader.speakers.words for reader in readers})
        mentions = (mention for reader in readers for mention in mentions_in(reader.data))
        require_distinct(mentions, options.distinct_ids, f"give one id to both in {options.data}, and split anew")
        dim, fingerprints = readers[0].dim(), {}
        jobs = [partial(_write, stage, dim, reader) for reader in readers]
        found = call_all(jobs, sum(len(reader.names) for reader in readers))
        for reader, (stats, prints) in zip(readers, found, strict=True):
            name = reader.data.path.name
            fingerprints[name] = prints
            log.info("%s: %d vectors of dimension %d, %d speakers", name, stats["utterances"], dim, stats["speakers"])
        report_duplicates(stage.dir, fingerprints)


def _write(stage: StageDir, dim: int, reader: "SetReader") -> "tuple[dict[str, Any], np.ndarray]":
    """Write the index of one set. Returns its statistics and fingerprints."""
    name = reader.data.path.name
    return reader.write(stage.dir / name, stage.final / name, dim)


def _distinct_names(sets: tuple[str, ...]) -> list[str]:
    names = [name.rstrip("/") for name in sets]
    if (
        not names
        or len(set(names)) < len(names)
        or any(name in ("", "..") or Path(name).name != name for name in names)
    ):
        raise InputError(f"--sets {brief(','.join(sets))}: expected distinct names of directories in --data")
    return names


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
