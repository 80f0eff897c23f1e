"""The pieces of recordings whose text nobody knows yet: what is left to be recognised.

Input: pieces (`steps.audio.pack`), and the data directory of their recordings. Output: a data directory of those pieces
whose recording has no words in `text` or `utt2text`; empty where all have.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from local.amela.told import told_of
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.amela.untold"
    data: Path = option(help="data directory of recordings, with text or utt2text")
    pieces: Path = option(help="data directory of their pieces")
    out: Path = option(help="data directory to write")
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Choose the pieces, and copy their lines."""
    data, pieces = DataDir(options.data), DataDir(options.pieces)
    with StageDir(options.out, options, [options.data, options.pieces], options.force) as stage:
        if stage.done:
            return
        told = told_of(data, pieces)
        chosen = [key for key in pieces.utt2spk if told.whole[key] not in told.known]
        if chosen:
            write_data_dir(stage.dir, restrict(pieces.tables(), chosen))
        else:
            for name in ("utt2spk", "spk2utt", "wav.scp"):
                (stage.dir / name).touch()
        log.info("%s: %d of %d pieces are of recordings without a text", stage.final, len(chosen), len(told.whole))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
