"""Remove the table and the parts of an extraction whose result is complete: stage 3.

Takes the options of the extraction.
"""

import sys
from dataclasses import replace

from steps.embed.extraction import BackendChoice, Options, is_merged, planned_identity
from utils.command import run_command
from utils.errors import InputError
from utils.parts import remove_parts
from utils.stage_dir import parts_root


def work(options: Options) -> None:
    """Remove table and parts. Raises InputError where the result has not been made of them yet."""
    root = parts_root(options.out)
    if not root.exists():
        return
    choice = BackendChoice.of(options)
    if not is_merged(choice, replace(options, force=False), planned_identity(choice, options)):
        raise InputError(
            f"{options.out}: not yet made of the parts in {root}, which are kept; run stages 1 and 2 first"
        )
    remove_parts(options.out)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
