"""Take a part of a data directory: some utterances of speakers who are spread over the whole.

Input: a data directory of any size, whose tables are read line by line. Output: a data directory of the same tables,
with about --utterances utterances, as many of each speaker as come first; the same for the same input.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.data_dir import DataDir, is_table, restrict, write_data_dir
from utils.options import option
from utils.script_files import renew_paths
from utils.stage_dir import StageDir
from utils.tables import iterate_table

log = logger(__name__)
OF_A_SPEAKER = 10  # utterances that suffice, where there are speakers enough


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.data.take_part"
    data: Path = option(help="data directory")
    out: Path = option(help="data directory to write")
    utterances: int = option(4000, "utterances of the part; all, where there are fewer", least=1, most=10**7)
    force: bool = option(False, "take it again even if nothing has changed")


def work(options: Options) -> None:
    """Choose the utterances, and copy their lines."""
    data = DataDir(options.data)
    files = sorted(file for file in data.path.iterdir() if is_table(file.name))
    with StageDir(options.out, options, files, options.force) as stage:
        if stage.done:
            return
        chosen = choose(data.path, options.utterances)
        tables = {}
        for file in files:
            if file.name != "spk2utt":
                table = _kept(file, chosen)
                tables[file.name] = renew_paths(file, table) if file.suffix == ".scp" else table
        tables = restrict(tables, tables["utt2spk"])
        write_data_dir(stage.dir, {name: table for name, table in tables.items() if table})
        n_speakers = len(set(tables["utt2spk"].values()))
        log.info("%s: %d utterances of %d speakers", stage.final, len(tables["utt2spk"]), n_speakers)


def choose(data: Path, number: int) -> set[str]:
    """Keys of about `number` utterances, of their speakers, and of the recordings that they are cut from."""
    sizes = [len(value.split()) for _, value in iterate_table(data / "spk2utt")]
    each = OF_A_SPEAKER
    while each < max(sizes, default=0) and sum(min(size, each) for size in sizes) < number:
        each *= 2
    total = sum(min(size, each) for size in sizes)
    chosen: set[str] = set()
    taken = passed = 0
    for speaker, value in iterate_table(data / "spk2utt"):
        some = value.split()[:each]
        passed += len(some)
        if taken * total < passed * number and taken < number:  # in step with the share of the part
            taken += len(some)
            chosen |= {speaker, *some}
    segments = data / "segments"
    if segments.is_file():
        chosen |= {value.split()[0] for key, value in iterate_table(segments) if key in chosen}
    return chosen


def _kept(table: Path, keys: set[str]) -> dict[str, str]:
    """The lines of a table whose keys are wanted."""
    return {key: value for key, value in iterate_table(table) if key in keys}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
