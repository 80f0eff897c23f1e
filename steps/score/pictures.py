"""Pictures of the report: each function draws the panels of one section, from the document of scores.json or from the
examples beside it. A panel is as wide as a phone, and stands beside others on a wider screen.

Colours are those of M. Okabe and K. Ito, Color Universal Design, 2008, which are told apart with any vision; lines have
patterns of their own too.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steps.score.evaluation import Examples
from steps.score.judges import POOLED, stricter
from steps.score.likelihood import LEVELS
from steps.score.results import primary
from steps.score.summary import heading

WIDTH = 9.6  # inches of a picture that needs the width of a page
PANEL = 4.4  # inches of a panel
REAL, INK, FIRST = "#9aa0a6", "#202124", "#0072b2"
GOOD, POOR = "#009e73", "#d55e00"
HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
DARK = 0.55  # a share whose colour, of cividis, takes dark letters
CLIP = 5  # differences beyond so many medians are drawn as arrows at the edge
LONGEST_NAME, LONGEST_LABEL = 40, 26  # characters of a name in a picture, and beside an axis
Drawn = list[tuple[str, Figure]]  # the content of each panel in words, and the panel


def shown(name: str, most: int = LONGEST_NAME) -> str:
    """A name as pictures show it: cut to a length; legends leave out what begins with an underscore."""
    name = name if len(name) <= most else f"{name[: most - 13]}...{name[-10:]}"
    return f" {name}" if name.startswith("_") else name


def labels(names: Iterable[str]) -> list[str]:
    """Names beside an axis."""
    return [shown(name, LONGEST_LABEL) for name in names]


def hue(number: int) -> str:
    """The colour of the generator with this number."""
    return HUES[number % len(HUES)]


def dashes(number: int) -> str | tuple:
    """The pattern of the line of the generator with this number."""
    return DASHES[number % len(DASHES)]


def panel(height: float, width: float = PANEL, columns: int = 1, **options) -> tuple[Figure, Sequence[Axes]]:
    """A panel and its axes (columns,), without frames at top and right."""
    figure = Figure(figsize=(width, height), dpi=160, layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False, **options)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=9)
    return figure, axes


def density_differences(document: dict) -> Drawn:
    """Log density of the first generator minus that of each other, a dimension, with its interval."""
    first = next(iter(document["comparisons"]), None)
    if first is None:
        return []
    d = document["data"]["subspace_dim"]
    others = document["comparisons"][first]
    middle = np.array([one["nats"] for one in others.values()]) / d
    bounds = np.array([one["ci95"] for one in others.values()]) / d
    limit = CLIP * max(float(np.median(np.abs(middle))), 1e-3)
    inside = np.abs(middle) <= limit
    edge = 1.1 * max(np.abs(bounds[inside]).max(initial=0), 1e-3)
    ends = np.where(inside[:, None], bounds, edge * np.sign(middle)[:, None])
    figure, (axis,) = panel(1.1 + 0.3 * len(others), 1.25 * PANEL)
    axis.axvline(0, color=INK, linewidth=1)
    for row, value in enumerate(middle):
        axis.plot(ends[row], [row, row], color=FIRST, linewidth=2.5)
        arrow = ">" if value > 0 else "<"
        axis.plot(value if inside[row] else ends[row, 0], row, "o" if inside[row] else arrow, color=FIRST, markersize=7)
        axis.annotate(f"{value:+.3f}", (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    axis.set_yticks(range(len(others)), labels(others))
    axis.set_xlim(min(ends.min(), 0) - 0.05 * edge, max(ends.max(), 0) + 0.05 * edge)
    axis.set_ylim(len(others) - 0.5, -0.5)
    axis.locator_params(axis="x", nbins=5)
    figure.supxlabel(f"nats a dimension; right of 0, {shown(first)} is better", fontsize=9)
    axis.grid(axis="x", alpha=0.25)
    said = ", ".join(f"{name} {value:+.3f}" for name, value in zip(others, middle, strict=True))
    return [(f"Log density of {first} minus that of others, nats a dimension: {said}", figure)]


def attribute_bars(document: dict) -> Drawn:
    """Accuracy of each attribute: bars for seen texts, diamonds for held-out ones, lines for ceiling and floor."""
    families, models = document["yardsticks"], document["models"]
    drawn = []
    for name in families[POOLED]:
        bounds = stricter(families, name)
        figure, (axis,) = panel(1.3 + 0.3 * len(models))
        values = [stricter(primary(scores), name)["accuracy"] or 0 for scores in models.values()]
        axis.barh(range(len(models)), values, height=0.62, color="#a6cbe8")
        held = [scores["samples"].get("heldout") for scores in models.values()]
        rows = [row for row, figures in enumerate(held) if figures]
        axis.plot(
            [stricter(held[row], name)["accuracy"] for row in rows], rows, "D", color=INK, markersize=4.5,
            label="held-out texts",
        )  # fmt: skip
        axis.axvline(bounds["ceiling"], color=GOOD, linewidth=2, label="ceiling")
        axis.axvline(bounds["floor"], color=POOR, linewidth=2, linestyle="--", label="floor")
        axis.set_xlim(0, 1.1 * max(bounds["ceiling"], *values))
        figure.suptitle(shown(heading(name, families)), fontsize=10)
        axis.set_xlabel("balanced accuracy", fontsize=9)
        axis.set_yticks(range(len(models)), labels(models))
        axis.set_ylim(len(models) - 0.5, -0.5)
        figure.legend(loc="outside lower center", ncols=3, fontsize=8.5, frameon=False)
        said = ", ".join(f"{model} {value:.2f}" for model, value in zip(models, values, strict=True))
        drawn.append((f"Accuracy of {heading(name, families)}: {said}; ceiling {bounds['ceiling']:.2f}", figure))
    return drawn


def distance_ridges(real: tuple[np.ndarray, np.ndarray], examples: Mapping[str, Examples]) -> Drawn:
    """Nearest-neighbour distances: samples to training speakers beside t2s, samples to each other beside s2s."""
    s2s, t2s = (one.ravel() for one in real)
    edges = np.linspace(0, 2.2 * max(float(np.median(t2s)), 1e-6), 45)
    kinds = (("nearest training speaker", "g2s", "t2s", t2s), ("nearest other one of its set", "g2g", "s2s", s2s))
    drawn = []
    for title, kind, yardstick, own in kinds:
        figure, (axis,) = panel(1.2 + 0.42 * len(examples))
        hill = _heights(own, edges)
        found = {name: getattr(one, kind) for name, one in examples.items()}
        for row, (number, values) in enumerate(enumerate(found.values())):
            axis.fill_between(_centres(edges), row, row - hill, color="#d5d8dc", linewidth=0)
            axis.plot(_centres(edges), row - _heights(values, edges), color=FIRST, linewidth=2, label=f"_{number}")
            axis.plot([float(np.median(values))] * 2, [row, row - 0.2], color=FIRST, linewidth=2)
        axis.axvline(float(np.median(own)), color=INK, linewidth=0.8, linestyle="--")
        axis.set_yticks(range(len(found)), labels(found))
        axis.set_ylim(len(found) - 0.85, -1.05)
        axis.set_xlim(edges[0], edges[-1])
        axis.locator_params(axis="x", nbins=4)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        figure.suptitle(f"{kind} (line) and {yardstick} of real speakers (grey)", fontsize=9.5)
        figure.supxlabel(f"cosine distance to the {title}", fontsize=9)
        medians = ", ".join(f"{name} {np.median(values):.3f}" for name, values in found.items())
        drawn.append((f"Medians of {kind}: {medians}; {yardstick} of real speakers {np.median(own):.3f}", figure))
    return drawn


def _heights(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """A histogram whose highest bar is .95 high."""
    heights, _ = np.histogram(values, edges)
    return 0.95 * heights / max(heights.max(), 1)


def _centres(edges: np.ndarray) -> np.ndarray:
    return (edges[1:] + edges[:-1]) / 2


def coverage_map(document: dict) -> Drawn:
    """Share of test speakers with a sample near them, by group and generator."""
    columns = {name: primary(scores)["coverage"] for name, scores in document["models"].items()}
    columns["real, same group"] = primary(document["references"]["real_same_group"])["coverage"]
    columns["same distribution"] = document["yardsticks"]["coverage_expected"]
    groups = list(columns["same distribution"]["groups"])
    values = np.array([[one["coverage"], *(one["groups"][group] for group in groups)] for one in columns.values()]).T
    head = 0.4 + 0.05 * max(map(len, labels(columns)))  # inches of names that are turned
    figure, (axis,) = panel(head + 0.25 * len(values), max(PANEL, 2.0 + 0.38 * len(columns)))
    axis.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        color = "white" if value < DARK else INK
        axis.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=8.5, color=color)
    axis.set_yticks(range(len(values)), ["all groups", *(shown(group.replace("_", " ")) for group in groups)])
    axis.xaxis.tick_top()
    turned = {"rotation": 50, "ha": "left", "rotation_mode": "anchor"}
    axis.set_xticks(range(len(columns)), labels(columns), **turned)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    said = ", ".join(f"{name} {100 * value:.0f}" for name, value in zip(columns, values[0], strict=True))
    return [(f"Per cent of test speakers of all groups with a sample near them: {said}", figure)]


def calibration_lines(document: dict) -> Drawn:
    """Share of unseen voices inside the regions that a generator holds for 50, 80 and 95 per cent."""
    found = {
        name: scores["log_density"]["calibration"]
        for name, scores in document["models"].items()
        if scores.get("log_density", {}).get("calibration")
    }
    if not found:
        return []
    figure, (axis,) = panel(3.9 + 0.18 * -(-len(found) // 2))
    axis.plot([0, 100], [0, 100], color=REAL, linewidth=6, alpha=0.5, label="calibrated")
    for number, (name, shares) in enumerate(found.items()):
        values = [0, *(100 * shares[str(level)] for level in LEVELS)]
        style = {"linestyle": dashes(number), "linewidth": 2.4 if number == 0 else 1.5}
        axis.plot([0, *LEVELS], values, marker="o", color=hue(number), markersize=4, label=shown(name), **style)
    axis.set_xlabel("the generator's region, % of its own samples", fontsize=9)
    axis.set_ylabel("unseen voices inside, %", fontsize=9)
    axis.set_title("test speakers", fontsize=10)
    axis.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8.5, frameon=False)
    return [(f"Shares of test speakers in the regions of 80 %: {_at_80(found)}", figure)]


def _at_80(found: Mapping[str, Mapping[str, float]]) -> str:
    return ", ".join(f"{name} {100 * shares['80']:.0f} %" for name, shares in found.items())
