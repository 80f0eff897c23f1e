"""Recordings in rows of tables as files of their own, for Kaldi's programs and other tools.

Input: a data directory whose wav.scp names rows of parquet or arrow files (`steps.audio.packed_rows`). Output: a copy
of it with audio/<recording>.<flac|wav|...>, the bytes of the tables, and a wav.scp that names these. Recordings that
are files already stay where they are.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.audio.packed_rows import RowProblem, file_of, is_row, read_row
from utils.command import logger, progress, run_command
from utils.data_dir import DataDir, write_data_dir
from utils.errors import InputError
from utils.options import option
from utils.script_files import path_in_script
from utils.stage_dir import StageDir

log = logger(__name__)
SUFFIXES = {b"fLaC": ".flac", b"RIFF": ".wav", b"OggS": ".ogg", b"ID3": ".mp3", b"\xff\xfb": ".mp3"}  # by first bytes


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.audio.unpack_rows"
    data: Path = option(help="data directory whose wav.scp names rows")
    out: Path = option(help="data directory to write")
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Write the recordings, and the tables."""
    data = DataDir(options.data)
    tables = data.tables()
    if "wav.scp" not in tables:
        raise InputError(f"{data.path / 'wav.scp'}: missing; expected a data directory of audio")
    rows = {name: Path(text) for name, text in sorted(tables["wav.scp"].items()) if is_row(Path(text))}
    files = sorted({file_of(path) for path in rows.values()})
    with StageDir(options.out, options, [options.data, *files], options.force) as stage:
        if stage.done:
            return
        (stage.dir / "audio").mkdir()
        for name, path in progress(rows.items(), len(rows), "recordings"):
            try:
                content = read_row(path)
            except RowProblem as problem:
                raise InputError(f"{data.path / 'wav.scp'}: {name}: {problem}") from problem
            file = Path("audio") / f"{name.replace('/', '_')}{_suffix(content)}"
            if (stage.dir / file).exists():
                raise InputError(f"{data.path / 'wav.scp'}: {name}: another recording becomes {file} too; rename one")
            (stage.dir / file).write_bytes(content)
            tables["wav.scp"][name] = path_in_script(stage.final / file)
        write_data_dir(stage.dir, tables)
        log.info("%s: %d recordings of %d were rows of tables", stage.final, len(rows), len(tables["wav.scp"]))


def _suffix(content: bytes) -> str:
    return next((suffix for head, suffix in SUFFIXES.items() if content.startswith(head)), ".audio")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
