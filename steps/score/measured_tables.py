"""Tables of the metrics of samples beside real speakers, for summary.md and the report.

Input: the document of scores.json, whose models have `measured` and `skipped` (see `measured`).
"""

from collections.abc import Mapping
from typing import Any

from steps.score.figure_meanings import is_share, meaning_table
from utils.report_tables import Cell, Table

TITLE = "Samples beside real speakers"
CAPTION = (
    "Each figure with its 95 % interval over speakers. Real: what real speakers, no more than there are samples, have "
    "in the place of the samples, which is the ceiling; real, other group: real training speakers whose groups were "
    "dealt anew, where groups count. Figures belong where the real ones are, or, where it says so, low or high. (!) "
    "marks those that differ beyond chance, with all figures of the directory taken into account (Holm, 5 %); of few "
    "speakers, others may be off unseen."
)
REAL_ROW = "real speakers"
SIDE_BY_SIDE = (
    "Figures of samples, and last of real speakers in their place, who have none of the faults that these are to show. "
    "(!) marks those that differ from real speakers beyond chance, with all figures of the source taken into account. "
    "Of few speakers, others may be off unseen. What each figure says stands in a table below; intervals: scores.json."
)


def measured_tables(document: Mapping[str, Any]) -> list[Table]:
    """All tables: side by side where there are several sources, then one a source, then what was skipped."""
    models = measured_models(document)
    several = [side_by_side(models)] if len(models) > 1 else []
    each = [source_table(name, scores["measured"]) for name, scores in models.items()]
    return [table for table in (*several, *each, meaning_table(models), skipped_table(models)) if table.rows]


def measured_models(document: Mapping[str, Any]) -> dict[str, Any]:
    """The sources that have such figures, by name."""
    return {name: scores for name, scores in document["models"].items() if "measured" in scores}


def at_a_glance(models: Mapping[str, Any]) -> Table:
    """A row a source, a column a figure: the table that sorts sources; last the real speakers in their place."""
    keys = list(dict.fromkeys(key for scores in models.values() for key in scores["measured"]))
    found = {name: [scores["measured"].get(key) for key in keys] for name, scores in models.items()}
    columns = zip(*found.values(), strict=True)
    real = [next((one["real"] for one in column if one and "real" in one), None) for column in columns]
    rows = [[Cell(name), *map(figure_cell, own)] for name, own in found.items()]
    rows.append([Cell(REAL_ROW), *(Cell(number(one)) for one in real)])
    names = [key.replace(".", ": ").replace("_", " ") for key in keys]  # whose lines break
    return Table("At a glance", SIDE_BY_SIDE, ["", *names], rows)


def side_by_side(models: Mapping[str, Any]) -> Table:
    """A row a figure, a column a source."""
    keys = dict.fromkeys(key for scores in models.values() for key in scores["measured"])
    rows = []
    for key in keys:
        found = [scores["measured"].get(key) for scores in models.values()]
        real = next((one["real"] for one in found if one and "real" in one), None)
        rows.append([Cell(key), *(figure_cell(one) for one in found), Cell(number(real))])
    return Table("Samples beside real speakers, by figure", SIDE_BY_SIDE, ["", *models, "real"], rows)


def source_table(name: str, measured: Mapping[str, Any]) -> Table:
    """A row a figure of one source."""
    header = ["", "samples", "95 % interval", "real", "95 % interval", "real, other group", "wanted", "corrected p"]
    rows = [
        [
            Cell(key),
            figure_cell(one),
            Cell(bounds(one.get("ci95"), key)),
            Cell(number(one.get("real"))),
            Cell(bounds(one.get("real_ci95"), key)),
            Cell(number(one.get("floor"))),
            Cell("as real" if one["better"] == "near" else one["better"]),
            Cell(number(one.get("p"))),
        ]
        for key, one in measured.items()
    ]
    return Table(f"{name} beside real speakers", CAPTION, header, rows)


def skipped_table(models: Mapping[str, Any]) -> Table:
    """What was not measured, and why."""
    rows = []
    for name, scores in models.items():
        skipped = scores.get("skipped", {})
        for reason in dict.fromkeys(skipped.values()):
            metrics = ", ".join(metric for metric in skipped if skipped[metric] == reason)
            rows.append([Cell(f"{name}: {metrics}"), Cell(reason)])
    return Table("Skipped", "Metrics that lack an input, and which.", ["", "reason"], rows)


def figure_cell(one: Mapping[str, Any] | None) -> Cell:
    """A figure, marked where it is not as real speakers'. One that is not shown to differ has no mark of a good one."""
    return Cell("-") if one is None else Cell(number(one["value"]), None if one.get("as_real", True) else False)


def number(value: float | None) -> str:
    """A number with three digits that count."""
    return "-" if value is None else f"{value:#.3g}".rstrip(".") if abs(value) >= 1e-3 or not value else f"{value:.1e}"


def bounds(pair: list[float] | None, key: str) -> str:
    """The interval of a figure; of a share it is cut at 0 and 1."""
    if pair is None:
        return "-"
    low, high = (min(max(one, 0.0), 1.0) for one in pair) if is_share(key) else pair
    return f"{number(low)} to {number(high)}"


def about_directories(document: Mapping[str, Any]) -> str:
    """What was compared with what."""
    data, settings = document["data"], document["settings"]
    real = " and ".join(
        f"{data[name]['speakers']:,} {name} speakers ({data[name]['segments']:,} segments)"
        for name in ("train", "test")
    )
    samples = "; ".join(
        f"{name}: {one['speakers']:,} speakers, {one['segments']:,} vectors{mixed(data['compared'][name], one)}"
        for name, one in data["samples"].items()
    )
    return (
        f"Real: {real}, {data['dim']} dimensions. Samples: {samples}. Intervals: {settings['n_halves']} halves of the "
        "speakers."
    )


def mixed(compared: int, counts: Mapping[str, Any]) -> str:
    """How many of the speakers are compared, where they are not all."""
    return "" if compared == counts["speakers"] else f", of whom {compared:,} in the mix of groups of the test speakers"
