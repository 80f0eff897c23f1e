"""What trained models have left of their training: the curves of networks, and the calibration on dev speakers.

Reads `metrics.jsonl` and `calibration.json` of the directories of models; models that were not trained in epochs, and
directories of samples, have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from steps.generators.calibration import FILE as CALIBRATION
from steps.metrics.calibration_ranks import LEVELS
from steps.score.pictures import FIRST, INK, POOR, REAL, Drawn, panel, shown
from steps.training.charts import NOT_DRAWN, Curves, read_curves
from steps.training.curve import METRICS
from utils.errors import InputError
from utils.json_files import read_json
from utils.report_tables import Cell, Table, number_cell

LEFT_BY_TRAINING = (METRICS, CALIBRATION)
BEFORE, AFTER = "before", "after"
CALIBRATION_CAPTION = (
    "Per cent of the dev speakers in the regions that should hold 50, 80 and 95 %: good is 50 / 80 / 95. Temperatures "
    "are what training multiplied weights of components, the spread between speakers and the covariance within them "
    "by; 1 is as fitted. Cosines: of two utterances of one speaker, mean and deviation; those of samples should be "
    "those of real speakers."
)
ROLES = {"train": ("training speakers", FIRST, "-"), "dev": ("dev speakers", POOR, "--")}
Coverage = dict[str, float]  # region in per cent -> share of dev speakers in it


@dataclass(frozen=True)
class Calibrated:
    """What training tells of the calibration of a model.

    Attributes:
        speakers: dev speakers; None where nobody says. lines: before and after, or at several factors of the spread.
        temperatures: of weights, between and within. cosines: of utterances of one speaker, whose -> mean, deviation.
    """

    speakers: int | None
    lines: Mapping[str, Coverage]
    temperatures: Mapping[str, float]
    cosines: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Histories:
    """What models have left, by name.

    Attributes:
        curves: of networks. calibrated: of models whose calibration was measured.
    """

    curves: Mapping[str, Curves] = field(default_factory=dict)
    calibrated: Mapping[str, Calibrated] = field(default_factory=dict)


def read_histories(directories: Mapping[str, Path]) -> Histories:
    """Read what is there. Raises InputError for a file that no training has written."""
    curves, calibrated = {}, {}
    for name, directory in directories.items():
        if (directory / METRICS).is_file():
            curves[name] = read_curves(directory / METRICS, 0)
        if (directory / CALIBRATION).is_file():
            calibrated[name] = read_calibrated(directory / CALIBRATION)
    return Histories(curves, calibrated)


def read_calibrated(path: Path) -> Calibrated:
    """Read a calibration. Raises InputError where it is none."""
    content = read_json(path)
    try:
        found = content.get("temperatures", {})
        factors = {f"spread x {key}": own for key, own in found.items() if isinstance(own, dict)}
        lines = {name: content[name] for name in (BEFORE, AFTER) if name in content} or factors
        return Calibrated(
            content.get("speakers"),
            {name: {f"{float(level):g}": float(own[level]) for level in own} for name, own in lines.items()},
            {name: float(value) for name, value in found.items() if not isinstance(value, dict)},
            {name: (float(own["mean"]), float(own["deviation"])) for name, own in content.get("cosines", {}).items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no calibration as training writes it ({error!r}); train the model again") from error


def training_curves(curves: Mapping[str, Curves]) -> Drawn:
    """A panel for each network: its losses of training and dev speakers in each epoch, and the epoch that was kept."""
    drawn = []
    for name, own in curves.items():
        keys = [key for key in own if key not in NOT_DRAWN and key.endswith("_nll")]
        keys = keys or [key for key in own if key not in NOT_DRAWN]
        figure, (axis,) = panel(2.9)
        for key in keys:
            label, colour, line = ROLES.get(key.partition("_")[0], (key, INK, ":"))
            values = np.array(own[key], dtype=float)  # null is NaN
            axis.plot(own["epoch"], values, line, color=colour, linewidth=1.8, label=label)
        said = _mark_kept(axis, own, keys)
        axis.set_title(shown(name), fontsize=10)
        axis.set_xlabel("epoch (0: where it began)", fontsize=9)
        axis.set_ylabel("nats an embedding (NLL)" if keys[0].endswith("_nll") else keys[0], fontsize=9)
        axis.locator_params(axis="x", integer=True)
        axis.grid(alpha=0.25)
        figure.legend(loc="outside lower center", ncols=3, fontsize=8.5, frameon=False)
        drawn.append((f"Training of {name}, {len(own['epoch'])} epochs{said}", figure))
    return drawn


def _mark_kept(axis: Any, own: Curves, keys: list[str]) -> str:
    """A dot at the best epoch of the dev speakers; returns it in words."""
    decisive = next((key for key in keys if key.startswith("dev_")), None)
    values = np.array(own[decisive] if decisive else [], dtype=float)
    if not np.isfinite(values).any():
        return ""
    best = int(np.nanargmin(values))
    axis.plot(own["epoch"][best], values[best], "o", color=INK, markersize=6, label=f"kept: epoch {own['epoch'][best]}")
    return f"; epoch {own['epoch'][best]} was kept, with {values[best]:.1f}"


def told_levels(own: Coverage) -> list[str]:
    """The levels that are told in words: 50, 80 and 95, or, where one of them is not known, all."""
    usual = [f"{level:g}" for level in LEVELS]
    return usual if all(level in own for level in usual) else sorted(own, key=float)


def in_per_cent(own: Coverage) -> str:
    """The shares of the levels that are told."""
    return f"{' / '.join(f'{100 * own[level]:.0f}' for level in told_levels(own))} %"


def coverage_panels(calibrated: Mapping[str, Calibrated]) -> Drawn:
    """A small panel for each model: the share of dev speakers in the regions of its density, a line each way."""
    drawn = []
    for name, one in calibrated.items():
        if not one.lines:
            continue
        figure = Figure(figsize=(2.5, 2.9), dpi=160, layout="constrained")
        axis = figure.subplots()
        axis.spines[["top", "right"]].set_visible(False)
        axis.plot([0, 100], [0, 100], color=REAL, linewidth=5, alpha=0.5)
        for number, (line, own) in enumerate(one.lines.items()):
            levels = sorted(own, key=float)
            style = {"marker": "so^Dv"[number % 5], "linestyle": ("--", "-", ":")[number % 3], "markersize": 3.5}
            marked = [place for place, level in enumerate(levels, 1) if level in told_levels(own)]
            shares = [0, *(100 * own[level] for level in levels)]
            style |= {"color": (POOR, FIRST, INK)[number % 3], "markevery": marked}
            axis.plot([0, *map(float, levels)], shares, label=line, **style)
        axis.set(xlim=(0, 102), ylim=(0, 102), xticks=(0, 50, 80, 95), yticks=(0, 50, 80, 95))
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.25)
        title = shown(name)
        axis.set_title(title, fontsize=min(9, 9 * 30 / len(title)))
        axis.set_xlabel("region, %", fontsize=8)
        axis.set_ylabel("dev speakers in it, %", fontsize=8)
        figure.legend(loc="outside lower center", ncols=1 if len(one.lines) > 2 else 2, fontsize=8, frameon=False)
        said = (
            f"{line}: {in_per_cent(own)} in the regions of {' / '.join(told_levels(own))} %"
            for line, own in one.lines.items()
        )
        drawn.append((f"Calibration of {name} on dev speakers: {'; '.join(said)}", figure))
    return drawn


def calibration_table(calibrated: Mapping[str, Calibrated]) -> Table:
    """A row a model: coverage of dev speakers before and after, temperatures, and cosines of one speaker's vectors."""
    names = list(dict.fromkeys(name for one in calibrated.values() for name in one.temperatures))
    lines = list(dict.fromkeys(line for one in calibrated.values() for line in one.lines))
    whose = list(dict.fromkeys(name for one in calibrated.values() for name in one.cosines))
    header = ["", "dev speakers", *lines, *(f"temperature: {name}" for name in names)]
    header += [f"cosine: {'samples ' if name in (BEFORE, AFTER) else ''}{name}" for name in whose]
    rows = []
    for name, one in calibrated.items():
        cells = [Cell("-" if one.speakers is None else f"{one.speakers:,}")]
        for line in lines:
            own = one.lines.get(line, {})
            cells.append(Cell(in_per_cent(own) if own else "-"))
        cells += [number_cell(one.temperatures.get(key), 2) for key in names]
        for key in whose:
            pair = one.cosines.get(key)
            cells.append(Cell("-" if pair is None else f"{pair[0]:.3f} \u00b1 {pair[1]:.3f}"))
        rows.append([Cell(name), *cells])
    return Table("Calibration on dev speakers, in figures", CALIBRATION_CAPTION, header, rows)
