"""Report the errors of any number of systems: per part, sex of the model's speaker, system and kind of non-targets.

    python3 -m steps.verify.error_report --data data --scores exp/pooled,exp/fused --out exp/report

Reads <scores>/<part>/<system> of all directories of --scores, and the trials of each part (`steps.verify.trial_parts`).
Each cell has the equal error rate, the least detection costs at (prior .01, cost of a miss 10, of a false alarm 1) and
(.001, 1, 1), Cllr and its least, numbers of trials and errors, and 95 % intervals over speakers. Writes

    report.html         tables and DET curves in one file
    summary.md          the tables
    figures.json        every figure: part, sex, system, kind
    results.tsv         a row a figure: part, sex, system, kind, metric, value, low, high, errors, numbers of trials
    det_<part>.png      DET curves of a part
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from utils.command import logger, run_command
from utils.json_files import json_text
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir
from utils.tables import read_table

if TYPE_CHECKING:
    from steps.verify.error_cells import ErrorCell

log = logger(__name__)
COUNTS = ("targets", "nontargets", "unscored_targets", "unscored_nontargets")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.error_report"
    data: Path = option(help="directory of enrol_<part> and test_<part>")
    scores: tuple[str, ...] = option(help="directories of <part>/<system>/scores")
    out: Path = option(help="directory to write")
    systems: tuple[str, ...] = option((), "report these alone, in this order; default: all")
    draws: int = option(1000, "of speakers, for the intervals", least=1, most=100_000)
    seed: int = option(0, "of the draws", least=0, most=MAX_SEED)
    force: bool = option(False, "report again even if nothing has changed")


def work(options: Options) -> None:
    """Measure and commit the report."""
    from steps.verify.score_dirs import find_scores, read_score_dir, score_files
    from steps.verify.trial_parts import TrialPart, part_files

    found = find_scores(options.scores, options.systems)
    lists = options.data / "lists"
    inputs = [lists] if lists.is_file() else []
    inputs += [path for part in found for path in part_files(options.data, part)]
    inputs += [path for own in found.values() for directory in own.values() for path in score_files(directory)]
    names = {"names": [f"{part}/{system}" for part, own in found.items() for system in own]}
    signed = names | {"draws": options.draws, "seed": options.seed}
    with StageDir(options.out, signed, inputs, options.force, command=Options.COMMAND) as stage:
        if stage.done:
            return
        from steps.verify.error_cells import measure_part
        from steps.verify.error_pages import write_pages

        figures, curves = {}, {}
        for name, systems in found.items():
            part = TrialPart.read(options.data, name)
            scores = {system: read_score_dir(path, part.trials)[0] for system, path in systems.items()}
            cells, of_part = measure_part(part, scores, options.draws, options.seed)
            figures |= cells
            curves |= {name: of_part} if of_part else {}
        missing = sorted({*read_table(lists).values()} - found.keys()) if lists.is_file() else []
        remarks = [f"Parts of the lists without scores: {', '.join(missing)}."] if missing else []
        everywhere = list(dict.fromkeys(system for own in found.values() for system in own))
        for name, own in found.items():
            absent = [system for system in everywhere if system not in own]
            remarks += [f"Part {name} has no scores of {', '.join(absent)}."] if absent else []
        document = {"parts": nested(figures), "without_scores": missing, "draws": options.draws}
        text = json_text(document, stage.dir / "figures.json", indent=1)
        (stage.dir / "figures.json").write_text(f"{text}\n", encoding="utf-8")
        lines = ["\t".join(row) for row in result_rows(figures)]
        (stage.dir / "results.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        write_pages(stage.dir, figures, curves, remarks, options.draws)
        log.info("%s:\n%s", stage.final / "summary.md", (stage.dir / "summary.md").read_text(encoding="utf-8"))


def nested(figures: "Mapping[ErrorCell, dict[str, Any]]") -> dict[str, Any]:
    """Part -> sex -> system -> kind -> figures."""
    found: dict[str, Any] = {}
    for cell, own in figures.items():
        found.setdefault(cell.part, {}).setdefault(cell.sex, {}).setdefault(cell.system, {})[cell.kind] = own
    return found


def result_rows(figures: "Mapping[ErrorCell, dict[str, Any]]") -> Iterator[tuple[str, ...]]:
    """The rows of results.tsv; a cell without targets or non-targets has rows without values."""
    from steps.verify.error_cells import METRICS
    from steps.verify.error_pages import mark

    errors = ("misses", "false_alarms")
    yield "part", "sex", "system", "kind", "metric", "value", "low", "high", *errors, "few_errors", *COUNTS
    for cell, own in figures.items():
        counts = [str(own[name]) for name in COUNTS]
        for metric in METRICS:
            numbers = [own.get(metric), *own.get(f"{metric}_ci95", (None, None))]
            texts = ["" if number is None else f"{number:.6g}" for number in numbers]
            texts += [str(own.get(f"{metric}_{name}", "")) for name in errors]
            few = "" if "empty" in own else str(bool(mark(own, metric))).lower()
            yield *cell, metric, *texts, few, *counts


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
