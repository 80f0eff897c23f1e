"""Is a generator calibrated? Do its regions hold as many speakers as they say, whom the fit has not seen?

The region of 80 % is where the density of a text is highest, and which 80 % of the generator's own samples fall in. The
rank of a vector is the share of samples whose density is higher (R. J. Hyndman, Computing and graphing highest density
regions, 1996); of a calibrated generator, 80 % of the ranks of new speakers are at most .8. Training writes

    calibration.json    speakers: the dev speakers; temperatures: of spread -> region in per cent -> share in it

beside the generator. Nothing is fitted to dev speakers: of 16 the share in a region differs by 13 points from split to
split, so the temperature 1 stands for the cross-validated spread of training speakers (`covariance.py`).
"""

from pathlib import Path

import numpy as np

from steps.generators.blend import Blend
from steps.generators.contract import Generator
from steps.generators.mixture import Mixture
from steps.generators.pairs import Pairs
from steps.metrics.calibration_ranks import coverage_curve
from utils.command import logger
from utils.json_files import json_text

log = logger(__name__)
FILE = "calibration.json"
SAMPLES = 1000  # of a group
MOST_ROWS = 20_000  # vectors, drawn of more
TEMPERATURES = (0.9, 1.0, 1.1)


def write_calibration(generator: Generator, dev: Pairs, directory: Path, seed: int) -> None:
    """Measure the coverage of dev speakers, tell it and write it; nothing without dev speakers or mixtures.

    Args:
        generator: of what dev.x (N, L) are: embeddings, or pre-activations of a surface.
    """
    if not len(dev.x):
        return
    rng = np.random.default_rng(seed)
    rows = np.arange(len(dev.x))
    if len(rows) > MOST_ROWS:
        rows = np.sort(rng.choice(rows, MOST_ROWS, replace=False))
    first = {int(group): row for row, group in reversed(list(enumerate(dev.text_groups)))}
    rows = rows[np.isin(dev.groups[rows], list(first))]
    mixtures = generator.mixtures(dev.texts[list(first.values())]) if len(rows) else []
    if not mixtures or not all(isinstance(one, Mixture | Blend) for one in mixtures):
        return
    speakers = np.unique(dev.speakers[rows], return_inverse=True)[1]
    found = {}
    for temperature in TEMPERATURES:
        ranks = np.empty(len(rows))
        for group, mixture in zip(first, mixtures, strict=True):
            mine = dev.groups[rows] == group
            ranks[mine] = region_ranks(mixture.tempered(spread=temperature), dev.x[rows[mine]], rng)
        found[f"{temperature:g}"] = coverage_curve(ranks, speakers)
    content = {"speakers": int(speakers.max()) + 1, "temperatures": found}
    (directory / FILE).write_text(f"{json_text(content, directory / FILE, indent=2)}\n", encoding="utf-8")
    told = found["1"]
    shares = " / ".join(f"{100 * share:.0f}" for share in told.values())
    log.info("regions of %s %% hold %s %% of %d dev speakers", " / ".join(told), shares, content["speakers"])


def region_ranks(mixture: Mixture | Blend, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The share (N,) of samples of a mixture whose density is higher than at x (N, D)."""
    if not len(x):
        return np.empty(0)
    own = np.sort(mixture.log_density(mixture.sample(rng, SAMPLES)[0]))
    return 1 - np.searchsorted(own, mixture.log_density(x)) / SAMPLES
