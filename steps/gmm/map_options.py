"""Options of maximum a posteriori adaptation; what they do is in `map_adaptation`."""

from dataclasses import dataclass
from pathlib import Path

from utils.options import option
from utils.shards import MOST_JOBS, SHARDS_HELP

MEANS, VARIANCES, WEIGHTS = ADAPTABLE = ("means", "variances", "weights")


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """What is adapted, and how much."""

    relevance: float = option(3.0, "frames at which a Gaussian has gone half of the way", least=1e-6, most=1e6)
    adapt: tuple[str, ...] = option((MEANS,), "what moves: means, variances, weights", choices=ADAPTABLE)
    passes: int = option(1, "each assigns the frames anew, by the model of the one before", least=1, most=100)


@dataclass(frozen=True, kw_only=True)
class MapJobOptions(MapOptions):
    """What the commands of adaptation have in common."""

    data: Path = option(help="data directory with enrol_map, lines 'model utterance utterance ...'")
    feats: Path = option(help="directory of steps.features.normalise")
    out: Path = option(help="directory of models to write")
    max_fail: float = option(0.01, "largest share of models without any usable recording", least=0, most=1)
    shard_recordings: int = option(60, "least recordings in a shard: what a killed job does again", least=1, most=10**7)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(
        0, "this job, from 1, which writes parts; 0: what is missing, and the end", least=0, most=MOST_JOBS
    )
    shards: str | None = option(None, SHARDS_HELP)
    force: bool = option(False, "adapt again even if nothing has changed")
