"""Join the parts that jobs of `steps.generators.sample` have written into one data directory, and remove the parts.

Takes the options of the sampling jobs, without --job and --shards.
"""

import sys

from steps.generators.sample_job import Options, Texts, check, find_work, finish, inputs
from steps.generators.text_source import texts_at_hand
from utils.command import run_command
from utils.option_values import as_words
from utils.parts import remove_parts
from utils.stage_dir import StageDir


def work(options: Options) -> None:
    """Merge the parts of all shards and commit the result."""
    check(options)
    with (
        texts_at_hand(options) as at_hand,
        StageDir(options.out, options, inputs(at_hand), options.force) as stage,
    ):
        if not stage.done:
            from steps.generators.contract import dim_of
            from steps.generators.sample_archive import Layout
            from steps.generators.sample_parts import collect

            table = find_work(at_hand)
            table.require(table.missing(), ["python3", "-m", "steps.generators.sample", *as_words(options)])
            stage.n_shards = table.n_shards
            texts = Texts.read(table.directory)
            layout = Layout(texts.requests, dim_of(options.model), options.utts_per_speaker)
            finish(options, texts, layout, collect(table, stage.dir, layout), stage)
    remove_parts(options.out)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
