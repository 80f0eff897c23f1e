"""Train the k-means that turns features into units.

Input: a directory of features, of steps/features/make_feats.sh. With --job the passes are made together with the other
jobs, which meet in files (`utils.passes`); without, what is missing is done, and the model is written:

    kmeans.safetensors      centroids, and mean and deviation of the features, float32
    features.json           type and options of the features
    passes.tsv              mean squared distance, and units without frames, of every pass

Neither the number of jobs nor kills change a byte of it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from steps.features.feats_dir import FeatsDir
from steps.units.kmeans_dir import write_kmeans
from utils.command import logger, run_command
from utils.errors import InputError
from utils.option_values import raw_values
from utils.options import MAX_SEED, option
from utils.parts import Item, Work, remove_parts
from utils.shards import MOST_JOBS, chosen_shards, shards_of
from utils.stage_dir import StageDir, is_done, signature

if TYPE_CHECKING:
    from utils.passes import Arrays

log = logger(__name__)
MOST_SHARDS = 32  # each has a file of sums in every pass
TABLE = "passes.tsv"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.units.train"

    feats: Path = option(help="directory of features, of steps/features/make_feats.sh")
    out: Path = option(help="directory of the model to write")
    units: int = option(100, "how many units there are", least=2, most=65536)
    standardise: bool = option(True, "divide each feature by its deviation first")
    passes: int = option(50, "most passes over all frames", least=1, most=10_000)
    tolerance: float = option(1e-4, "the passes end when one improves the distance by this share", least=0, most=1)
    start_frames: int = option(20_000, "frames that the first centroids are drawn from", least=1, most=10**7)
    seed: int = option(0, "of that draw", least=0, most=MAX_SEED)
    shard_frames: int = option(10_000, "least frames of a shard", least=1, most=10**9)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the end", least=0, most=MOST_JOBS)
    force: bool = option(False, "train again even if nothing has changed")


def work(options: Options) -> None:
    """Make all passes with the other jobs; or do what is missing, and commit the model."""
    settings, inputs = raw_values(options), [options.feats]
    if options.job:
        if not options.force and is_done(options.out, settings, inputs):
            log.info("%s is up to date", options.out)
        else:
            train(options, planned_work(options))
        return
    with StageDir(options.out, settings, inputs, options.force, command=options.COMMAND) as stage:
        if stage.done:
            return
        state = train(options, planned_work(options))
        from steps.units.lloyd import centroids_of_state

        write_kmeans(stage.dir, centroids_of_state(state), FeatsDir(options.feats).features)
        rows = (f"{n}\t{distance:.6f}\t{empty:.0f}" for n, (distance, empty, _) in enumerate(state["history"], 1))
        (stage.dir / TABLE).write_text("\n".join(["pass\tdistance\tempty", *rows]) + "\n", encoding="utf-8")
    remove_parts(options.out)


def planned_work(options: Options) -> Work:
    """The table of shards, written where it is not there."""
    identity = signature(raw_values(options), [options.feats])
    found = Work.find(options.out, identity)
    if found is not None:
        return found
    n_frames = FeatsDir(options.feats).num_frames
    total = sum(n_frames.values())
    if total < options.units:
        raise InputError(
            f"{options.feats}: {total} frames for {options.units} units; expected as many at least: give more speech,"
            " or fewer --units"
        )
    shards = shards_of(list(n_frames.values()), max(options.shard_frames, total / MOST_SHARDS))
    items = [Item(utterance, shard) for utterance, shard in zip(n_frames, shards, strict=True)]
    return Work.write(options.out, identity, items)


def train(options: Options, planned: Work) -> "Arrays":
    """Make all passes over this job's share. Returns the last state."""
    from threadpoolctl import threadpool_limits

    from steps.units.lloyd import Lloyd
    from utils.passes import Passes

    if options.start_frames < options.units:
        raise InputError(f"--start_frames {options.start_frames}: expected at least as many as --units {options.units}")
    shards = [[item.id for item in items] for _, items in planned.shards(range(planned.n_shards))]
    own = Lloyd(options, FeatsDir(options.feats), shards)
    mine = chosen_shards(planned.n_shards, None, options.job, options.nj)
    with threadpool_limits(1):  # jobs share the processors, and sums would depend on the number of threads
        return Passes(planned.directory, planned.n_shards, mine).run(own.start, own.compute, own.update, options.passes)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
