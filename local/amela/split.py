"""Split pieces of speech, or their units, by speaker into train, dev and test for recipe amela, however few there are.

Input: a data directory, with units where it has them. Output: the data directories `train`, `dev` and `test` below
--out. The order of speakers follows from a hash of the seed and their ids; the first are in dev, the next in test:
pieces and their units get the same split. Two speakers are train and dev, and test is dev. Of one speaker the
utterances are split, and stand as speakers of their own; one utterance is in all three.
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.data.sets import SETS, chance
from steps.data.unit_sequences import DURATIONS, INFO, UNITS
from utils.command import logger, run_command
from utils.data_dir import PER_SPEAKER, DataDir, restrict, write_data_dir
from utils.options import MAX_SEED, option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE, renew_paths
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)
OF_UNITS = tuple(f"{name}.scp" for name in (UNITS, DURATIONS))


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.amela.split"
    data: Path = option(help="data directory, with units.scp and durations.scp or without")
    out: Path = option(help="directory to write train and dev in")
    held_out: float = option(0.1, "share of speakers in dev, and in test; one at least", above=0, most=0.4)
    split_seed: int = option(42, "another seed gives another split", least=0, most=MAX_SEED)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Deal the speakers out, and write the sets."""
    data = DataDir(options.data).require_utterances()
    with StageDir(options.out, options, [options.data], options.force) as stage:
        if stage.done:
            return
        tables = data.tables()
        for name in filter(data.has, OF_UNITS):
            tables[name] = renew_paths(data.path / name, read_table(data.path / name))
        sets = deal(data.utt2spk, options.held_out, options.split_seed)
        if len(data.spk2utt) == 1:
            tables = {name: table for name, table in tables.items() if name not in PER_SPEAKER}
            tables["utt2spk"] = {key: key for key in data.utt2spk}
        for name in SETS:
            write_data_dir(stage.dir / name, restrict(tables, sets[name]))
            if data.has(INFO):
                shutil.copyfile(data.path / INFO, stage.dir / name / INFO)
        counts = (f"{name} {len(sets[name])} of {len({data.utt2spk[key] for key in sets[name]})}" for name in SETS)
        log.info("%s: utterances of speakers: %s", stage.final, ", ".join(counts))


def deal(utt2spk: Mapping[str, str], held_out: float, seed: int) -> dict[str, list[str]]:
    """The utterances of each set, sorted; of whole speakers where there are two or more."""
    by = utt2spk if len(set(utt2spk.values())) > 1 else {key: key for key in utt2spk}
    names = sorted(set(by.values()), key=lambda name: chance(seed, name))
    if len(names) == 1:
        log.warning("there is one utterance only: it is in train, dev and test")
        return dict.fromkeys(SETS, sorted(utt2spk))
    if by is not utt2spk:
        log.warning("there is one speaker only: train, dev and test have different utterances of it")
    n = max(1, round(held_out * len(names)))
    dev, test = set(names[:n]), set(names[n : 2 * n]) if len(names) > 2 * n else set(names[:n])
    if dev == test:
        log.warning("there are two speakers only: test is dev")
    chosen = dict(zip(SETS, (set(names) - dev - test, dev, test), strict=True))
    return {name: [key for key in sorted(utt2spk) if by[key] in some] for name, some in chosen.items()}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
