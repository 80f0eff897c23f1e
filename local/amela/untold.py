"""The pieces of recordings whose text nobody knows yet: what is left to be recognised.

Input: pieces (`steps.audio.pack`), and the data directory of their recordings. Output: a data directory of those pieces
whose recording has no words in `text` or `utt2text`; empty where all have.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from local.recordings import KNOWN_TEXT
from steps.audio.pack import STRETCH
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.errors import InputError
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
        known = known_texts(data)
        whole = utterances_of(data, pieces)
        chosen = [key for key in pieces.utt2spk if whole[key] not in known]
        if chosen:
            write_data_dir(stage.dir, restrict(pieces.tables(), chosen))
        else:
            for name in ("utt2spk", "spk2utt", "wav.scp"):
                (stage.dir / name).touch()
        log.info("%s: %d of %d pieces are of recordings without a text", stage.final, len(chosen), len(whole))


def known_texts(data: DataDir) -> dict[str, str]:
    """Recording -> its text, of those that have words."""
    names = [name for name in ("text", KNOWN_TEXT) if data.has(name)]
    return {key: text for name in names for key, text in data.table(name).items() if text}


def utterances_of(data: DataDir, pieces: DataDir) -> dict[str, str]:
    """Piece -> the recording, or the segment of one, that it is cut from, by its id."""
    found = {}
    for key in pieces.utt2spk:
        match = STRETCH.fullmatch(key)
        found[key] = match[1] if match and key not in data.utt2spk else key
        if found[key] not in data.utt2spk:
            raise InputError(f"{pieces.path / 'utt2spk'}: {key}: no piece of an utterance of {data.path / 'utt2spk'}")
    return found


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
