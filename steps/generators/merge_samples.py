"""Make one data directory of the parts that the jobs of `steps.generators.sample` have drawn, and remove the parts.

Takes the options of the sampling jobs, without --job.
"""

import shutil
import sys
from pathlib import Path

from steps.generators.sample import Options, check, inputs, parts_root, requests_of, vectors_of
from utils.command import logger, run_command
from utils.errors import InputError
from utils.stage_dir import StageDir, is_done

log = logger(__name__)


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


def finish(options: Options, parts: list[Path], stage: StageDir) -> None:
    """Write the data directory of all samples into the directory of the stage."""
    from steps.generators.sample_dir import merge_parts, write_parameters
    from steps.generators.sampling import Voices

    requests = requests_of(options)
    count = merge_parts(parts, requests, stage.dir, stage.final)
    if count != sum(request.n for request in requests):
        raise InputError(f"{stage.final}: {count} samples in the parts, expected another number; sample again")
    if options.save_params:
        voices = Voices(options.model, options.encoder)
        mixtures = voices.generator.mixtures(vectors_of(options, requests, voices))
        write_parameters(stage.dir, mixtures, requests)
    for part in parts:
        if part.parent == stage.dir:
            shutil.rmtree(part)
    log.info("%s: %d speakers for %d texts", stage.final, count, len(requests))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
