"""Split pieces of speech, or their units, by speaker into train and dev for recipe amela.

Input: a data directory, with units where it has them. Output: the data directories `train` and `dev` below --out. The
order of speakers follows from a hash of the seed and their ids, and the first of them are in dev: whoever has these
speakers gets the same split. Where there is one speaker only, utterances are split; of one utterance both sets have it.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.data.sets import chance
from steps.data.unit_sequences import DURATIONS, INFO, UNITS
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.options import MAX_SEED, option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE, renew_paths
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)
OF_UNITS = tuple(f"{name}.scp" for name in (UNITS, DURATIONS))
SETS = ("train", "dev")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.amela.split"
    data: Path = option(help="data directory, with units.scp and durations.scp or without")
    out: Path = option(help="directory to write train and dev in")
    dev_share: float = option(0.1, "share of speakers in dev, one at least", above=0, most=0.9)
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
        sets = deal(data.utt2spk, options.dev_share, options.split_seed)
        for name, utterances in zip(SETS, sets, strict=True):
            write_data_dir(stage.dir / name, restrict(tables, utterances))
            if data.has(INFO):
                shutil.copyfile(data.path / INFO, stage.dir / name / INFO)
        counts = [(len(one), len({data.utt2spk[key] for key in one})) for one in sets]
        log.info(
            "%s: train %d utterances of %d speakers, dev %d of %d", stage.final, *(n for pair in counts for n in pair)
        )


def deal(utt2spk: Mapping[str, str], dev_share: float, seed: int) -> tuple[Sequence[str], Sequence[str]]:
    """The utterances of train and of dev, sorted; dev has whole speakers where there are two or more."""
    by = utt2spk if len(set(utt2spk.values())) > 1 else {key: key for key in utt2spk}
    names = sorted(set(by.values()), key=lambda name: chance(seed, name))
    if len(names) == 1:
        log.warning("there is one utterance only: it is in train and in dev")
        return sorted(utt2spk), sorted(utt2spk)
    if by is not utt2spk:
        log.warning("there is one speaker only: train and dev have different utterances of it")
    dev = set(names[: min(len(names) - 1, max(1, round(dev_share * len(names))))])
    parts = ([key for key in sorted(utt2spk) if (by[key] in dev) == is_dev] for is_dev in (False, True))
    train, held_out = parts
    return train, held_out


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
