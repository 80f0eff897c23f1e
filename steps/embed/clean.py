"""Remove the plans and parts of an extraction whose result is complete: stage 3.

Takes the options of the extraction.
"""

import shutil
import sys
from dataclasses import replace

from steps.embed.extraction import Network, Options, is_merged
from steps.embed.parts import current
from utils.command import run_command
from utils.errors import InputError
from utils.stage_dir import parts_root


def work(options: Options) -> None:
    """Remove them, unless they are still needed."""
    root = parts_root(options.out)
    if not root.exists():
        return
    network = Network.of(options)
    if not is_merged(network, replace(options, force=False), current(options, network)):
        raise InputError(
            f"{options.out}: not yet made of the parts in {root}, which are kept; run stages 1 and 2 first"
        )
    shutil.rmtree(root)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
