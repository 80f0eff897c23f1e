"""Split a directory of unit sequences by speakers: train, dev and test, each a directory of unit sequences.

    python3 -m steps.unit_lm.split --units exp/units --out exp/units_split

The set of a speaker follows from a hash of the seed and the speaker's id alone (`steps.data.sets.chance`), as long as
each set gets a speaker; so no speaker is in two sets, and new ones leave the others where they are. The archives are
not copied: script files of the sets point to those of --units.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.unit_lm.split"
    units: Path = option(help="directory of unit sequences")
    out: Path = option(help="directory to make train, dev and test in")
    fractions: tuple[float, ...] = option((0.8, 0.1, 0.1), "shares of the speakers in train, dev, test")
    split_seed: int = option(42, "another seed gives another split", least=0, most=MAX_SEED)
    force: bool = option(False, "split again even if nothing has changed")


def work(options: Options) -> None:
    """Split, and commit the directories."""
    from steps.data.sets import SETS, check_fractions
    from steps.data.unit_sequences import DURATIONS, INFO, UNITS, UnitsDir
    from utils.data_dir import restrict, write_data_dir
    from utils.script_files import renew_paths
    from utils.tables import write_table

    check_fractions(options.fractions)
    with StageDir(options.out, options, [options.units], options.force) as stage:
        if stage.done:
            return
        units = UnitsDir(options.units)
        speakers = list(units.data.spk2utt)
        if len(speakers) < len(SETS):
            raise InputError(
                f"{options.units}: {len(speakers)} speakers: expected one for each of {', '.join(SETS)} at least"
            )
        set_of = sets_of_speakers(speakers, options.fractions, options.split_seed)
        tables = units.data.tables()
        scripts = [f"{name}.scp" for name in (UNITS, DURATIONS) if units.data.has(f"{name}.scp")]
        lines = {name: renew_paths(options.units / name, units.data.table(name)) for name in scripts}
        for name in SETS:
            own = [utterance for utterance, speaker in units.utt2spk.items() if set_of[speaker] == name]
            if not own:
                raise InputError(
                    f"{options.units}: no speaker is in {name}; give other --fractions or another --split_seed"
                )
            write_data_dir(stage.dir / name, restrict(tables, own))
            for script in scripts:
                write_table(stage.dir / name / script, {utterance: lines[script][utterance] for utterance in own})
            (stage.dir / name / INFO).write_bytes((options.units / INFO).read_bytes())
            log.info("%s: %d utterances of %d speakers", name, len(own), len({units.utt2spk[one] for one in own}))


def sets_of_speakers(speakers: list[str], fractions: tuple[float, ...], seed: int) -> dict[str, str]:
    """The set of each of three speakers or more, by a number that follows from its id.

    Where thresholds on this number would leave a set empty, its share is one speaker, those with the nearest numbers.
    """
    from steps.data.sets import SETS, chance

    order = sorted(speakers, key=lambda speaker: chance(seed, speaker))
    numbers = [chance(seed, speaker) * sum(fractions) for speaker in order]
    first = sum(number < fractions[0] for number in numbers)
    second = sum(number < fractions[0] + fractions[1] for number in numbers)
    first = min(max(first, 1), len(order) - 2)
    second = min(max(second, first + 1), len(order) - 1)
    return {one: SETS[(place >= first) + (place >= second)] for place, one in enumerate(order)}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
