"""Take a mixture from a file, such as a UBM that Kaldi has trained, into a directory that every command here reads.

Input: a directory or file of a mixture, in our form or in Kaldi's text form. Output: `model.safetensors`, and the same
in Kaldi's text form, `final.dubm` or, with full covariances, `final.ubm`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.gmm.copy"

    gmm: Path = option(help="directory of a mixture, its model.safetensors, or a file of Kaldi's text form")
    out: Path = option(help="directory to write")
    force: bool = option(False, "copy again even if nothing has changed")


def work(options: Options) -> None:
    """Read the mixture, and write both forms."""
    with StageDir(options.out, options, [options.gmm], options.force) as stage:
        if stage.done:
            return
        from steps.gmm.gmm_dir import read_gmm, write_forms

        gmm = read_gmm(options.gmm)
        write_forms(stage.dir, gmm)
        log.info("%s: %d Gaussians of %d features", stage.final, gmm.n_components, gmm.dim)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
