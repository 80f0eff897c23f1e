"""histograms.png: the measured values by gender, with the edges of the bins."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steps.attributes.bins import ALL, Binned
from steps.attributes.labels import Attribute

COLOURS = {"female": "#d95f02", "male": "#1a5fb4", "unknown": "#9aa0a6", ALL: "#202124"}
HEIGHTS = {"female": 1.02, "male": 1.08, ALL: 1.02}  # of the edges, so that their numbers do not overlap
BINS = 16  # wider than 1/3 a second, the resolution of a count over three seconds


def draw_histograms(
    path: Path, panels: Mapping[str, Attribute], spk2gender: Mapping[str, str], utt2gender: Mapping[str, str]
) -> None:
    """Draw one panel for each title, side by side: of speakers or of utterances, as the level of the rule is."""
    figure = Figure(figsize=(9.6, 3.6), dpi=160, layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, attribute) in zip(axes, panels.items(), strict=True):
        level = attribute.binned.rule.level
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlabel(title)
        axis.set_ylabel(f"{level}s")
        of_speakers = level == "speaker"
        values, genders = (attribute.speakers, spk2gender) if of_speakers else (attribute.utterances, utt2gender)
        if values:
            _draw(axis, attribute.binned, values, genders)
    figure.savefig(path, metadata={"Software": None})


def _draw(axis: Axes, binned: Binned, values: Mapping[str, float], genders: Mapping[str, str]) -> None:
    groups: dict[str, list[float]] = {}
    for key, value in values.items():
        groups.setdefault(genders.get(key, "unknown"), []).append(value)
    lowest, highest = np.quantile(list(values.values()), [0.001, 0.999])
    borders = np.linspace(lowest, max(highest, lowest + 1e-3), BINS + 1)
    for gender, group in sorted(groups.items()):
        inside = np.clip(group, borders[0], borders[-1])  # the outermost bars hold the values beyond
        axis.hist(inside, borders, color=COLOURS[gender], alpha=0.55, label=f"{gender} ({len(group)})")
    top = axis.get_ylim()[1]
    axis.set_ylim(0, 1.15 * top)
    for kind, edges in sorted(binned.edges.items()):
        if kind != ALL or not binned.rule.by_gender:  # terciles of all, beside those of the genders, would be clutter
            height = HEIGHTS[kind] * top
            axis.vlines(edges, 0, height, color=COLOURS[kind], linestyles="dashed", linewidth=1.2)
            for edge in edges:
                axis.annotate(f"{edge:g}", (edge, height), fontsize=7, ha="center", va="bottom", color=COLOURS[kind])
    axis.legend(fontsize=8, frameon=False, loc="upper right")
