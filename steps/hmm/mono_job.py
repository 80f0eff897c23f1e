"""One training of monophones or whole words: its options, its schedule, and the identity of its result.

Used by the commands `steps.hmm.plan_mono` and `steps.hmm.train_mono`, which take the same options.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from steps.gmm.em_options import EmOptions
from steps.hmm.frame_choice import ALL, FRAMES, FRAMES_HELP
from utils.option_values import raw_values
from utils.options import MAX_SEED, option
from utils.shards import MOST_JOBS
from utils.stage_dir import is_done, signature

if TYPE_CHECKING:
    from steps.hmm.lang import Lang

PLANNER = "python3 -m steps.hmm.plan_mono"
METHODS = ("forward_backward", "viterbi")
UNIFORM, FLAT = INITS = ("uniform", "flat")
PRECISIONS = ("float32", "float64")


@dataclass(frozen=True, kw_only=True)
class Options(EmOptions):
    """Options of the commands."""

    COMMAND: ClassVar[str] = "steps.hmm.train_mono"

    data: Path = option(help="data directory with text")
    lang: Path = option(help="language directory, of steps.hmm.make_lang")
    feats: Path = option(help="directory of features with vad.scp, of steps.features.normalise")
    out: Path = option(help="directory of the model to write")
    ali: Path | None = option(None, "alignments of steps/hmm/align.sh or import_ali.sh, in the place of our own")
    frames: str = option(ALL, FRAMES_HELP, FRAMES)
    gaussians: int = option(8, "of each state of a phone or word", least=1, most=1024)
    silence_gaussians: int = option(16, "of each state of silence", least=1, most=1024)
    method: str = option(METHODS[0], "which paths through a transcript count: all of them, or the best", METHODS)
    init: str = option(UNIFORM, "first alignment: states share the speech evenly; or all states alike", INITS)
    passes_per_split: int = option(4, "passes of EM after each split but the last", least=1, most=1000)
    passes: int = option(6, "passes of EM after the last split", least=1, most=1000)
    precision: str = option("float32", "of matrix products; sums over frames are float64", PRECISIONS)
    seed: int = option(0, "of the directions of splits", least=0, most=MAX_SEED)
    max_fail: float = option(0.05, "largest share of utterances that cannot be used", least=0, most=1)
    shard_frames: int = option(20000, "least frames of a shard", least=1, most=10**9)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the end", least=0, most=MOST_JOBS)
    force: bool = option(False, "train again even if nothing has changed")

    @property
    def n_splits(self) -> int:
        """Splits until every density has its number of Gaussians."""
        return math.ceil(math.log2(max(self.gaussians, self.silence_gaussians)))

    @property
    def n_passes(self) -> int:
        """All passes, the first alignment among them."""
        return 1 + self.passes_per_split * self.n_splits + self.passes

    def splits_after(self, number: int) -> bool:
        """Is a pass followed by a split? Pass 0 is the first alignment."""
        return number > 0 and number % self.passes_per_split == 0 and number // self.passes_per_split <= self.n_splits

    def wanted(self, lang: "Lang") -> np.ndarray:
        """Gaussians of each density at the end, (P,)."""
        wanted = np.full(lang.n_pdfs, self.gaussians)
        first = lang.first_pdfs[lang.silence]
        wanted[first : first + lang.units[lang.silence]] = self.silence_gaussians
        return wanted


def settings_of(options: Options) -> dict[str, Any]:
    """The options that decide the model; --max_fail only decides whether there is one."""
    return {name: value for name, value in raw_values(options).items() if name != "max_fail"}


def inputs_of(options: Options) -> list[Path]:
    """The files that decide the model."""
    ali = [] if options.ali is None else [options.ali]
    return [options.feats, options.lang, options.data / "utt2spk", options.data / "text", *ali]


def identity_of(options: Options) -> str:
    """A hash of all that decides the model."""
    return signature(settings_of(options), inputs_of(options))


def is_trained(options: Options) -> bool:
    """Is the model there? Never with --force."""
    return not options.force and is_done(options.out, settings_of(options), inputs_of(options))
