"""Options of the commands that score trials against adapted models."""

from dataclasses import dataclass
from pathlib import Path

from utils.options import option
from utils.shards import MOST_JOBS, SHARDS_HELP

LLR, SELECTED, LINEAR = METHODS = ("llr", "selected", "linear")


@dataclass(frozen=True, kw_only=True)
class ScoreJobOptions:
    """What these commands have in common."""

    trials: Path = option(help="list of trials, 'model utterance', two columns or more")
    models: Path = option(help="directory of adapted models")
    feats: Path = option(help="directory of steps.features.normalise")
    out: Path = option(help="directory to write")
    max_fail: float = option(0.01, "largest share of trials that may have no score", least=0, most=1)
    shard_trials: int = option(20000, "least trials in a shard: what a killed job does again", least=1, most=10**7)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(
        0, "this job, from 1, which writes parts; 0: what is missing, and the end", least=0, most=MOST_JOBS
    )
    shards: str | None = option(None, SHARDS_HELP)
    force: bool = option(False, "score again even if nothing has changed")
