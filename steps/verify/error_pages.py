"""The tables and pictures of error rates: for each part tables of rates, of costs and of counts, and DET curves."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from steps.metrics.det_picture import draw_det
from steps.metrics.detection_figures import FEW, few
from steps.verify.error_cells import ALL, COSTS, METRICS, Curves, ErrorCell
from steps.verify.trial_parts import UNKNOWN
from utils.report_page import Picture, page_html, picture_html, png_of, table_html
from utils.report_tables import Cell, Table, table_lines

Figures = Mapping[ErrorCell, Mapping[str, Any]]
CELL_NAMES = ("kind", "system", "sex")
TITLE = "Errors of verification"
ABOUT = (
    "Targets are trials of the model's own speaker and sentence (TC). Kinds of non-targets: IC, an impostor says the"
    " correct sentence; TW, the target speaker says a wrong one; IW, an impostor says a wrong one. Brackets: 95 %"
    " intervals, {draws:,} draws of speakers. *: fewer than {few} misses or false alarms, so the figure is rough. A"
    " trial that a system could not score counts as rejected, and is left out of Cllr."
)
NAMES = {
    "eer": "EER, %",
    **{name: f"minDCF({cost.p_target:g}, {cost.c_miss:g}, {cost.c_false_alarm:g})" for name, cost in COSTS.items()},
    "cllr": "Cllr, bits",
    "min_cllr": "min Cllr",
}


def write_pages(
    directory: Path, figures: Figures, curves: Mapping[str, Mapping[str, Curves]], remarks: list[str], draws: int
) -> None:
    """Write summary.md, det_<part>.png and report.html.

    Args:
        curves: part -> kind -> system -> its curve. remarks: what else is to be said, such as parts without scores.
    """
    from html import escape

    about = [ABOUT.format(draws=draws, few=FEW), *remarks]
    tables = {part: list(part_tables(part, figures)) for part in dict.fromkeys(cell.part for cell in figures)}
    lines = [f"# {TITLE}", "", *(line for text in about for line in (text, ""))]
    lines += [line for own in tables.values() for table in own for line in table_lines(table)]
    (directory / "summary.md").write_text("\n".join(lines), encoding="utf-8")
    body = [f"<p>{escape(text)}</p>" for text in about]
    for part, (rates, *others) in tables.items():
        body.append(table_html(rates))
        if part in curves:
            picture = _det_picture(part, curves[part])
            (directory / f"{picture.name}.png").write_bytes(picture.png)
            body.append(picture_html(picture))
        body += map(table_html, others)
    (directory / "report.html").write_text(page_html(TITLE, body), encoding="utf-8")


def _det_picture(part: str, curves: Mapping[str, Curves]) -> Picture:
    title = f"Part {part}: misses against false alarms (DET)"
    panels = {f"non-targets: {kind}": own for kind, own in curves.items()}
    return Picture(f"det_{part}", title, "Nearer the lower left corner is better.", png_of(draw_det(panels)), title)


def part_tables(part: str, figures: Figures) -> Iterator[Table]:
    """The tables of a part."""
    own = {cell: found for cell, found in figures.items() if cell.part == part}
    yield from _rates(part, own)
    yield _costs(part, own)
    yield _trials(part, own)


def _rates(part: str, own: Figures) -> Iterator[Table]:
    """Rates, and then their intervals: the first fits the screen of a phone."""
    kinds, systems, sexes = (list(dict.fromkeys(getattr(cell, name) for cell in own)) for name in CELL_NAMES)
    shown = sexes if len(sexes) > 2 else sexes[:1]  # one sex is all
    rows = {
        (system if sex == ALL else f"{system}, {sex}"): [own[ErrorCell(part, sex, system, kind)] for kind in kinds]
        for sex in shown
        for system in systems
    }
    caption = "By the sex of the model's speaker, as spk2gender says it."
    if len(shown) == 1:
        caption = f"The sex of all models' speakers: {sexes[-1] if len(sexes) > 1 else UNKNOWN}."
    for what, cell in (("equal error rates, %", _rate), ("95 % intervals of the equal error rates, %", _bounds)):
        lines = [[Cell(name), *map(cell, found)] for name, found in rows.items()]
        yield Table(f"Part {part}: {what}", caption, ["system", *kinds], lines)


def _costs(part: str, own: Figures) -> Table:
    names = [name for name in METRICS if name != "eer"]
    rows = [
        [Cell(cell.system), Cell(cell.kind), *(_number(found, name) for name in names)]
        for cell, found in own.items()
        if cell.sex == ALL
    ]
    caption = (
        "minDCF(prior of a target, cost of a miss, cost of a false alarm): the least cost, over that of the better of"
        " accepting and rejecting all. Cllr judges scores as natural log likelihood ratios."
    )
    header = ["system", "non-targets", *(NAMES[name] for name in names)]
    return Table(f"Part {part}: detection costs", caption, header, rows)


def _trials(part: str, own: Figures) -> Table:
    rows = [
        [Cell(cell.system), Cell(cell.kind), *map(Cell, _counts(found))]
        for cell, found in own.items()
        if cell.sex == ALL
    ]
    header = ["system", "kind", "targets", "non-targets", "speakers", "without a score", "errors at EER"]
    header += [f"errors at {NAMES[name]}" for name in COSTS]
    caption = "Without a score: targets and non-targets. Errors: misses and false alarms."
    return Table(f"Part {part}: trials and errors", caption, header, rows)


def _rate(figures: Mapping[str, Any]) -> Cell:
    """An equal error rate, or what is missing."""
    if "empty" in figures:
        return Cell(figures["empty"])
    return Cell(f"{100 * figures['eer']:.2f}{mark(figures, 'eer')}")


def _bounds(figures: Mapping[str, Any]) -> Cell:
    """The interval of an equal error rate."""
    if "empty" in figures:
        return Cell("-")
    low, high = figures["eer_ci95"]
    return Cell(f"{100 * low:.2f} to {100 * high:.2f}")


def _number(figures: Mapping[str, Any], metric: str) -> Cell:
    if "empty" in figures:
        return Cell("-")
    bounds = figures.get(f"{metric}_ci95")
    interval = f" [{bounds[0]:.3f} to {bounds[1]:.3f}]" if bounds else ""
    return Cell(f"{figures[metric]:.3f}{mark(figures, metric)}{interval}")


def _counts(figures: Mapping[str, Any]) -> Iterator[str]:
    """The cells of the third table."""
    yield from (f"{figures[name]:,}" for name in ("targets", "nontargets", "speakers"))
    yield f"{figures['unscored_targets']:,} and {figures['unscored_nontargets']:,}"
    for name in ("eer", *COSTS):
        errors = [figures.get(f"{name}_{kind}") for kind in ("misses", "false_alarms")]
        yield "-" if None in errors else f"{errors[0]:,} and {errors[1]:,}{mark(figures, name)}"


def mark(figures: Mapping[str, Any], metric: str) -> str:
    """A star where a figure rests on few errors; those without a threshold have the mark of the equal error rate."""
    return "*" if few(figures, metric if f"{metric}_misses" in figures else "eer") else ""
