"""Import unit sequences of others, as a directory that the vocoders and language models here read.

Input: a directory of files .npy or .pt, a .pt of all, or a file of lines (`steps.units.foreign_units`). Output, a data
directory: units.{ark,scp}, units.json and, where there is a unit for each frame, durations.{ark,scp}; with --data the
tables of that directory, whose utterances must be the same, otherwise each utterance is a speaker of its own.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.data.unit_sequences import LONGEST_FRAME, MOST_UNITS, OF_UNITS, UnitsInfo, UnitsWriter, deduplicate
from steps.units.foreign_units import have_equal_neighbours, read_foreign
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)
AUTO, FRAMES, SEQUENCES = ENTRIES = ("auto", "frames", "sequences")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.units.import_units"

    source: Path = option(help="directory of files .npy or .pt, a .pt of all, or a file of lines")
    out: Path = option(help="directory of unit sequences to write")
    data: Path | None = option(None, "data directory of the same utterances, whose tables are taken")
    n_units: int | None = option(
        None, "how many units there are; default: as the largest says", least=1, most=MOST_UNITS
    )
    frame_seconds: float = option(0.02, "from a frame to the next", above=0, most=LONGEST_FRAME)
    window_seconds: float = option(0.025, "that a frame is of", above=0, most=LONGEST_FRAME)
    sample_rate: int = option(16000, "Hz of the audio that the units are of", least=1, most=10**6)
    model: str = option("imported", "name of what gave the units")
    entries: str = option(AUTO, "a unit of each frame, or deduplicated; auto: by equal neighbours", choices=ENTRIES)
    force: bool = option(False, "import again even if nothing has changed")


def work(options: Options) -> None:
    """Read all, and write them."""
    inputs = [options.source, *([options.data / "utt2spk"] if options.data else [])]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        sequences = read_all(options.source)
        largest = max(int(units.max()) for units in sequences.values())
        info = UnitsInfo(
            options.n_units or largest + 1,
            options.frame_seconds,
            options.model,
            {"sample_rate": options.sample_rate, "window_seconds": options.window_seconds},
        )
        repeated = have_equal_neighbours(sequences.values())
        if repeated and options.entries == SEQUENCES:
            raise InputError(
                f"{options.source}: --entries {SEQUENCES}, but there are equal neighbours: units of frames?"
            )
        of_frames = options.entries == FRAMES or (options.entries == AUTO and repeated)
        with UnitsWriter(stage.dir, stage.final, info, durations=of_frames) as writer:
            for key, units in sequences.items():
                if units.max() >= info.n_units:
                    raise InputError(
                        f"{options.source}: {key}: the unit {units.max()}, expected 0 to {info.n_units - 1}; give a"
                        " larger --n_units"
                    )
                writer.add(key, *(deduplicate(units) if of_frames else (units,)))
        write_data_dir(stage.dir, tables_of(options, sequences) | writer.tables())
    log.info(
        "%s: %d sequences of %d units, %s",
        *(options.out, len(sequences), info.n_units, "with durations" if of_frames else "without durations"),
    )


def read_all(source: Path) -> dict[str, np.ndarray]:
    """Id -> units (N,) int32, sorted by id. Raises InputError where an id comes twice, or there is none."""
    found: dict[str, np.ndarray] = {}
    for key, units in read_foreign(source):
        if key in found:
            raise InputError(f"{source}: {key} comes twice; leave one out")
        found[key] = units
    if not found:
        raise InputError(f"{source}: empty; expected unit sequences")
    return dict(sorted(found.items()))


def tables_of(options: Options, sequences: dict[str, np.ndarray]) -> dict[str, dict[str, str]]:
    """All tables but those of units."""
    if options.data is None:
        return {"utt2spk": {key: key for key in sequences}}
    data = DataDir(options.data)
    unknown = next((key for key in sequences if key not in data.utt2spk), None)
    if unknown is not None:
        raise InputError(f"{options.data / 'utt2spk'}: no line for {unknown}, which {options.source} has units of")
    own = {name: table for name, table in data.tables().items() if name not in OF_UNITS}
    return {name: table for name, table in restrict(own, sequences).items() if table}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
