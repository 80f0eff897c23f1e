"""The tables and the picture of all systems side by side, from the document of `steps.sid.judgements`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from steps.metrics.det_picture import HUES
from steps.metrics.detection_figures import FEW, few
from steps.sid.judgements import ALL, one_session
from utils.report_tables import Cell, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Who speaks? Systems on known speakers and on speakers never seen"
ONE_SESSION = "Clean figures prove nothing here: one session a speaker measures the channel."
NEW_SESSIONS = "Sessions of recording differ between training and test, and between the two sides of a target."
ABOUT = (
    "Closed set: which of the training speakers said a test utterance? Open set: are two utterances of speakers never"
    " seen by one speaker? Errors in per cent, with their number; brackets: 95 %, {draws:,} draws of speakers. *: fewer"
    f" than {FEW} errors of a kind, so the figure is rough."
)
Rows = list[list[Cell]]


def tables(document: Mapping[str, Any], baselines: Sequence[str]) -> Iterator[Table]:
    """All tables: first what matters most, for all systems."""
    remark = remark_on(document)
    yield _overview(document, baselines, remark)
    if document["closed"]:
        yield _closed(document["closed"], remark)
        yield _confused(document["closed"], remark)
    if document["open"]:
        yield _open(document["open"], remark)
        yield _trials(document["design"], remark)


def remark_on(document: Mapping[str, Any]) -> str:
    """What clean figures prove, which depends on the sessions of the corpus."""
    return ONE_SESSION if one_session(document) else NEW_SESSIONS


def _overview(document: Mapping[str, Any], baselines: Sequence[str], remark: str) -> Table:
    columns = list(columns_of(document))
    best = {column: _best(document, column, baselines) for column in columns}
    rows: Rows = []
    for system in systems(document):
        row = [Cell(system)]
        for column in columns:
            rate, figures, metric = rate_of(document, system, column)
            row.append(Cell("-") if rate is None else _rate(rate, figures, metric, best[column], system in baselines))
        rows.append(row)
    caption = remark
    if baselines:
        caption += f" x: ratio to the better of the baselines ({', '.join(baselines)}) in the same column."
    return Table("All systems", caption, ["system", *(" ".join(column) for column in columns)], rows)


def columns_of(document: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """closed and a condition, or open, a condition and a scoring, each once."""
    found = [("closed", condition) for of_system in document["closed"].values() for condition in of_system]
    for of_system in document["open"].values():
        found += [("open", condition, scoring) for condition, scorings in of_system.items() for scoring in scorings]
    return iter(dict.fromkeys(sorted(found)))


def systems(document: Mapping[str, Any]) -> list[str]:
    """The names of all systems, in order."""
    return list(dict.fromkeys([*document["closed"], *document["open"]]))


def rate_of(document: Mapping[str, Any], system: str, column: tuple[str, ...]) -> tuple[float | None, dict, str]:
    """The error rate of a column, None where the system has none; its figures, and its name among them."""
    figures = document[column[0]].get(system, {})
    for name in column[1:]:
        figures = figures.get(name, {})
    if not figures:
        return None, {}, ""
    return (
        (1 - figures["top1"], figures, "top1") if column[0] == "closed" else (figures[ALL]["eer"], figures[ALL], "eer")
    )


def _best(document: Mapping[str, Any], column: tuple[str, ...], baselines: Sequence[str]) -> float | None:
    rates = [rate_of(document, system, column)[0] for system in baselines]
    return min((rate for rate in rates if rate is not None), default=None)


def _rate(rate: float, figures: Mapping[str, Any], metric: str, best: float | None, is_baseline: bool) -> Cell:
    ratio = f" x{rate / best:.2f}" if best and not is_baseline else ""
    low, high = figures[f"{metric}_ci95"]
    if metric == "top1":
        low, high = 1 - high, 1 - low
    return Cell(f"{100 * rate:.2f}{_mark(figures, metric)} [{100 * low:.2f} to {100 * high:.2f}]{ratio}")


def _mark(figures: Mapping[str, Any], metric: str) -> str:
    return "*" if few(figures, metric) else ""


def _closed(closed: Mapping[str, Any], remark: str) -> Table:
    header = [
        "system",
        "condition",
        "utterances",
        "speakers",
        "top-1 error",
        "top-5 error",
        "macro error",
        "women",
        "men",
    ]
    rows: Rows = []
    for system, condition, found in _pairs(closed):
        genders = [found["genders"].get(gender) for gender in ("f", "m")]
        low, high = found["macro_ci95"]
        texts = [
            f"{found['utterances']:,}", f"{found['speakers']:,}", _errors(found, "top1"), _errors(found, "top5"),
            f"{100 * (1 - found['macro']):.2f} [{100 * (1 - high):.2f} to {100 * (1 - low):.2f}]",
            *("-" if one is None else _errors(one, "top1") for one in genders),
        ]  # fmt: skip
        rows.append([Cell(system), Cell(condition), *map(Cell, texts)])
    left_out = sum(found["left_out"] for _, _, found in _pairs(closed))
    caption = f"{remark} Macro: the mean over speakers. Women and men: top-1 error."
    if left_out:
        caption += f" Left out: {left_out} utterances of speakers that no model knows (left_out.tsv)."
    return Table("Closed set", caption, header, rows)


def _errors(figures: Mapping[str, Any], metric: str) -> str:
    """An error rate with its number and interval."""
    low, high = figures[f"{metric}_ci95"]
    errors, share = figures[f"{metric}_errors"], 1 - figures[metric]
    bounds = f"[{100 * (1 - high):.2f} to {100 * (1 - low):.2f}]"
    return f"{100 * share:.2f}{_mark(figures, metric)} ({errors}) {bounds}"


def _confused(closed: Mapping[str, Any], remark: str) -> Table:
    rows: Rows = []
    for system, condition, found in _pairs(closed):
        pairs = [
            f"{one['speaker']} and {one['other']} ({one['taken_for_other']} + {one['other_taken_for_it']})"
            for one in found["confused"][:5]
        ]
        rows.append([Cell(system), Cell(condition), Cell("; ".join(pairs) or "none")])
    caption = f"{remark} In brackets, how often the first was taken for the second, and the second for the first."
    return Table("Speakers confused most", caption, ["system", "condition", "pairs"], rows)


def _open(found: Mapping[str, Any], remark: str) -> Table:
    header = [
        "system",
        "condition",
        "scoring",
        "trials",
        "targets",
        "non-targets",
        "EER",
        "95 %",
        "minDCF(0.01)",
        "95 %",
    ]
    rows: Rows = []
    for system, condition, scorings in _pairs(found):
        for scoring, of_subsets in scorings.items():
            for subset, own in of_subsets.items():
                eer, cost = own["eer_ci95"], own["min_dcf_ci95"]
                eer_errors = f"({own['eer_misses']:,} and {own['eer_false_alarms']:,})"
                cost_errors = f"({own['min_dcf_misses']:,} and {own['min_dcf_false_alarms']:,})"
                texts = [
                    f"{own['targets']:,}", f"{own['nontargets']:,}",
                    f"{100 * own['eer']:.2f}{_mark(own, 'eer')} {eer_errors}",
                    f"{100 * eer[0]:.2f} to {100 * eer[1]:.2f}",
                    f"{own['min_dcf']:.3f}{_mark(own, 'min_dcf')} {cost_errors}",
                    f"{cost[0]:.3f} to {cost[1]:.3f}",
                ]  # fmt: skip
                rows.append([*map(Cell, (system, condition, scoring, subset, *texts))])
    caption = (
        f"{remark} In brackets: misses and false alarms at the threshold. Trials: all, or both sides of one gender."
    )
    return Table("Open set", caption, header, rows)


def _trials(design: Mapping[str, Any], remark: str) -> Table:
    rows = [[Cell(name), Cell("-" if value is None else f"{value:,}")] for name, value in design.items()]
    return Table("Trials of the open set", remark, ["", "trials"], rows)


def _pairs(found: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    return ((system, name, one) for system, of_system in found.items() for name, one in of_system.items())


def draw(document: Mapping[str, Any]) -> "Figure":
    """The error rate of each system with its interval: a panel for the closed set and one for the open set."""
    from matplotlib.figure import Figure

    names, columns = systems(document), list(columns_of(document))
    parts = [part for part in ("closed", "open") if any(column[0] == part for column in columns)]
    figure = Figure(figsize=(9.6, 1.9 + 0.32 * len(names)), dpi=120, layout="constrained")
    axes = figure.subplots(1, len(parts), squeeze=False, sharey=True)[0]
    for axis, part in zip(axes, parts, strict=True):
        own = [column for column in columns if column[0] == part]
        for number, column in enumerate(own):
            label: str | None = " ".join(column[1:])
            for row, system in enumerate(names):
                rate, figures, metric = rate_of(document, system, column)
                if rate is None:
                    continue
                low, high = sorted(abs((metric == "top1") - bound) for bound in figures[f"{metric}_ci95"])
                y = row + 0.6 * ((number + 0.5) / len(own) - 0.5)
                axis.plot([100 * low, 100 * high], [y, y], color=HUES[number % len(HUES)], linewidth=1.6)
                axis.plot(100 * rate, y, "o", color=HUES[number % len(HUES)], markersize=4, label=label)
                label = None  # once in the legend
        axis.set_xlabel("closed set: top-1 error, %" if part == "closed" else "open set: EER, %")
        axis.set_xlim(left=0)
        axis.spines[["top", "right"]].set_visible(False)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=8, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    axes[0].set_yticks(range(len(names)), names, parse_math=False)
    axes[0].invert_yaxis()
    return figure
