"""Align the frames of utterances to the states of their transcripts: the best path, and posteriors if asked for.

With --words loop, to a free loop of all words and silence: tests are then aligned without what their text says.

Input: a data directory with text, a model of `steps/hmm/train_mono.sh`, features with speech marks. With --job, parts
of the work; without, what is missing, and the end: the same bytes whatever the number of jobs. Output, a directory:

    ali.{ark,scp}       int32 vectors: the density (pdf-id) of each frame, numbered as the model's units have states
    phones.{ark,scp}    int32 vectors: the unit of each frame, numbered from 1 as in phones.txt
    post.{ark,scp}      with --posteriors: matrices (frames, densities), by all paths through the transcript
    ctm words.ctm       `utterance 1 begin duration unit`, and the same of words; seconds
    loglikes.tsv        log-likelihood a frame of the best path
    failures.tsv        utterances without alignment, with the reason
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.hmm.frame_choice import ALL, FRAMES, FRAMES_HELP
from utils.command import run_command
from utils.options import option
from utils.part_jobs import run_part_jobs
from utils.shards import MOST_JOBS, SHARDS_HELP


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.hmm.align"

    data: Path = option(help="data directory with text")
    model: Path = option(help="directory of steps/hmm/train_mono.sh")
    feats: Path = option(help="directory of features with vad.scp, of steps.features.normalise")
    out: Path = option(help="directory of alignments to write")
    words: str = option(
        "transcript", "transcript: those of text; loop: any words, where text must not help", ("transcript", "loop")
    )
    frames: str = option(ALL, FRAMES_HELP, FRAMES)
    posteriors: bool = option(False, "write post.{ark,scp} too")
    max_fail: float = option(0.05, "largest share of utterances that cannot be aligned", least=0, most=1)
    shard_frames: int = option(20000, "least frames of a shard", least=1, most=10**9)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the end", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    force: bool = option(False, "align again even if nothing has changed")


def work(options: Options) -> None:
    """Align all utterances, or the share of this job."""
    from steps.hmm.align_job import AlignTask

    text = [options.data / "text"] if options.words == "transcript" else []
    inputs = [options.data / "utt2spk", *text, options.model, options.feats]
    run_part_jobs(options, inputs, AlignTask(options), free=("max_fail",))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
