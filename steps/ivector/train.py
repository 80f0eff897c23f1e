"""Train an extractor of i-vectors on a background: EM and minimum divergence, by --passes passes over its statistics.

    python3 -m steps.ivector.train --data data/background_01 --feats exp/feats/all --ubm exp/01/ubm --out exp/01/ivector
    python3 -m steps.ivector.train --data data/background_01 --feats exp/feats/all --hmm exp/01/mono \\
        --alignments exp/01/ali_background --out exp/01/ivector_hmm

Statistics are of the posteriors of a UBM, or of the Gaussians of a hidden Markov model within the densities that
alignments name: those of steps/hmm/align.sh, or of another recogniser. Writes

    model.safetensors   loadings (C, D, R), and the mixture: all that extraction needs
    passes.tsv          what the loadings have added to the log likelihood a frame, before every pass
    failures.tsv        utterances without statistics

With --job the passes are made together with the other jobs, which meet in files; without, what is missing is done, and
the model is written. It is the same for any number of jobs.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from utils.command import logger, run_command
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.option_values import raw_values
from utils.options import MAX_SEED, option
from utils.parts import remove_parts
from utils.shards import MOST_JOBS, chosen_shards, shards_of
from utils.stage_dir import StageDir, is_done, parts_root, signature

if TYPE_CHECKING:
    from steps.ivector.sorter import FrameSorter
    from utils.passes import Arrays

log = logger(__name__)
MOST_SHARDS = 16
RULE = "one for each 10 recordings, from 100 to 600, at most one for 2"
LARGEST_PASS = 1 << 32  # bytes of the sums of all shards


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.ivector.train"
    data: Path = option(help="data directory: the utterances of the background")
    feats: Path = option(help="directory of features with speech frames, as steps.features.normalise writes it")
    out: Path = option(help="directory of the extractor to write")
    ubm: Path | None = option(None, "directory of a UBM, whose posteriors sort the frames")
    hmm: Path | None = option(None, "directory of a hidden Markov model, in place of --ubm")
    alignments: Path | None = option(
        None, "hmm: directory with ali.scp (densities) or post.scp (posteriors) of all frames"
    )
    dim: int = option(0, f"of i-vectors; 0: {RULE}", least=0, most=10_000)
    passes: int = option(10, "of EM", least=1, most=1000)
    seed: int = option(0, "of the first loadings", least=0, most=MAX_SEED)
    max_fail: float = option(0.01, "largest share of utterances that may have no statistics", least=0, most=1)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the end", least=0, most=MOST_JOBS)
    force: bool = option(False, "train again even if nothing has changed")


def work(options: Options) -> None:
    """Make the passes with the other jobs; or do what is missing, and commit the model."""
    if (options.ubm is None) == (options.hmm is None) or (options.hmm is None) != (options.alignments is None):
        raise InputError("give --ubm, or --hmm with --alignments")
    settings = {name: value for name, value in raw_values(options).items() if name != "max_fail"}
    inputs = [options.data / "utt2spk", options.feats]
    inputs += [(options.ubm or options.hmm) / "model.safetensors"]
    inputs += [options.alignments] if options.alignments is not None else []
    if options.job:
        if not options.force and is_done(options.out, settings, inputs):
            log.info("%s is up to date", options.out)
        else:
            train(options, signature(settings, inputs))
        return
    from steps.audio.failures import FAILURES, check_failures, read_failures

    with StageDir(options.out, settings, inputs, options.force, command=options.COMMAND) as stage:
        utterances = list(DataDir(options.data).utt2spk)
        if stage.done:
            check_failures(read_failures(options.out / FAILURES), len(utterances), options.max_fail, options.out)
            return
        state, sorter = train(options, signature(settings, inputs))
        write_outputs(stage, options, utterances, state, sorter)
    remove_parts(options.out)


def train(options: Options, identity: str) -> "tuple[Arrays, FrameSorter]":
    """Make all passes over this job's share. Returns the last state, and the mixture."""
    from threadpoolctl import threadpool_limits

    from steps.ivector.extractor_passes import ExtractorPasses, number_of_factors
    from steps.ivector.sorter import read_sorter, use_one_thread
    from steps.ivector.utterances import UtteranceStatistics
    from utils.passes import Passes

    use_one_thread()
    sorter = read_sorter(options.ubm or options.hmm)
    statistics = UtteranceStatistics(options.feats, sorter, options.alignments)
    utterances = list(DataDir(options.data).require_utterances().utt2spk)
    n_factors = number_of_factors(options.dim, len(utterances), sorter.gmm.means.size)
    why = "as --dim says" if options.dim else RULE
    log.info(
        "%d recordings, %d components: %d dimensions, %s", len(utterances), sorter.gmm.n_components, n_factors, why
    )
    shards = shards_in(utterances, statistics, n_factors)
    own = ExtractorPasses(statistics, shards, n_factors, options.seed)
    mine = chosen_shards(len(shards), None, options.job, options.nj)
    with threadpool_limits(1):
        passes = Passes(parts_root(options.out) / identity, len(shards), mine)
        return passes.run(own.start, own.compute, own.update, options.passes), sorter


def shards_in(utterances: list[str], statistics: Any, n_factors: int) -> list[list[str]]:
    """The utterances of each shard: as many shards as their sums may need space, at least one."""
    lengths = statistics.speech.feats.num_frames
    sizes = [float(lengths.get(utterance, 1)) for utterance in utterances]
    n_components = statistics.sorter.gmm.n_components
    n_shards = max(1, min(MOST_SHARDS, LARGEST_PASS // (4 * n_components * n_factors**2)))
    numbers = list(shards_of(sizes, sum(sizes) / n_shards))
    shards: list[list[str]] = [[] for _ in range(numbers[-1] + 1)]
    for utterance, number in zip(utterances, numbers, strict=True):
        shards[number].append(utterance)
    return shards


def write_outputs(
    stage: StageDir, options: Options, utterances: list[str], state: "Arrays", sorter: "FrameSorter"
) -> None:
    """Write all files of the model. Raises InputError where too many utterances have no statistics."""
    import torch

    from steps.audio.failures import FAILURES, check_failures, write_failures
    from steps.ivector.extractor import Extractor
    from steps.ivector.extractor_dir import write_extractor
    from steps.ivector.extractor_passes import SKIPS

    failures = [
        (utterance, SKIPS[code - 1], f"{options.feats}: nothing to count")
        for utterance, code in zip(utterances, state["skipped"].tolist(), strict=True)
        if code
    ]
    check_failures(failures, len(utterances), options.max_fail, options.out)
    write_failures(stage.dir / FAILURES, failures)
    write_extractor(stage.dir, Extractor(torch.from_numpy(state["loadings"])), sorter)
    gains = state["gains"].tolist()
    rows = ["pass\tgain", *(f"{number}\t{gain:.9f}" for number, gain in enumerate(gains))]
    (stage.dir / "passes.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    n, dim = len(utterances) - len(failures), state["loadings"].shape[2]
    log.info("%s: %d dimensions of %d recordings, %.4f nats a frame", stage.final, dim, n, gains[-1])


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
