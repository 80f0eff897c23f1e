"""The picture of what a model understood: a text a row, an attribute a column, stacked bars of shares in each cell.

Input: `document["understanding"]` (see `understanding`). Bars have per cents in them, and the names of values that have
the room; the values of a scale are told apart by lightness.
"""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from steps.score.pictures import INK, WIDTH, shown
from steps.score.understanding import RANKS, in_order, rows_of, value_in_words
from steps.text.layout import UNSAID

SCALE = ("#d4e4f7", "#85b3e2", "#1f5fa8")  # low to high, told apart by lightness alone
NAMES = ("#f2c45a", "#7fc6b4", "#d9a3c7", "#b8b8e6", "#e8a07c", "#a9cf7d")
LEFT, RIGHT, ROW, LINE, GAP = 0.345, 0.995, 0.185, 0.165, 0.17  # shares of the width; inches
LENGTH, LEAST = 32, 0.06  # characters of a line of a text; share of a bar that has room for a number
KEY_COLUMNS = 3


def understood(found: Mapping[str, Any]) -> Figure:
    """Bars of what was read in each text, of its samples, and of real speakers."""
    blocks = [("All real voices of the corpus", (), [("", found["corpus"])])]
    blocks += [(f"\u201c{one['text']}\u201d", one["warnings"], rows_of(one)) for one in found["texts"]]
    heights = [max(ROW * len(rows), LINE * len(_lines(text, told))) + GAP for text, told, rows in blocks]
    axes = _columns(found["corpus"], sum(heights))
    top = GAP / 2
    for (text, told, rows), height in zip(blocks, heights, strict=True):
        _tell(axes[0], _lines(text, told), top)
        for number, (label, shares) in enumerate(rows):
            _row(axes, top + (number + 0.5) * ROW, label, shares)
        top += height
        axes[0].annotate(
            "", (0.01, top - GAP / 2), (RIGHT, top - GAP / 2), xycoords=("figure fraction", "data"),
            textcoords=("figure fraction", "data"), arrowprops={"arrowstyle": "-", "color": "#e4e6e9", "lw": 0.8},
        )  # fmt: skip
    return axes[0].figure


def _columns(corpus: Mapping[str, Mapping[str, float]], inches: float) -> list[Axes]:
    """Axes for each attribute, in shares of a bar and inches from the top, below its name and the key of its values."""
    head = 0.3 + 0.18 * max(-(-len(shares) // KEY_COLUMNS) for shares in corpus.values())
    figure = Figure(figsize=(WIDTH, head + inches), dpi=160)
    axes = []
    for number, (name, shares) in enumerate(corpus.items()):
        width = (RIGHT - LEFT) / len(corpus)
        axis = figure.add_axes((LEFT + number * width, 0, 0.95 * width, inches / (head + inches)))
        axis.set(xlim=(0, 1), ylim=(inches, 0))
        axis.axis("off")
        keys = [Patch(color=color, label=shown(value)) for value, color in _colors(shares).items()]
        axis.legend(
            handles=keys, loc="lower left", bbox_to_anchor=(0, 1), ncols=KEY_COLUMNS, frameon=False, fontsize=8,
            borderaxespad=0, borderpad=0, handlelength=0.8, handleheight=0.8, handletextpad=0.4, columnspacing=0.9,
        )  # fmt: skip
        y = 1 - 0.2 / (head + inches)
        figure.text(LEFT + number * width, y, shown(name.replace("_", " ")), fontsize=10, fontweight="bold")
        axes.append(axis)
    return axes


def _colors(values: Iterable[str]) -> dict[str, str]:
    """A colour for each value: of a scale by lightness, others by hue."""
    said = [value for value in in_order(values) if value != UNSAID]
    if all(value in RANKS for value in said):
        return {value: SCALE[RANKS[value]] for value in said}
    return {value: NAMES[number % len(NAMES)] for number, value in enumerate(said)}


def _lines(text: str, told: Sequence[str]) -> list[tuple[str, bool]]:
    """Lines of a text, cut to three, and of what the reader warns of; whether a line is a warning."""
    lines = [(line, False) for line in wrap(text, LENGTH, max_lines=3, placeholder=" ...")]
    return lines + [(line, True) for warning in told for line in wrap(f"! {warning}", LENGTH, max_lines=2)]


def _tell(axis: Axes, lines: Sequence[tuple[str, bool]], top: float) -> None:
    for number, (line, warning) in enumerate(lines):
        axis.annotate(
            line, (0.012, top + LINE * (number + 0.5)), xycoords=("figure fraction", "data"), va="center",
            fontsize=8 if warning else 9, color="#9c2a1f" if warning else INK, annotation_clip=False,
        )  # fmt: skip


def _row(axes: Sequence[Axes], y: float, label: str, shares: Mapping[str, Mapping[str, float]]) -> None:
    """The bars of all attributes at one height, and what they are."""
    weight = "bold" if label == "samples" else "normal"
    axes[0].annotate(
        label, (0, y), (-5, 0), textcoords="offset points", ha="right", va="center", fontsize=8, weight=weight,
        color=INK, annotation_clip=False,
    )  # fmt: skip
    for axis, own in zip(axes, shares.values(), strict=True):
        _bar(axis, y, own)


def _bar(axis: Axes, y: float, shares: Mapping[str, float]) -> None:
    """One stacked bar; what is not said is hatched."""
    left, colors = 0.0, _colors(shares)
    inches = axis.get_position().width * WIDTH
    for value in in_order(shares):
        share, style = shares[value], {"color": colors.get(value), "edgecolor": "white"}
        if value == UNSAID:
            style = {"color": "white", "edgecolor": "#c4c7cb", "hatch": "////"}
        axis.barh(y, share, left=left, height=0.84 * ROW, linewidth=0.6, **style)
        if share >= LEAST:
            per_cent = f"{100 * share:.0f}"
            words = f"{value_in_words(value)} {per_cent}"
            label = words if share * inches > 0.062 * len(words) + 0.05 else per_cent
            back = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if value == UNSAID else None
            ink = "white" if style["color"] == SCALE[2] else INK
            axis.text(left + share / 2, y, label, ha="center", va="center", fontsize=7.5, color=ink, bbox=back)
        left += share
