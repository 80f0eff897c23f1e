"""Figures over training seeds: models that differ in their seed alone, as their names say (`mdn_seed0`, `mdn_seed1`).

The interval has both reasons why a figure would be another one next time: other speakers, and another seed.

    variance = that of the mean over seeds, by halves of the speakers  +  that of the seeds / number of seeds

The second part has Student's t in place of 1.96, since seeds are few.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from utils.report_tables import Cell, Table

SEEDED = re.compile(r"(.+?)[-_.]?seed[-_=]?\d+")
CAPTION = (
    "The mean over models that were trained with different seeds, as their names say, with a 95 % interval over "
    "speakers and seeds."
)


def families(names: Iterable[str]) -> dict[str, list[str]]:
    """Name without its seed -> the models of that name, where these are several."""
    found: dict[str, list[str]] = {}
    for name in names:
        if seeded := SEEDED.fullmatch(name):
            found.setdefault(seeded[1], []).append(name)
    return {family: members for family, members in found.items() if len(members) > 1}


def over_seeds(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of each family of models: its own `value`, `ci95`, `seeds` and `deviation` over seeds.

    Args:
        measured: source -> figures and halves, as `measure_sources` gives them.
    """
    return {family: _of_family([measured[name] for name in members]) for family, members in families(measured).items()}


def _of_family(members: list[Mapping[str, Any]]) -> dict[str, Any]:
    from scipy.stats import t

    found, k = {}, len(members)
    for figure, first in members[0]["figures"].items():
        if not all(figure in one["figures"] and figure in one["halves"] for one in members):
            continue
        values = np.array([one["figures"][figure]["value"] for one in members])
        of_speakers = np.mean([one["halves"][figure]["samples"] for one in members], axis=0).std(ddof=1)
        of_seeds = values.std(ddof=1) / np.sqrt(k)
        width = float(np.hypot(1.96 * of_speakers, t.ppf(0.975, k - 1) * of_seeds))
        value, real = float(values.mean()), first.get("real")
        found[figure] = {"value": value, "ci95": [value - width, value + width], "deviation": float(values.std(ddof=1))}
        found[figure] |= {"seeds": k} | ({} if real is None else {"real": real})
    return found


def seed_tables(document: Mapping[str, Any]) -> list[Table]:
    """A table of each family."""
    from steps.score.measured_tables import bounds, number

    header = ["", "mean", "95 % interval", "deviation over seeds", "real"]
    return [
        Table(
            f"{family} over training seeds",
            CAPTION,
            header,
            [
                [
                    Cell(figure),
                    Cell(number(one["value"])),
                    Cell(bounds(one["ci95"], figure)),
                    Cell(number(one["deviation"])),
                    Cell(number(one.get("real"))),
                ]
                for figure, one in figures.items()
            ],
        )
        for family, figures in document.get("over_seeds", {}).items()
    ]
