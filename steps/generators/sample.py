"""Sample new speakers from a trained generator into a Kaldi data directory: stage 5, and a command of its own.

    python3 -m steps.generators.sample --model exp/demo/mdn --text "A woman with a deep voice" -n 20 --out DIR

Texts come from --text, --text_file (`id<tab>text`, `id<tab>text<tab>gender`, or plain lines; `-` is the standard input)
or the groups of --descriptions. With --shards, or --job and --nj, only the parts of these shards are drawn, as
`steps.generators.plan_samples` has divided the samples; `steps.generators.merge_samples` then makes --out of the parts.
The samples are the same bytes either way.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING

from steps.generators.plan_samples import divide, read_texts
from steps.generators.requests import chunks_of
from steps.generators.sample_job import (
    Options,
    Texts,
    check,
    find_work,
    finish,
    inputs,
    is_up_to_date,
    known_mixtures,
    sampling_settings,
)
from steps.generators.text_source import texts_at_hand
from utils.command import logger, progress, run_command
from utils.parts import Item, check_merged
from utils.shards import chosen_shards
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.generators.sample_archive import Layout
    from steps.generators.sample_parts import Drawn, Shard
    from steps.generators.sampling import Voices

log = logger(__name__)


def work(options: Options) -> None:
    """Draw all samples and commit them, or write the parts of some shards."""
    check(options)
    with texts_at_hand(options) as at_hand:
        if options.job or options.shards is not None:
            write_missing(at_hand)
        else:
            sample_all(options, at_hand)


def sample_all(options: Options, at_hand: Options) -> None:
    """Draw all samples, a shard at a time, and commit them.

    Args:
        at_hand: the same options with texts that can be read several times.
    """
    with StageDir(options.out, options, inputs(at_hand), options.force) as stage:
        if stage.done:
            return
        from steps.generators.sample_archive import Layout
        from steps.generators.sample_parts import write_samples
        from steps.generators.sampling import Voices

        texts = read_texts(at_hand)
        shards = [list(items) for _, items in groupby(divide(options, texts.requests), key=lambda item: item.shard)]
        stage.n_shards = len(shards)
        voices = Voices(options.model)
        layout = Layout(texts.requests, voices.generator.dim, options.utts_per_speaker)
        chunks = (draw(options, voices, texts, items) for items in progress(shards, len(shards), "sampling"))
        genders = write_samples(stage.dir, layout, chain.from_iterable(chunks))
        finish(options, texts, layout, genders, stage)


def write_missing(options: Options) -> None:
    """Write the missing parts of this job's shards, unless the result exists."""
    if is_up_to_date(options):
        check_merged(options.out, options.shards, options.job, options.nj)
        return
    table = find_work(options)
    mine = chosen_shards(table.n_shards, options.shards, options.job, options.nj)
    missing = table.missing(mine, checked=True)
    if missing:
        from steps.generators.sample_archive import Layout
        from steps.generators.sample_parts import write_parts
        from steps.generators.sampling import Voices

        texts, voices = Texts.read(table.directory), Voices(options.model, table=known_mixtures(table.directory))
        layout = Layout(texts.requests, voices.generator.dim, options.utts_per_speaker)
        shards = progress(table.shards(missing), len(missing), "sampling")
        write_parts(table, layout, (to_draw(options, voices, texts, layout, *shard) for shard in shards))
    log.info("this job has %d of %d shards, and has drawn %d", len(mine), table.n_shards, len(missing))


def to_draw(
    options: Options, voices: "Voices", texts: Texts, layout: "Layout", number: int, items: Sequence[Item]
) -> "Shard":
    """A shard with its place in the archive; its samples are drawn as they are asked for."""
    from steps.generators.sample_parts import Shard

    chunks = [(row, chunks_of(texts.requests[row], sampling_settings(options))[at]) for _, _, (row, at) in items]
    (row, first), (last_row, last) = chunks[0], chunks[-1]
    start, stop = (
        layout.position(row, number * options.utts_per_speaker)
        for row, number in ((row, first.start), (last_row, last.stop))
    )
    return Shard(number, start, stop, draw(options, voices, texts, items))


def draw(options: Options, voices: "Voices", texts: Texts, items: Iterable[Item]) -> Iterator["Drawn"]:
    """Draw the samples of one shard, a chunk at a time."""
    from steps.generators.provenance import genders_of, provenance_lines
    from steps.generators.sample_parts import Drawn

    settings = sampling_settings(options)
    for row, chunks in groupby(items, key=lambda item: item.content[0]):
        numbers = [item.content[1] for item in chunks]
        for samples in voices.draw(texts.requests[row], texts.vectors[row], settings, numbers):
            genders = genders_of(samples, options.gender_threshold)
            lines = provenance_lines(samples, options.seed, voices.speakers, genders)
            yield Drawn(row, samples.first * options.utts_per_speaker, samples.x, lines, genders)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
