"""Pictures of `steps.features.chart`: range of the features, lengths of utterances, speakers by sex."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from steps.features.set_statistics import UNKNOWN, SetStatistics
from utils.data_dir import GENDER_WORDS

COLOURS = {"f": "#d95f02", "m": "#1a5fb4", UNKNOWN: "#9aa0a6"}
LABELS = {**GENDER_WORDS, UNKNOWN: UNKNOWN}
INK, BAND = "#202124", "#1a5fb4"
BARS = 24  # of speakers, at most
WIDTH, HEIGHT = 4.8, 2.8  # inches of a panel


def draw_range(path: Path, sets: Sequence[SetStatistics]) -> None:
    """A panel a set: minimum, mean with deviation, and maximum of each column of the features."""
    figure, axes = _figure(1, len(sets))
    for axis, one in zip(axes[0], sets, strict=True):
        columns, found = np.arange(len(one.bands.mean)), one.bands.table()
        mean, deviation = np.array(found["mean"]), np.array(found["deviation"])
        axis.fill_between(columns, mean - deviation, mean + deviation, color=BAND, alpha=0.25, label="deviation")
        axis.plot(columns, mean, color=BAND, label="mean")
        axis.plot(columns, found["min"], color=INK, linewidth=0.8, linestyle="dotted", label="minimum")
        axis.plot(columns, found["max"], color=INK, linewidth=0.8, linestyle="dashed", label="maximum")
        axis.set(title=_title(one), xlabel="column of the features", ylabel="value")
    axes[0, 0].legend(fontsize=8, framealpha=0.9, edgecolor="none", loc="lower right", ncols=2)
    _save(figure, path)


def draw_lengths(path: Path, sets: Sequence[SetStatistics], edges: Sequence[float]) -> None:
    """A panel a set: how many utterances have which length."""
    figure, axes = _figure(1, len(sets))
    for axis, one in zip(axes[0], sets, strict=True):
        axis.hist(list(one.seconds.values()), edges, color=BAND)
        axis.set(title=_title(one), xlabel="seconds of an utterance", ylabel="utterances")
    _save(figure, path)


def draw_speakers(path: Path, sets: Sequence[SetStatistics]) -> None:
    """A row a set: how many speakers have so many utterances, and so many seconds, by sex."""
    figure, axes = _figure(len(sets), 2)
    for (left, right), one in zip(axes, sets, strict=True):
        _bars(left, one, {name: own.utterances for name, own in one.speakers.items()}, whole=True)
        left.set(title=_title(one), xlabel="utterances of a speaker", ylabel="speakers")
        _bars(right, one, {name: own.seconds for name, own in one.speakers.items()}, whole=False)
        right.set(xlabel="seconds of a speaker", ylabel="speakers")
        left.legend(fontsize=8, framealpha=0.9, edgecolor="none")
    _save(figure, path)


def _bars(axis: Axes, one: SetStatistics, values: dict[str, float], whole: bool) -> None:
    """Stacked bars of speakers by sex; `whole`: the values are whole numbers, as many of them in each bar."""
    sexes = [sex for sex in COLOURS if any(own.sex == sex for own in one.speakers.values())]
    highest = max(values.values())
    width = int(np.ceil((highest + 1) / BARS)) if whole else 1.001 * highest / BARS
    edges = np.arange(BARS + 1) * width - (0.5 if whole else 0)
    groups = [[value for name, value in values.items() if one.speakers[name].sex == sex] for sex in sexes]
    labels = [f"{LABELS[sex]} ({len(group)})" for sex, group in zip(sexes, groups, strict=True)]
    axis.hist(groups, edges, stacked=True, color=[COLOURS[sex] for sex in sexes], label=labels)
    axis.set_xlim(0, highest + 0.6 if whole else 1.02 * highest)
    axis.xaxis.set_major_locator(MaxNLocator(integer=whole))
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))


def _title(one: SetStatistics) -> str:
    hours = sum(one.seconds.values()) / 3600
    name = one.name if len(one.name) <= 30 else f"...{one.name[-27:]}"
    return f"{name}: {len(one.seconds)} utterances, {hours:.2f} h".replace("$", r"\$")


def _figure(rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(WIDTH * columns, HEIGHT * rows + 0.2), dpi=140, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.title.set_fontsize(10)
        axis.tick_params(labelsize=8)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Software": None})
