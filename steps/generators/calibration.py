"""Is a generator calibrated? Do its regions hold as many speakers as they say, whom the fit has not seen?

The region of 80 % is where the density of a text is highest, and which 80 % of the generator's own samples fall in. The
rank of a vector is the share of samples whose density is higher (R. J. Hyndman, Computing and graphing highest density
regions, 1996); of a calibrated generator, 80 % of the ranks of new speakers are at most .8.

After training the spread gets the temperature T at which the mean rank of the n dev speakers is 1/2, shrunk towards 1
by their number: T^(n / (n + SHRINKAGE)). The mean rank of few speakers is uncertain by .29 / sqrt(n), which is worth
some .25 / sqrt(n) of a temperature, and that of a spread which is cross-validated is expected within .12 of 1:
SHRINKAGE is the ratio of these variances, for one speaker. Weights keep the temperature 1 unless ranks are then at a
distance from uniform ones that a generator which is right exceeds in 1 of 100 corpora (A. Kolmogorov, 1933; speakers as
observations): it is the one of WEIGHTS whose distance is least. If dev speakers contradict that too, the generator is
wrong in shape, which no temperature mends, and all stay 1; so they do with fewer than LEAST_SPEAKERS. Training writes

    calibration.json    speakers: the dev speakers. temperatures: weights, between and within (of the covariance within
                        speakers: `within_cosines.py`). before, after: region in per cent -> share of dev speakers in
                        it. at: the same at factors of the calibrated spread. cosines: of utterances of one speaker
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steps.generators.blend import Blend
from steps.generators.contract import Generator
from steps.generators.mixture import Mixture
from steps.generators.pairs import Pairs
from steps.generators.tempered_generator import tempered
from steps.generators.within_cosines import Matched
from steps.metrics.calibration_ranks import LEVELS, coverage_curve, rank_distance
from utils.command import logger
from utils.json_files import json_text

log = logger(__name__)
FILE = "calibration.json"
SAMPLES = 500  # of a group
MOST_ROWS = 20_000  # vectors, drawn of more
CURVE = range(5, 100, 5)  # per cent, of before and after
FACTORS = (0.9, 1.0, 1.1)  # of the spread, whose coverage is told
WIDEST = 4.0  # temperature of the spread, and 1 over it
HALVINGS = 7  # of the interval that it lies in, in logarithms
SHRINKAGE = 4  # speakers
LEAST_SPEAKERS = 15  # to whom anything is fitted
WEIGHTS = (1.0, 0.5, 0.7, 1.4, 2.0)
CRITICAL = 1.628  # over the square root of the speakers: Kolmogorov's distance at 1 %


class DevRanks(NamedTuple):
    """What measures a generator on dev speakers.

    Attributes:
        x: (N, D) of what the generator gives the density of: embeddings, or pre-activations of a surface. groups: (N,)
            numbers of `texts` (G, E), one of each group. speakers: (N,) from 0. seed: of samples.
    """

    x: np.ndarray
    groups: np.ndarray
    texts: np.ndarray
    speakers: np.ndarray
    seed: int

    @classmethod
    def of(cls, dev: Pairs, seed: int) -> "DevRanks | None":
        """Of dev pairs; None where no vector has a text."""
        rng = np.random.default_rng(seed)
        rows = np.arange(len(dev.x))
        if len(rows) > MOST_ROWS:
            rows = np.sort(rng.choice(rows, MOST_ROWS, replace=False))
        first = {int(group): row for row, group in reversed(list(enumerate(dev.text_groups)))}
        rows = rows[np.isin(dev.groups[rows], list(first))]
        if not len(rows):
            return None
        known = sorted(first)
        speakers = np.unique(dev.speakers[rows], return_inverse=True)[1]
        texts = dev.texts[[first[group] for group in known]]
        return cls(dev.x[rows], np.searchsorted(known, dev.groups[rows]), texts, speakers, seed)

    @property
    def n_speakers(self) -> int:
        """How many speakers there are."""
        return int(self.speakers.max()) + 1

    def mean(self, ranks: np.ndarray) -> float:
        """The mean of ranks (N,), speakers counting alike."""
        return float((np.bincount(self.speakers, ranks) / np.bincount(self.speakers)).mean())

    def ranks(self, mixtures: list[Mixture | Blend]) -> np.ndarray:
        """(N,) under mixtures of the texts, with the same samples for all temperatures."""
        found, rng = np.empty(len(self.x)), np.random.default_rng(self.seed)
        for group, mixture in enumerate(mixtures):
            mine = self.groups == group
            found[mine] = region_ranks(mixture, self.x[mine], rng)
        return found


def calibrate(generator: Generator, dev: Pairs, seed: int) -> tuple[Generator, dict[str, Any]]:
    """The generator at the temperatures of dev speakers, and what is told of it; nothing without speakers or mixtures.

    Args:
        dev: whose x (N, L) are what the generator gives the density of.
    """
    speakers = DevRanks.of(dev, seed) if len(dev.x) else None
    mixtures = generator.mixtures(speakers.texts) if speakers else []
    if not mixtures or not all(isinstance(one, Mixture | Blend) for one in mixtures):
        return generator, {}

    @cache
    def ranks(weights: float, spread: float) -> np.ndarray:
        return speakers.ranks([one.tempered(weights, spread) for one in mixtures])

    def contradicted(weights: float, spread: float) -> bool:
        return rank_distance(ranks(weights, spread), speakers.speakers) > CRITICAL / speakers.n_speakers**0.5

    weights, spread, n = 1.0, 1.0, speakers.n_speakers
    if n >= LEAST_SPEAKERS:
        spread = float(round(centred_spread(lambda one: speakers.mean(ranks(1.0, one))) ** (n / (n + SHRINKAGE)), 3))
        if contradicted(weights, spread):
            weights = min(WEIGHTS, key=lambda one: rank_distance(ranks(one, spread), speakers.speakers))
            if contradicted(weights, spread):  # it is wrong in shape, not in spread
                weights = spread = 1.0
    before, after = (coverage_curve(ranks(*one), speakers.speakers, CURVE) for one in ((1.0, 1.0), (weights, spread)))
    curves = {factor: coverage_curve(ranks(weights, spread * factor), speakers.speakers) for factor in FACTORS}
    told = {
        "speakers": speakers.n_speakers,
        "temperatures": {"weights": weights, "between": spread},
        "before": before,
        "after": after,
        "at": {f"{factor:g}": curve for factor, curve in curves.items()},
    }
    log.info(
        "regions of %s %% hold %s %% of %d dev speakers%s",
        " / ".join(map(str, LEVELS)), shares(before), speakers.n_speakers,
        "" if weights == spread == 1
        else f"; {shares(after)} % at the temperatures {spread:g} (spread) and {weights:g} (weights)",
    )  # fmt: skip
    return tempered(generator, weights, spread), told


def centred_spread(mean_rank: Callable[[float], float]) -> float:
    """The temperature of the spread at which the mean rank, which falls with it, is 1/2; 1 / WIDEST to WIDEST."""
    low, high = -np.log(WIDEST), np.log(WIDEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if mean_rank(float(np.exp(middle))) > 0.5 else (low, middle)
    return float(np.exp((low + high) / 2))


def shares(curve: dict[str, float]) -> str:
    """Those of LEVELS in words."""
    return " / ".join(f"{100 * curve[str(level)]:.0f}" for level in LEVELS)


def with_cosines(told: dict[str, Any], matched: Matched | None) -> dict[str, Any]:
    """What is told, with the temperature of the covariance within speakers, and cosines: whose -> mean, deviation."""
    if matched is None:
        return told
    cosines = {name: getattr(matched, name).as_dict() for name in ("real", "before", "after")}
    return {**told, "temperatures": {**told.get("temperatures", {}), "within": matched.scale}, "cosines": cosines}


def write_calibration(told: dict[str, Any], directory: Path) -> None:
    """Write `calibration.json`; nothing where nothing is told."""
    if told:
        (directory / FILE).write_text(f"{json_text(told, directory / FILE, indent=2)}\n", encoding="utf-8")


def region_ranks(mixture: Mixture | Blend, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The share (N,) of samples of a mixture whose density is higher than at x (N, D)."""
    if not len(x):
        return np.empty(0)
    own = np.sort(mixture.log_density(mixture.sample(rng, SAMPLES)[0]))
    return 1 - np.searchsorted(own, mixture.log_density(x)) / SAMPLES
