"""Make one data directory of the parts that the jobs of `steps.generators.sample` have drawn, and remove the parts.

Takes the options of the sampling jobs, without --job.
"""

import shutil
import sys

from steps.generators.sample_job import Options, check, finish, inputs
from utils.command import run_command
from utils.errors import InputError
from utils.stage_dir import StageDir, is_done, parts_root


def work(options: Options) -> None:
    """Merge the parts of all jobs and commit the result."""
    check(options)
    with StageDir(options.out, options, inputs(options), options.force) as stage:
        if not stage.done:
            parts = [parts_root(options.out) / f"{job}of{options.nj}" for job in range(1, options.nj + 1)]
            missing = [part.name for part in parts if not is_done(part, options, inputs(options))]
            if missing:
                raise InputError(f"{parts_root(options.out)}: no part {missing[0]}; run its sampling job again")
            finish(options, parts, stage)
    shutil.rmtree(parts_root(options.out), ignore_errors=True)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
