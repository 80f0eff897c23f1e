"""DET curves: misses against false alarms on axes of normal deviates, on which Gaussian scores are straight lines.

(A. Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.)
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HUES = ("#1a5fb4", "#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#a6761d", "#66a61e", "#c01c28", "#555555")
STYLES = ("solid", "dashed", "dotted")
TICKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.4)
LEAST = 0.0005  # rate at the edges of a panel
LONGEST_NAME = 40  # characters
COLUMNS = 2  # of panels

Curve = tuple[np.ndarray, np.ndarray]  # false alarms and misses (T,)


def draw_det(panels: Mapping[str, Mapping[str, Curve]]) -> "Figure":
    """Draw a panel for each condition with the curve of each system. A name has the same colour in all panels."""
    from matplotlib.figure import Figure
    from scipy.stats import norm

    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.8 * columns, 4.8 * rows + 0.1 * len(names)), dpi=120, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    edges = norm.ppf([LEAST, 0.6])
    for axis in axes[len(panels) :]:
        axis.remove()
    for axis, (title, curves) in zip(axes, panels.items(), strict=False):
        for name, (false_alarms, misses) in curves.items():
            number = names.index(name)
            x, y = (norm.ppf(np.clip(rates, LEAST / 10, 1 - LEAST / 10)) for rates in (false_alarms, misses))
            style = STYLES[number // len(HUES) % len(STYLES)]
            axis.plot(x, y, color=HUES[number % len(HUES)], linestyle=style, linewidth=1.3, label=_short(name))
        axis.plot(edges, edges, color="#9aa0a6", linewidth=0.8)
        axis.set_title(title, fontsize=10, parse_math=False)
        axis.set(xlim=edges, ylim=edges, xlabel="false alarms, %", ylabel="misses, %", aspect="equal")
        ticks, labels = norm.ppf(TICKS), [f"{100 * tick:g}" for tick in TICKS]
        axis.set_xticks(ticks, labels)
        axis.set_yticks(ticks, labels)
        axis.grid(color="#e0e0e0", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    handles = {
        label: line for axis in figure.axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return figure


def _short(name: str) -> str:
    """A name as legends show it, which leave out what begins with an underscore."""
    name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 13]}...{name[-10:]}"
    return f" {name}" if name.startswith("_") else name
