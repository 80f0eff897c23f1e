"""One training of a universal background model (UBM): its options, and the identity of its result.

Used by the commands `steps.gmm.plan_ubm` and `steps.gmm.train_ubm`, which take the same options.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from steps.gmm.em_options import EmOptions
from utils.errors import InputError
from utils.option_values import raw_values
from utils.options import MAX_SEED, option
from utils.parts import Work
from utils.shards import MOST_JOBS
from utils.stage_dir import is_done, signature

PLANNER = "python3 -m steps.gmm.plan_ubm"
POOLED, BY_SEX = SEXES = ("pooled", "by_sex")
PRECISIONS = ("float32", "float64")


@dataclass(frozen=True, kw_only=True)
class Options(EmOptions):
    """Options of the commands."""

    COMMAND: ClassVar[str] = "steps.gmm.train_ubm"

    data: Path = option(help="data directory: the utterances")
    feats: Path = option(help="directory of features with vad.scp, of steps.features.normalise")
    out: Path = option(help="directory of the model to write")
    components: int = option(512, "Gaussians", least=1, most=65536)
    sexes: str = option(POOLED, "by_sex: half of the Gaussians from men, half from women, joined", choices=SEXES)
    passes_per_split: int = option(3, "passes of EM after each split but the last", least=1, most=1000)
    passes: int = option(10, "passes of EM after the last split", least=1, most=1000)
    full_passes: int = option(0, "further passes, which learn full covariances", least=0, most=1000)
    precision: str = option("float32", "of matrix products; sums over frames are float64", choices=PRECISIONS)
    use_gpu: str = option("false", "do the matrix products on a GPU", choices=("auto", "true", "false"))
    seed: int = option(0, "of the directions of splits", least=0, most=MAX_SEED)
    max_fail: float = option(0.01, "largest share of utterances that may have no frames", least=0, most=1)
    shard_frames: int = option(10_000, "least frames of a shard", least=1, most=10**9)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the end", least=0, most=MOST_JOBS)
    force: bool = option(False, "train again even if nothing has changed")


class Group(NamedTuple):
    """Utterances that one mixture is trained on.

    Attributes:
        name: `all`, `f` or `m`. components: of its mixture. first_shard, n_shards: its shards.
        n_frames: of speech. mean, variance: (D) of them.
    """

    name: str
    components: int
    first_shard: int
    n_shards: int
    n_frames: int
    mean: list[float]
    variance: list[float]

    @property
    def shards(self) -> range:
        """The numbers of its shards."""
        return range(self.first_shard, self.first_shard + self.n_shards)


def groups_of(planned: Work) -> list[Group]:
    """The groups of a plan."""
    return [Group(*row) for row in planned.about["groups"]]


def settings_of(options: Options) -> dict[str, Any]:
    """The options that decide the model; --max_fail only decides whether there is one."""
    return {name: value for name, value in raw_values(options).items() if name != "max_fail"}


def inputs_of(options: Options) -> list[Path]:
    """The files that decide the model."""
    tables = [options.data / "utt2spk"]
    if options.sexes == BY_SEX:
        tables.append(options.data / "spk2gender")
        if not tables[-1].is_file():
            raise InputError(
                f"{options.data}: no spk2gender here, which --sexes {BY_SEX} needs; --sexes {POOLED} does without"
            )
    return [options.feats, *tables]


def identity_of(options: Options) -> str:
    """A hash of all that decides the model."""
    return signature(settings_of(options), inputs_of(options))


def is_trained(options: Options) -> bool:
    """Is the model there? Never with --force."""
    return not options.force and is_done(options.out, settings_of(options), inputs_of(options))
