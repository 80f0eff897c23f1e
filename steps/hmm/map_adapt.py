"""Adapt a hidden Markov model to speakers: a model for each line of an enrol_map, by maximum a posteriori.

    python3 -m steps.hmm.map_adapt --data data/enrol_01 --feats exp/feats/all --mono exp/01/mono --out exp/01/map_hmm

Speech frames are aligned to the graph of what each recording says (`text`); or --ali gives alignments. A Gaussian with
n frames moves n / (n + relevance) of the way to their mean; one without frames stays. With --job, parts of the work;
without, what is missing, and the end: the same bytes whatever their number.

Writes means.{ark,scp}, with --adapt also variances and weights; num_frames, enrol_map; model2words, what each model
claims in a trial; failures.tsv (models without any usable recording), unusable.tsv (recordings); and the model that all
come from.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from steps.hmm.adaptation_options import Options
from utils.command import run_command

if TYPE_CHECKING:
    from steps.gmm.map_task import Adapter


def work(options: Options) -> None:
    """Adapt all models, or the share of this job."""
    from steps.gmm.map_task import run_map_jobs
    from steps.hmm.adapted_words import claimed_words, write_words
    from steps.hmm.hmm_dir import read_hmm, write_hmm

    texts = options.texts or options.data
    told = [path for name in ("text", "utt2sent") for path in {options.data / name, texts / name} if path.is_file()]
    inputs = [*sorted(told), options.mono, *([] if options.ali is None else [options.ali])]

    def write_background(directory: Path) -> None:
        write_hmm(directory, *read_hmm(options.mono))
        write_words(directory, claimed_words(options.data, texts))

    run_map_jobs(options, inputs, lambda: adapter(options), write_background)


def adapter(options: Options) -> "Adapter":
    """What adapts the model to the recordings of a speaker."""
    import torch

    from steps.hmm.speaker_adapter import SpeakerAdapter

    torch.set_num_threads(1)  # jobs share the processors, and sums would depend on the number of threads
    return SpeakerAdapter(options)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
