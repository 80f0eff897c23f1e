"""Convert a HuBERT of fairseq into a directory in transformers' format, key by key.

Input: a checkpoint, of which tensors and plain containers are read and no code is run. Output: config.json,
model.safetensors, preprocessor_config.json. A tensor that is missing, extra or of another shape is an error that names
it; what only pre-training needs, the projection onto its labels, is not converted.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.errors import InputError, absence
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.units.convert_hubert"

    checkpoint: Path = option(help="of fairseq")
    out: Path = option(help="directory to write, in transformers' format")
    force: bool = option(False, "convert again even if nothing has changed")


def work(options: Options) -> None:
    """Convert one checkpoint."""
    if not options.checkpoint.is_file():
        raise InputError(
            f"{options.checkpoint}: {absence(options.checkpoint, 'file')}; expected a checkpoint of fairseq"
        )
    with StageDir(options.out, options, [options.checkpoint], options.force) as stage:
        if stage.done:
            return
        from steps.units.fairseq_hubert import convert

        convert(options.checkpoint, stage.dir)
    log.info("%s: converted", options.out)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
