"""Options of the commands that learn log likelihood ratios from other speakers: calibrate and fuse."""

from dataclasses import dataclass
from pathlib import Path

from utils.options import MAX_SEED, option


@dataclass(frozen=True)
class CrossFitOptions:
    """What is read, how speakers are divided, and what is learnt."""

    data: Path = option(help="directory of enrol_<part> and test_<part>")
    scores: tuple[str, ...] = option(help="directories of <part>/<system>/scores")
    out: Path = option(help="directory to write")
    systems: tuple[str, ...] = option((), "take these alone; default: all")
    folds: Path | None = option(None, "table of speaker and fold; default: the speakers are dealt into --n_folds")
    n_folds: int = option(10, "folds of speakers, at most as many as speakers", least=2, most=1000)
    seed: int = option(0, "of the deal", least=0, most=MAX_SEED)
    prior: float = option(0.5, "effective prior of a target, at which the errors count", least=1e-6, most=0.999999)
    cost: tuple[float, ...] = option(
        (), "prior of a target, cost of a miss, cost of a false alarm: their effective prior instead", above=0
    )
    kinds: str = option(
        "equal", "equal: each kind of non-targets counts the same; trials: each trial", choices=("equal", "trials")
    )
    penalty: float = option(0.01, "of squared weights", least=1e-9, most=1e3)
    force: bool = option(False, "learn again even if nothing has changed")
