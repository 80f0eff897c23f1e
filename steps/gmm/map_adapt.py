"""Adapt a mixture to speakers: a model for each line of an enrol_map, by maximum a posteriori.

    python3 -m steps.gmm.map_adapt --data data/enrol_01 --feats exp/feats/all --ubm exp/01/ubm --out exp/01/map_gmm

Only speech frames count. A Gaussian with n frames moves n / (n + relevance) of the way to their mean; one without
frames stays. With --job, parts of the work; without, what is missing, and the end: the same bytes whatever their
number.

Writes means.{ark,scp}, with --adapt also variances and weights; num_frames, enrol_map; failures.tsv (models without any
usable recording), unusable.tsv (recordings); and model.safetensors, the mixture that all come from.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from steps.gmm.map_options import MapJobOptions
from utils.command import run_command
from utils.options import option

if TYPE_CHECKING:
    from steps.gmm.map_task import Adapter


@dataclass(frozen=True, kw_only=True)
class Options(MapJobOptions):
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.gmm.map_adapt"
    ubm: Path = option(help="directory of steps/gmm/train_ubm.sh, or the file of a mixture")


def work(options: Options) -> None:
    """Adapt all models, or the share of this job."""
    from steps.gmm.gmm_dir import MODEL, read_gmm, write_gmm
    from steps.gmm.map_task import run_map_jobs

    file = options.ubm / MODEL if options.ubm.is_dir() else options.ubm

    def write_background(directory: Path) -> None:
        write_gmm(directory, read_gmm(options.ubm))

    run_map_jobs(options, [file], lambda: adapter(options), write_background)


def adapter(options: Options) -> "Adapter":
    """What adapts the mixture to the recordings of a model."""
    import torch

    from steps.gmm.mixture_adapter import MixtureAdapter

    torch.set_num_threads(1)  # jobs share the processors, and sums would depend on the number of threads
    return MixtureAdapter(options.ubm, options.feats, options)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
