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
from steps.score.pictures import FIRST, INK, POOR, REAL, Drawn, panel, shown
from steps.training.charts import NOT_DRAWN, Curves, read_curves
from steps.training.curve import METRICS
from utils.errors import InputError
from utils.json_files import read_json

LEFT_BY_TRAINING = (METRICS, CALIBRATION)
BEFORE, AFTER = "before", "after"
ROLES = {"train": ("training speakers", FIRST, "-"), "dev": ("dev speakers", POOR, "--")}
Coverage = dict[str, dict[str, float]]  # name of a line -> region in per cent -> share of dev speakers in it


@dataclass(frozen=True)
class Histories:
    """What models have left, by name.

    Attributes:
        curves: of networks. coverage: of models that were calibrated, or whose calibration was looked at.
    """

    curves: Mapping[str, Curves] = field(default_factory=dict)
    coverage: Mapping[str, Coverage] = field(default_factory=dict)


def read_histories(directories: Mapping[str, Path]) -> Histories:
    """Read what is there. Raises InputError for a file that no training has written."""
    curves, coverage = {}, {}
    for name, directory in directories.items():
        if (directory / METRICS).is_file():
            curves[name] = read_curves(directory / METRICS, 0)
        if (directory / CALIBRATION).is_file():
            coverage[name] = read_coverage(directory / CALIBRATION)
    return Histories(curves, coverage)


def read_coverage(path: Path) -> Coverage:
    """Lines of a calibration: before and after where it was calibrated, else one a temperature of the spread."""
    content = read_json(path)
    if BEFORE in content and AFTER in content:
        lines: Any = {name: content[name] for name in (BEFORE, AFTER)}
    else:
        found = content.get("temperatures")
        lines = {f"spread x {key}": own for key, own in found.items()} if isinstance(found, dict) else None
    try:
        return {name: {f"{float(level):g}": float(own[level]) for level in own} for name, own in lines.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no calibration as training writes it ({error}); train the model again") from error


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


def coverage_panels(coverage: Mapping[str, Coverage]) -> Drawn:
    """A small panel for each model: the share of dev speakers in the regions of its density, a line each way."""
    drawn = []
    for name, lines in coverage.items():
        figure = Figure(figsize=(2.5, 2.9), dpi=160, layout="constrained")
        axis = figure.subplots()
        axis.spines[["top", "right"]].set_visible(False)
        axis.plot([0, 100], [0, 100], color=REAL, linewidth=5, alpha=0.5)
        for number, (line, own) in enumerate(lines.items()):
            levels = sorted(own, key=float)
            places = [0, *map(float, levels)]
            style = {"marker": "so^Dv"[number % 5], "linestyle": ("--", "-", ":")[number % 3], "markersize": 3.5}
            colour = (POOR, FIRST, INK)[number % 3]
            axis.plot(places, [0, *(100 * own[level] for level in levels)], color=colour, label=line, **style)
        axis.set(xlim=(0, 102), ylim=(0, 102), xticks=(0, 50, 80, 95), yticks=(0, 50, 80, 95))
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.25)
        title = shown(name)
        axis.set_title(title, fontsize=min(9, 9 * 30 / len(title)))
        axis.set_xlabel("region, %", fontsize=8)
        axis.set_ylabel("dev speakers in it, %", fontsize=8)
        figure.legend(loc="outside lower center", ncols=1 if len(lines) > 2 else 2, fontsize=8, frameon=False)
        said = "; ".join(f"{line}: {', '.join(f'{level} % holds {100 * share:.0f} %' for level, share in own.items())}"
                         for line, own in lines.items())  # fmt: skip
        drawn.append((f"Calibration of {name} on dev speakers: {said}", figure))
    return drawn
