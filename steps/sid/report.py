"""Report what systems did on closed and open sets: all systems in one table, clean and perturbed side by side.

    python3 -m steps.sid.report --closed exp/closed --trials exp/trials --open exp/open --baselines lda --out exp/report

Reads `<closed>/<system>/<condition>` of steps.sid.classify, and `<open>/<system>/<condition>/<scoring>` of
steps.verify.score_trials, such as exp/open/mamba2/open_perturbed/as_norm, of the trials --trials. Writes

    report.html            tables and pictures in one file
    summary.md             the tables
    figures.json           every figure
    results.tsv            a row a figure: part, system, condition, scoring, trials, metric, value, low, high, errors
    det.png, results.png   DET curves; error rates of all systems with intervals
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from utils.command import logger, run_command
from utils.errors import InputError
from utils.json_files import json_text
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.sid.judgements import Curves

log = logger(__name__)
CLOSED_METRICS, OPEN_METRICS = ("top1", "top5", "macro"), ("eer", "min_dcf")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.sid.report"
    out: Path = option(help="directory to write")
    closed: Path | None = option(None, "directory of <system>/<condition> of steps.sid.classify")
    open: Path | None = option(None, "directory of <system>/<condition>/<scoring> of steps.verify.score_trials")
    trials: Path | None = option(None, "directory of steps.verify.make_pairs, of the scores of --open")
    baselines: tuple[str, ...] = option((), "systems; errors are given as ratios to the best of these, too")
    draws: int = option(1000, "of speakers, for the intervals", least=1, most=100_000)
    seed: int = option(0, "of the draws", least=0, most=MAX_SEED)
    force: bool = option(False, "report again even if nothing has changed")


def work(options: Options) -> None:
    """Measure and commit the report."""
    if options.closed is None and options.open is None or (options.open is None) != (options.trials is None):
        raise InputError("expected --closed, or --open with --trials, or all three")
    from steps.sid.judgements import PREDICTIONS, SCORES, SpeakerDraws, closed_figures, find, open_figures

    closed = find(options.closed, 2, PREDICTIONS) if options.closed else []
    opened = find(options.open, 3, SCORES) if options.open else []
    inputs = [path / PREDICTIONS for path in closed] + [path / SCORES for path in opened]
    inputs += [path for name in TRIAL_FILES if options.trials and (path := options.trials / name).is_file()]
    with StageDir(
        options.out, _signed(options, closed, opened), inputs, options.force, command=Options.COMMAND
    ) as stage:
        if stage.done:
            return
        draws = SpeakerDraws(options.draws, options.seed)
        found, design, curves = open_figures(options.trials, opened, draws) if opened else ({}, {}, {})
        document = {"closed": closed_figures(closed, draws), "open": found, "design": design}
        _require_baselines(options, document)
        text = json_text(document, stage.dir / "figures.json", indent=1)
        (stage.dir / "figures.json").write_text(f"{text}\n", encoding="utf-8")
        lines = ["\t".join(row) for row in result_rows(document)]
        (stage.dir / "results.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        write_pages(stage.dir, document, curves, options)
        log.info("%s:\n%s", stage.final / "summary.md", (stage.dir / "summary.md").read_text(encoding="utf-8"))


TRIAL_FILES = ("trials", "enrol2spk", "design.json", "test/utt2spk")


def _signed(options: Options, closed: list[Path], opened: list[Path]) -> dict[str, Any]:
    """What decides the report besides the content of files: the names of systems and conditions."""
    names = {
        "closed": ["/".join(path.parts[-2:]) for path in closed],
        "open": ["/".join(path.parts[-3:]) for path in opened],
    }
    return names | {"baselines": list(options.baselines), "draws": options.draws, "seed": options.seed}


def _require_baselines(options: Options, document: Mapping[str, Any]) -> None:
    known = document["closed"].keys() | document["open"].keys()
    missing = [name for name in options.baselines if name not in known]
    if missing:
        raise InputError(f"--baselines {missing[0]}: no such system; expected some of {', '.join(sorted(known))}")


def result_rows(document: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The rows of results.tsv."""
    yield "part", "system", "condition", "scoring", "trials", "metric", "value", "low", "high", "errors"
    for system, conditions in document["closed"].items():
        for condition, figures in conditions.items():
            for subset, own in {"all": figures, **figures["genders"]}.items():
                for metric in CLOSED_METRICS:
                    errors = str(own.get(f"{metric}_errors", ""))
                    yield "closed", system, condition, "", subset, f"{metric}_accuracy", *_numbers(own, metric), errors
    for system, conditions in document["open"].items():
        for condition, scorings in conditions.items():
            for scoring, subsets in scorings.items():
                for subset, own in subsets.items():
                    for metric in OPEN_METRICS:
                        errors = str(own[f"{metric}_misses"] + own[f"{metric}_false_alarms"])
                        yield "open", system, condition, scoring, subset, metric, *_numbers(own, metric), errors


def _numbers(figures: Mapping[str, Any], metric: str) -> tuple[str, ...]:
    return tuple(f"{value:.6g}" for value in (figures[metric], *figures[f"{metric}_ci95"]))


def write_pages(directory: Path, document: Mapping[str, Any], curves: "Curves", options: Options) -> None:
    """Write summary.md, the pictures and report.html."""
    from html import escape

    from steps.metrics.det_picture import draw_det
    from steps.sid import comparison
    from utils.report_page import Picture, page_html, picture_html, png_of, table_html
    from utils.report_tables import table_lines

    about = comparison.ABOUT.format(draws=options.draws)
    tables = list(comparison.tables(document, options.baselines))
    lines = [f"# {comparison.TITLE}", "", about, "", *(line for table in tables for line in table_lines(table))]
    (directory / "summary.md").write_text("\n".join(lines), encoding="utf-8")
    remark = comparison.remark_on(document)
    caption = f"{remark} Further left is better; lines are 95 % intervals over speakers."
    pictures = [
        Picture("results", "Error rates", caption, png_of(comparison.draw(document)), "error rates, as in the table")
    ]
    if curves:
        panels = {", ".join(panel): of_systems for panel, of_systems in curves.items()}
        title = "Misses against false alarms (DET)"
        caption = f"{remark} Nearer the lower left corner is better."
        pictures.append(Picture("det", title, caption, png_of(draw_det(panels)), title))
    for picture in pictures:
        (directory / f"{picture.name}.png").write_bytes(picture.png)
    first, *others = map(table_html, tables)
    body = [f"<p>{escape(about)}</p>", first, *map(picture_html, pictures), *others]
    (directory / "report.html").write_text(page_html(comparison.TITLE, body), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
