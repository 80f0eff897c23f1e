"""Join the scores of the lists of each part, such as those of folds of speakers, into one directory a system.

    python3 -m steps.verify.pool_scores --data data --exp exp --out exp/pooled

Reads --data/lists (lines `list part`), --data/test_<list>/trials, and <exp>/<list>/scores/<system>. Writes
<out>/<part>/<system>/scores and failures.tsv, in the order of --data/test_<part>/trials, of which each must be in one
list. Scores of several lists are compared with each other from here on, as if one system had made them.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir
from utils.tables import read_table

if TYPE_CHECKING:
    from steps.metrics.trials import TrialPairs

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.pool_scores"
    data: Path = option(help="directory of lists, and of test_<list> and test_<part> with their trials")
    exp: Path = option(help="directory of <list>/scores/<system>")
    out: Path = option(help="directory to write")
    systems: tuple[str, ...] = option((), "join these alone; default: all")
    force: bool = option(False, "join again even if nothing has changed")


def work(options: Options) -> None:
    """Join and commit the directory."""
    from steps.verify.score_dirs import score_files

    parts = _lists_of_parts(options.data / "lists")
    found = {part: _systems(part, lists, options) for part, lists in parts.items()}
    if not any(found.values()):
        raise InputError(f"{options.exp}: no <list>/scores/<system>/scores here of lists of {options.data / 'lists'}")
    names = {name for part, lists in parts.items() if found[part] for name in (part, *lists)}
    inputs = [options.data / "lists", *(options.data / f"test_{name}" / "trials" for name in sorted(names))]
    inputs += [path for own in found.values() for dirs in own.values() for one in dirs for path in score_files(one)]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        from steps.metrics.trial_files import read_pairs
        from steps.verify.score_dirs import write_score_dir

        for part, systems in found.items():
            if not systems:
                log.warning("%s: part %s has no scores", options.exp, part)
                continue
            whole = read_pairs(options.data / f"test_{part}" / "trials")
            pairs = [read_pairs(options.data / f"test_{name}" / "trials") for name in parts[part]]
            for system, directories in systems.items():
                scores, reasons = _join(options.data / f"test_{part}" / "trials", whole, pairs, directories)
                write_score_dir(stage.dir / part / system, whole, scores, reasons, all_digits=True)
            log.info(
                "%s: part %s: %d trials of %d lists, %s", stage.final, part, len(whole), len(pairs), " ".join(systems)
            )


def _lists_of_parts(path: Path) -> dict[str, list[str]]:
    """Part -> its lists."""
    found: dict[str, list[str]] = {}
    for name, part in read_table(path).items():
        if len(part.split()) > 1:
            raise InputError(f"{path}: {name}: expected 'list part', found the part {part!r}")
        found.setdefault(part, []).append(name)
    if not found:
        raise InputError(f"{path}: empty; expected lines 'list part'")
    return dict(sorted(found.items()))


def _systems(part: str, lists: Sequence[str], options: Options) -> dict[str, list[Path]]:
    """System -> its directory of each list. Raises InputError for one that has scores of some lists alone."""
    known = {name: {file.parent.name for file in (options.exp / name / "scores").glob("*/scores")} for name in lists}
    names = [one for one in options.systems if any(one in own for own in known.values())] if options.systems else None
    found = {}
    for system in sorted(set().union(*known.values())) if names is None else names:
        missing = [name for name in lists if system not in known[name]]
        if missing:
            raise InputError(
                f"{options.exp / missing[0] / 'scores' / system}: no scores here, but {system} has scores of other"
                f" lists of part {part}; score this one, too, or name other --systems"
            )
        found[system] = [options.exp / name / "scores" / system for name in lists]
    return found


def _join(where: Path, whole: "TrialPairs", pairs: "list[TrialPairs]", directories: list[Path]):
    """The scores (P,) of the trials of a part, and why some have failed."""
    import numpy as np

    from steps.verify.score_dirs import read_score_dir

    numbers = {name: number for number, name in enumerate(whole.names())}
    scores, seen, reasons = np.full(len(whole), np.nan), np.zeros(len(whole), dtype=bool), {}
    for own, directory in zip(pairs, directories, strict=True):
        found, failed = read_score_dir(directory, own)
        rows = [numbers.get(name, -1) for name in own.names()]
        if min(rows) < 0:
            raise InputError(
                f"{where}: no trial '{own.name(rows.index(-1))}', which {directory} has; make the lists anew"
            )
        if seen[rows].any():
            raise InputError(f"{where}: '{whole.name(rows[int(seen[rows].argmax())])}' is in two lists; expected one")
        scores[rows], seen[rows] = found, True
        reasons |= failed
    if not seen.all():
        missing = np.flatnonzero(~seen)
        raise InputError(f"{where}: '{whole.name(missing[0])}' is in no list ({len(missing)} such trials)")
    return scores, reasons


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
