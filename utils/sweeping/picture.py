"""Draw a sweep: the metric against the swept values.

One key is the horizontal axis, others are colours, a third one makes panels side by side. Points that differ in their
seed alone are dots of one column, and the line goes through their means.
"""

import io
import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from utils.sweeping.results import STATE_DONE, Result
from utils.sweeping.sweep_file import Sweep

REPEATS = "seed"  # the key whose values are repetitions, not settings
NOT_GIVEN = "-"  # what stands for the value of a key that a point does not override
MARKERS = "osD^vP*X"
COLUMNS = 3  # panels side by side
MISSING = "not done"
LINE = 80  # characters of the title


class Roles(NamedTuple):
    """What each swept key is in the picture."""

    x: str | None
    colours: tuple[str, ...]
    panels: str | None


def choose_roles(keys: Sequence[str], results: Sequence[Result]) -> Roles:
    """The horizontal axis is the key with most values, numbers before words; the last of three keys makes panels."""
    counts = {key: len(set(_texts(key, results))) for key in keys}
    varied = [key for key in keys if counts[key] > 1 and key != REPEATS]
    if not varied:
        return Roles(next((key for key in keys if counts[key] > 1), None), (), None)
    x = max(varied, key=lambda key: (all(map(_is_number, _texts(key, results))), counts[key]))
    others = [key for key in varied if key != x]
    if len(others) < 2:
        return Roles(x, tuple(others), None)
    return Roles(x, tuple(others[:-1]), others[-1])


def draw(sweep: Sweep, results: Sequence[Result]) -> bytes:
    """The picture, as the bytes of a PNG file."""
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False}):  # a $ in a value is a $
        return _draw(sweep, results)


def _draw(sweep: Sweep, results: Sequence[Result]) -> bytes:
    from matplotlib.figure import Figure

    roles = choose_roles(sweep.keys, results)
    panels = values_of(roles.panels, results)
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    width = min(6, max(4.2, 0.6 * len(values_of(roles.x, results)) + 1.5)) * columns
    figure = Figure(figsize=(max(6.4, width), 3.6 * rows + 0.8), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).flat
    for axes, panel in zip(grid, panels, strict=False):
        shown = [result for result in results if _text(roles.panels, result) == panel]
        _draw_panel(axes, roles, shown, results)
        axes.set_title(f"{roles.panels} = {panel}" if roles.panels else "", fontsize="medium")
        axes.set_xlabel(roles.x or "")
    for axes in list(grid)[len(panels) :]:
        axes.set_axis_off()
    figure.supylabel(f"{sweep.metric.key} ({sweep.metric.best} of each point)", fontsize="medium")
    figure.suptitle(_title(sweep, results), fontsize="medium", x=0.01, horizontalalignment="left")
    _add_legend(figure, ", ".join(roles.colours) or None)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _draw_panel(axes, roles: Roles, shown: Sequence[Result], results: Sequence[Result]) -> None:
    """The results of one panel; `results` are all of the sweep, so that panels have the same columns and colours."""
    ticks = values_of(roles.x, results)
    labels = list(dict.fromkeys(_label(roles, result) for result in _in_order(roles.colours, results)))
    for number, label in enumerate(labels):
        shift = 0.5 * ((number + 0.5) / len(labels) - 0.5)  # dots of different colours stand beside each other
        style = {"color": f"C{number % 10}", "marker": MARKERS[number % len(MARKERS)]}
        means, bottom = [], axes.get_xaxis_transform()
        for position, tick in enumerate(ticks, 1):
            here = [result for result in shown if (_label(roles, result), _text(roles.x, result)) == (label, tick)]
            done = [result.value for result in here if result.state == STATE_DONE]
            means.append(sum(done) / len(done) if done else float("nan"))
            axes.plot([position + shift] * len(done), done, linestyle="", alpha=0.45, **style)
            if len(done) < len(here):
                axes.plot(position + shift, 0.02, "x", color="black", transform=bottom, label=MISSING)
        axes.plot([position + shift for position in range(1, len(ticks) + 1)], means, label=label or "mean", **style)
    axes.set_xticks(range(1, len(ticks) + 1), ticks)
    axes.set_xlim(0.4, len(ticks) + 0.6)
    axes.grid(axis="y", alpha=0.3)


def _add_legend(figure, title: str | None) -> None:
    """What lines and crosses mean, once each, the crosses last."""
    lines = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    labels = sorted((label for label in lines if not label.startswith("_")), key=lambda label: label == MISSING)
    figure.legend(map(lines.get, labels), labels, loc="outside right center", title=title, frameon=False)


def values_of(key: str | None, results: Iterable[Result]) -> list[str]:
    """The distinct values of a key, numbers by size before words; one empty text without a key."""
    return sorted(set(_texts(key, results)), key=_order)


def _title(sweep: Sweep, results: Sequence[Result]) -> str:
    """How many points are done, and the best one on lines of its own."""
    done = [result for result in results if result.state == STATE_DONE]
    counts = f"{len(done)} of {len(results)} points done"
    if len(set(_texts(REPEATS, results))) > 1:
        counts += f" (dots: {REPEATS}s, lines: their means)"
    if not done:
        return counts
    best = ", ".join(f"{key}={value}" for key, value in done[0].point.overrides.items())
    return "\n".join([f"{counts}; best {sweep.metric.key} {done[0].value:.6g}:", *textwrap.wrap(best, LINE)])


def _in_order(keys: Sequence[str], results: Iterable[Result]) -> list[Result]:
    return sorted(results, key=lambda result: [_order(_text(key, result)) for key in keys])


def _label(roles: Roles, result: Result) -> str:
    return ", ".join(_text(key, result) for key in roles.colours)


def _texts(key: str | None, results: Iterable[Result]) -> list[str]:
    return [_text(key, result) for result in results]


def _text(key: str | None, result: Result) -> str:
    return result.point.overrides.get(key, NOT_GIVEN) if key else ""


def _order(text: str) -> tuple[bool, float, str]:
    return (False, float(text), "") if _is_number(text) else (True, 0.0, text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
