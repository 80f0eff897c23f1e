"""Sample new speakers from a trained generator into a Kaldi data directory: stage 5, and a command of its own.

    python3 -m steps.generators.sample --model exp/demo/mdn --text "A woman with a deep voice" -n 20 --out DIR

Texts come from --text, --text_file (`id<tab>text`, or plain lines) or the groups of --descriptions. With --nj and --job
only one part is drawn, into a hidden directory beside --out; `steps.generators.merge_samples` then makes --out of the
parts. The samples are the same bytes either way.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from steps.generators.requests import Manner, Request
from steps.generators.sample_job import Options, check, finish, inputs, manner_of, requests_of, vectors_of
from utils.command import logger, progress, run_command
from utils.stage_dir import StageDir, is_done, parts_root

if TYPE_CHECKING:
    import numpy as np

    from steps.generators.sampling import Samples, Voices

log = logger(__name__)


def work(options: Options) -> None:
    """Draw everything and commit it, or draw one part."""
    check(options)
    if options.job:
        write_job(options)
        return
    with StageDir(options.out, options, inputs(options), options.force) as stage:
        if stage.done:
            return
        part = stage.dir / "part"
        part.mkdir()
        draw_part(options, 1, 1, part)
        finish(options, [part], stage)


def write_job(options: Options) -> None:
    """Draw the part of one job, unless all parts have been merged already."""
    if not options.force and is_done(options.out, options, inputs(options)):
        log.info("%s is up to date", options.out)
        return
    with StageDir(
        parts_root(options.out) / f"{options.job}of{options.nj}", options, inputs(options), options.force
    ) as stage:
        if not stage.done:
            draw_part(options, options.job, options.nj, stage.dir)


def draw_part(options: Options, job: int, nj: int, directory: Path) -> None:
    """Draw part `job` of `nj`: whole texts, in order, so that all parts have about as many samples."""
    from steps.generators.sample_dir import write_part
    from steps.generators.sampling import Voices

    requests = share(requests_of(options), job, nj)
    voices = Voices(options.model, options.encoder)
    vectors = vectors_of(options, requests, voices) if requests else []
    count = write_part(directory, draws(voices, requests, vectors, manner_of(options)), options.seed, voices.speakers)
    log.info("drew %d speakers for %d texts", count, len(requests))


def draws(voices: "Voices", requests: list[Request], vectors: "np.ndarray", manner: Manner) -> "Iterator[Samples]":
    """All draws of all requests, in order."""
    pairs = zip(requests, vectors, strict=True)
    for request, vector in progress(pairs, len(requests), "sampling"):
        yield from voices.draw(request, vector, manner)


def share(requests: list[Request], job: int, nj: int) -> list[Request]:
    """The requests of part `job` of `nj`: a contiguous run, cut where the sample count passes its share."""
    total = sum(request.n for request in requests)
    mine, before = [], 0
    for request in requests:
        if before * nj // total == job - 1:
            mine.append(request)
        before += request.n
    return mine


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
