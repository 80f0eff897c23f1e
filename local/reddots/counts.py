"""Counts of models and trials by list, sex, speaker and kind: a table for people, and counts.tsv."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from local.reddots.experiments import Experiment
from local.reddots.list_files import KINDS

COUNTS = "counts.tsv"
COLUMNS = ("list", "sex", "speaker", "models", "enrolment", *KINDS)
ANY = "all"  # in the column of sex or speaker: their sum
Row = tuple[str | int, ...]


def count(experiments: Iterable[Experiment], sexes: Mapping[str, str]) -> list[Row]:
    """Rows of COLUMNS: for each list its sum, those of both sexes, and each speaker; trials count for the model's.

    A list has both sexes, with zeros where it has no speaker of one; f? and m? are estimates, and `-`
    is a sex that nobody tells.
    """
    rows: list[Row] = []
    for experiment in experiments:
        sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * (2 + len(KINDS)))
        mark = "?" if any(sex.endswith("?") for sex in sexes.values()) else ""
        for sex in "fm":
            sums[f"{sex}{mark}", ANY]
        for (speaker, column), number in _by_speaker(experiment).items():
            sex = sexes.get(speaker, "-")
            for key in ((sex, speaker), (sex, ANY), (ANY, ANY)):
                sums[key][column] += number
        rows += [
            (experiment.name, *key, *numbers) for key, numbers in sorted(sums.items(), key=lambda one: _order(*one[0]))
        ]
    return rows


def _order(sex: str, speaker: str) -> tuple[bool, str, bool, str]:
    return sex != ANY, sex, speaker != ANY, speaker


def _by_speaker(experiment: Experiment) -> dict[tuple[str, int], int]:
    """(speaker of the model, column behind `speaker`) -> number."""
    found: dict[tuple[str, int], int] = defaultdict(int)
    for model, recordings in experiment.enrolments().items():
        speaker = model.split("_")[0]
        found[speaker, 0] += 1
        found[speaker, 1] += len(recordings)
    trials = experiment.trials
    speakers = [name.split("_")[0] for name in trials.enrolments]
    for enrol, kind in zip(trials.enrol.tolist(), trials.kind.tolist(), strict=True):
        found[speakers[enrol], 2 + kind] += 1
    return found


def write_counts(path: Path, rows: Iterable[Row]) -> None:
    """Write counts.tsv."""
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in (COLUMNS, *rows)), encoding="utf-8")


def count_lines(rows: Iterable[Row]) -> list[str]:
    """The table as it is printed."""
    cells = [[str(cell) for cell in row] for row in (COLUMNS, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(w) if n < 3 else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
