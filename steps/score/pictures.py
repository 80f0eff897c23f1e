"""Pictures of the report: each function draws one, from the document of scores.json or from the examples beside it."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steps.generators.mixture import Frame
from steps.score.data import ScoreData
from steps.score.evaluation import Examples
from steps.score.judges import POOLED, stricter
from steps.score.likelihood import LEVELS
from steps.score.results import primary
from steps.score.summary import heading

WIDTH = 9.6  # inches; the report shows pictures at this share of its column
REAL, INK, FIRST = "#9aa0a6", "#202124", "#1a5fb4"
HUES = ("#1a5fb4", "#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#a6761d", "#66a61e", "#c01c28", "#555555")
DOTS = 500  # in a map
CLIP = 5  # differences beyond so many medians are drawn as arrows at the edge


LONGEST_NAME = 40  # characters of a name in a picture


def shown(name: str) -> str:
    """A name as pictures show it: cut to a length; legends leave out what begins with an underscore."""
    name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 13]}...{name[-10:]}"
    return f" {name}" if name.startswith("_") else name


def hue(number: int) -> str:
    """The colour of the generator with this number."""
    return HUES[number % len(HUES)]


def new_figure(height: float, rows: int = 1, columns: int = 1, **options) -> tuple[Figure, np.ndarray]:
    """A figure of full width and its axes (rows, columns), without frames at top and right."""
    figure = Figure(figsize=(WIDTH, height), dpi=160, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=9)
    return figure, axes


def shared_legend(figure: Figure, axis: Axes, columns: int, **options) -> None:
    """One legend above all panels, with what `axis` shows."""
    handles = axis.get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=columns, fontsize=9, frameon=False, **options)


def density_differences(document: dict) -> Figure | None:
    """Log density of the first generator minus that of each other, a dimension, with its interval."""
    first = next(iter(document["comparisons"]), None)
    if first is None:
        return None
    d = document["data"]["subspace_dim"]
    others = document["comparisons"][first]
    middle = np.array([one["nats"] for one in others.values()]) / d
    bounds = np.array([one["ci95"] for one in others.values()]) / d
    limit = CLIP * max(float(np.median(np.abs(middle))), 1e-3)
    inside = np.abs(middle) <= limit
    edge = 1.1 * max(np.abs(bounds[inside]).max(initial=0), 1e-3)
    ends = np.where(inside[:, None], bounds, edge * np.sign(middle)[:, None])
    figure, axes = new_figure(0.9 + 0.36 * len(others))
    axis = axes[0, 0]
    axis.axvline(0, color=INK, linewidth=1)
    for row, value in enumerate(middle):
        axis.plot(ends[row], [row, row], color=FIRST, linewidth=2.5)
        arrow = ">" if value > 0 else "<"
        axis.plot(value if inside[row] else ends[row, 0], row, "o" if inside[row] else arrow, color=FIRST, markersize=7)
        axis.annotate(f"{value:+.3f}", (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    axis.set_yticks(range(len(others)), [shown(name) for name in others])
    axis.set_xlim(min(ends.min(), 0) - 0.05 * edge, max(ends.max(), 0) + 0.05 * edge)
    axis.set_ylim(len(others) - 0.5, -0.5)
    name = shown(first)
    axis.set_xlabel(f"nats a dimension: log density of {name} minus that of the other (right of 0: {name} is better)")
    axis.grid(axis="x", alpha=0.25)
    return figure


def attribute_bars(document: dict) -> Figure:
    """Accuracy of each attribute: bars for seen texts, diamonds for held-out ones, lines for ceiling and floor."""
    families, models = document["yardsticks"], document["models"]
    real = {name: stricter(families, name) for name in families[POOLED]}
    figure, axes = new_figure(1.2 + 0.36 * len(models), 1, len(real), sharey=True)
    for axis, (name, bounds) in zip(axes[0], real.items(), strict=True):
        values = [stricter(primary(scores), name)["accuracy"] or 0 for scores in models.values()]
        axis.barh(range(len(models)), values, height=0.62, color="#8ab4e8")
        held = [scores["samples"].get("heldout") for scores in models.values()]
        rows = [row for row, figures in enumerate(held) if figures]
        axis.plot(
            [stricter(held[row], name)["accuracy"] for row in rows], rows, "D", color=INK, markersize=4.5,
            label="held-out texts",
        )  # fmt: skip
        axis.axvline(bounds["ceiling"], color="#188038", linewidth=2, label="ceiling: real speakers")
        axis.axvline(bounds["floor"], color="#c5221f", linewidth=2, linestyle="--", label="floor: text-blind")
        axis.set_xlim(0, 1.1 * max(bounds["ceiling"], *values))
        axis.set_title(shown(heading(name, families)), fontsize=10)
        axis.set_xlabel("balanced accuracy", fontsize=9)
    axes[0, 0].set_yticks(range(len(models)), [shown(name) for name in models])
    axes[0, 0].set_ylim(len(models) - 0.5, -0.5)
    shared_legend(figure, axes[0, 0], 3)
    return figure


def maps(data: ScoreData, subspace: Frame, examples: Mapping[str, Examples]) -> Figure:
    """Samples and test segments on the first two directions of `subspace`, coloured by the first attribute."""
    some = slice(None, None, -(-len(data.test.x) // DOTS))
    real = subspace.to_latent(data.test.x[some])[:, :2]
    low, high = real.min(axis=0), real.max(axis=0)
    margin = 0.25 * (high - low)
    columns = min(len(examples) + 1, min((4, 5), key=lambda number: -(len(examples) + 1) % number))
    rows = -(-(len(examples) + 1) // columns)
    figure, axes = new_figure(0.4 + rows * WIDTH / columns, rows, columns, sharex=True, sharey=True)
    panels = {"real test speakers": (data.test.x[some], data.test.groups[some])}
    panels |= {name: (one.x[: len(real)], one.groups[: len(real)]) for name, one in examples.items()}
    values = np.unique(data.values(data.test.groups)[:, 0])
    for axis, (name, (x, groups)) in zip(axes.flat, panels.items(), strict=False):
        axis.scatter(*real.T, s=5, color="#dadce0", linewidths=0)
        points, own = subspace.to_latent(x)[:, :2], data.values(groups)[:, 0]
        for number, value in enumerate(values):
            axis.scatter(*points[own == value].T, s=7, color=hue(number), alpha=0.7, linewidths=0, label=shown(value))
        axis.set_title(shown(name), fontsize=10)
        axis.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axis.set_ylim(low[1] - margin[1], high[1] + margin[1])
        axis.set_xticks([])
        axis.set_yticks([])
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    shared_legend(figure, axes[0, 0], len(values), markerscale=2.5)
    return figure


def distance_histograms(real: tuple[np.ndarray, np.ndarray], examples: Mapping[str, Examples]) -> Figure:
    """Nearest-neighbour distances: samples to training speakers beside t2s, samples to each other beside s2s."""
    s2s, t2s = real
    figure, axes = new_figure(3.6, 1, 2, sharey=True)
    edges = np.linspace(0, 2.2 * np.median(t2s), 45)
    panels = (("nearest training speaker", t2s, "g2s"), ("nearest other speaker of its set", s2s, "g2g"))
    for axis, (title, yardstick, kind) in zip(axes[0], panels, strict=True):
        axis.hist(yardstick.ravel(), edges, density=True, color="#dadce0", label="real speakers")
        for number, (name, example) in enumerate(examples.items()):
            width = 2.2 if number == 0 else 1.2
            _outline(axis, getattr(example, kind), edges, color=hue(number), linewidth=width, label=shown(name))
        axis.set_xlabel(f"cosine distance to the {title}", fontsize=9)
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
    shared_legend(figure, axes[0, 0], 5)
    return figure


def _outline(axis: Axes, values: np.ndarray, edges: np.ndarray, **style) -> None:
    """The outline of a histogram, as a line that closes at neither end."""
    heights, _ = np.histogram(values, edges)
    share = heights / (len(values) * np.diff(edges))
    axis.plot((edges[1:] + edges[:-1]) / 2, share, **style)


def coverage_map(document: dict) -> Figure:
    """Share of test speakers with a sample near them, by generator and group."""
    rows = {name: primary(scores)["coverage"] for name, scores in document["models"].items()}
    rows["real, same group"] = primary(document["references"]["real_same_group"])["coverage"]
    rows["same distribution"] = document["yardsticks"]["coverage_expected"]
    groups = list(rows["same distribution"]["groups"])
    values = np.array([[one["coverage"], *(one["groups"][group] for group in groups)] for one in rows.values()])
    figure, axes = new_figure(1.9 + 0.34 * len(rows))
    axis = axes[0, 0]
    axis.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        color = "white" if value > 0.6 else INK
        axis.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=8, color=color)
    labels = ["all groups", *(shown(group.replace("_", " ")) for group in groups)]
    axis.set_xticks(range(len(labels)), labels, rotation=40, ha="right", rotation_mode="anchor", fontsize=8)
    axis.set_yticks(range(len(rows)), [shown(name) for name in rows])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return figure


def calibration_lines(document: dict) -> Figure | None:
    """Share of unseen voices inside the regions that a generator holds for 50, 80 and 95 per cent."""
    found = {
        name: scores["log_density"]["calibration"]
        for name, scores in document["models"].items()
        if scores.get("log_density", {}).get("calibration")
    }
    if not found:
        return None
    figure, axes = new_figure(3.8, 1, 2, width_ratios=(3, 2))
    axis, legend = axes[0]
    axis.plot([0, 100], [0, 100], color=REAL, linewidth=6, alpha=0.5, label="calibrated")
    for number, (name, shares) in enumerate(found.items()):
        values = [0, *(100 * shares[str(level)] for level in LEVELS)]
        width = 2.4 if number == 0 else 1.3
        axis.plot([0, *LEVELS], values, "o-", color=hue(number), linewidth=width, markersize=4, label=shown(name))
    axis.set_xlabel("the generator's region, % of its own samples", fontsize=9)
    axis.set_ylabel("unseen voices inside, %", fontsize=9)
    axis.grid(alpha=0.25)
    legend.axis("off")
    legend.legend(*axis.get_legend_handles_labels(), fontsize=9, frameon=False, loc="center left")
    return figure
