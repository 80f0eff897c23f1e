"""Which of two scores is better, metric by metric: paired over speakers, corrected for many metrics.

    python3 -m steps.score.compare exp/demo exp/other

Reads two directories of scores, or of experiments whose `score` has them, and compares the first source of each, or
those of --name_a and --name_b. Figures of samples are compared by halves of the speakers, which are the same for both;
log densities by drawing the test speakers, with replacement. A figure that belongs where real speakers have it is
better where it is nearer to theirs. p values are corrected by Holm. Prints a table, and what cannot be compared;
--out writes both as comparison.json and comparison.md.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.score.paired import Pair, Scores, compare_scores
from utils.command import run_command
from utils.errors import InputError, brief
from utils.json_files import read_json, write_json
from utils.options import option
from utils.report_tables import Cell, Table, table_lines
from utils.stage_dir import StageDir

FILES = ("scores.json", "halves.json")
CAPTION = (
    "Difference: how much nearer to real speakers A is than B, or, for figures that are to be low or high, how much "
    "lower or higher; above 0 A is better. p is corrected for all figures of the table (Holm). A better one is named "
    "where p is below .05."
)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.score.compare"
    a: Path = option(help="scores, or an experiment; may be given without --a, as the first word")
    b: Path = option(help="the other scores; may be given as the second word")
    name_a: str | None = option(None, "which source of the first (default: its first)")
    name_b: str | None = option(None, "which source of the second (default: that of the same name, else its first)")
    out: Path | None = option(None, "directory to write the table to")


def work(options: Options) -> None:
    """Compare, print and write."""
    first = read_scores(options.a, options.name_a)
    second = read_scores(options.b, options.name_b, None if options.a.resolve() == options.b.resolve() else first.name)
    if first.directory.resolve() == second.directory.resolve() and first.name == second.name:
        raise InputError(f"{options.a}: compared with itself; name two of its sources with --name_a and --name_b")
    pairs, left_out = compare_scores(first, second)
    if not pairs:
        reasons = "; ".join(sorted(set(left_out.values()))) or "no figure is in both"
        raise InputError(f"{first.directory} and {second.directory}: nothing can be compared: {reasons}")
    text = "\n".join(lines_of(first, second, pairs, left_out))
    print(text)
    if options.out is None:
        return
    inputs = [path for one in (first, second) for name in FILES if (path := one.directory / name).is_file()]
    with StageDir(options.out, options, inputs) as stage:
        if stage.done:
            return
        document = {"pairs": [pair._asdict() for pair in pairs], "left_out": left_out}
        write_json(stage.dir / "comparison.json", document)
        (stage.dir / "comparison.md").write_text(text + "\n", encoding="utf-8")


def read_scores(path: Path, name: str | None, preferred: str | None = None) -> Scores:
    """The figures of one source of a directory of scores."""
    found = [one for one in (path, path / "score") if (one / FILES[0]).is_file()]
    if not found:
        raise InputError(f"{path}: no scores.json, here or in score/; score it first (steps.score.score)")
    document = read_json(found[0] / FILES[0], ("models", "order"))
    names = document["order"]
    models = document["models"]
    if not isinstance(names, list) or not names or not isinstance(models, dict) or not models.keys() >= {*names}:
        raise InputError(f"{found[0] / FILES[0]}: not the scores that steps.score.score writes; run it again")
    if name is not None and name not in names:
        raise InputError(f"{found[0] / FILES[0]}: no source {brief(name)}; expected {', '.join(names)}")
    chosen = name or (preferred if preferred in names else names[0])
    return Scores.of(found[0], chosen, models[chosen])


def lines_of(first: Scores, second: Scores, pairs: list[Pair], left_out: dict[str, str]) -> list[str]:
    """The table, and what is not in it."""
    names = {"A": f"{first.name} of {first.directory}", "B": f"{second.name} of {second.directory}"}
    rows = [
        [
            *(Cell(text) for text in (pair.figure, f"{pair.a:.4g}", f"{pair.b:.4g}")),
            *(Cell("-" if value is None else f"{value:.4g}") for value in (pair.real,)),
            *(Cell(text) for text in (f"{pair.difference:+.3g}", f"{pair.low:+.3g} to {pair.high:+.3g}")),
            *(Cell(text) for text in (f"{pair.p:.2g}", pair.better or "neither")),
        ]
        for pair in pairs
    ]
    header = ["", "A", "B", "real", "difference", "95 % interval", "p", "better"]
    table = Table(f"A: {names['A']}; B: {names['B']}", CAPTION, header, rows)
    reasons = [f"- {figure} cannot be compared: {reason}" for figure, reason in left_out.items()]
    return [*table_lines(table), *reasons, *([""] if reasons else []), summary(pairs)]


def summary(pairs: list[Pair]) -> str:
    """How many figures either is better in."""
    counts = {side: sum(pair.better == side for pair in pairs) for side in ("A", "B")}
    neither = len(pairs) - sum(counts.values())
    return f"A is better in {counts['A']} figures, B in {counts['B']}; {neither} do not differ beyond chance."


def main(argv: list[str] | None = None) -> int:
    """Run the command; the first words that are no options are the two directories."""
    words = list(sys.argv[1:] if argv is None else argv)
    named: list[str] = []
    while words and not words[0].startswith("-") and len(named) < 4:
        named += [f"--{'ab'[len(named) // 2]}", words.pop(0)]
    return run_command(Options, work, named + words, __doc__)


if __name__ == "__main__":
    sys.exit(main())
