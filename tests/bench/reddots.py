"""Short phrases: the recipe `egs/reddots/v1` on spoken English and Arabic digits, all systems and their fusion.

Needs PSEUDOSPEAKERS_DATA with fsdd, librispeech-251 (speech for the UBM of fsdd) and arabic-digits-30. Runs the recipe
in --work, where what is finished is not done again, and writes the errors of its report beside the goals.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from tests.bench.results import PATH, command_line, record, table
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option

log = logger(__name__)
RECIPE = Path(__file__).parents[2] / "egs" / "reddots" / "v1"
KINDS = ("IC", "TW", "IW")
TITLE = "Short phrases"
CORPORA = ("fsdd", "arabic-digits")
WHAT = {
    ("fsdd", "01"): "English digits, phrases of four, 6 men",
    ("fsdd", "words"): "English digits, single, 6 men",
    ("arabic-digits", "01"): "Arabic digits, phrases of four, 30 speakers",
    ("arabic-digits", "words"): "Arabic digits, single, 30 speakers, the lists that come with the data",
}
GMM, HMM, FUSED, BEST = "gmm_llr", "hmm_viterbi", "fused", "the best single system"
GOALS = (  # corpus, part, system, EER in % of KINDS
    ("fsdd", "01", GMM, (1.6, 25, 1.2)),
    ("fsdd", "01", HMM, (2.0, 4.5, 0.4)),
    ("fsdd", "01", FUSED, (1.3, 3.0, 0.3)),
    ("fsdd", "words", FUSED, (9, 6, 2.4)),
    ("arabic-digits", "words", BEST, (8.15, 8.2, 3.6)),
    ("arabic-digits", "words", FUSED, (5.43, 5.47, 2.4)),
)


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    COMMAND: ClassVar[str] = "tests.bench.reddots"
    work: Path = option(help="directory of data and models")
    corpora: tuple[str, ...] = option(CORPORA, "what to run", choices=CORPORA)
    words: str = option("", "further words for run.sh, such as '--nj 2 --as_norm gmm_llr,dvector'")
    results: Path = option(PATH, "file to write the section into")


class Figure(NamedTuple):
    """An equal error rate, with its interval, as shares; few: of fewer than 30 errors."""

    value: float
    low: float
    high: float
    few: bool

    def __str__(self) -> str:
        numbers = [f"{100 * number:.2f}" for number in (self.value, self.low, self.high)]
        return f"{numbers[0]}{'*' if self.few else ''} [{numbers[1]}, {numbers[2]}]"


Figures = Mapping[tuple[str, str, str], Figure]  # part, system, kind


def work(options: Options) -> None:
    """Run the recipe on each corpus, and write the section."""
    found, seconds = {}, {}
    for corpus in options.corpora:
        seconds[corpus] = run_recipe(corpus, options)
        found[corpus] = read_figures(options.work / "exp" / corpus / "report" / "results.tsv")
        log.info("%s: %.0f s of processor time", corpus, seconds[corpus])
    body = section(found, seconds)
    record(options.results, TITLE, command_line("tests.bench.reddots", options), body)


def run_recipe(corpus: str, options: Options) -> float:
    """Run it to its end. Returns its seconds of processor time."""
    root = options.work.absolute()
    words = ["./run.sh", "--corpus", corpus, "--corpora", root / "corpora", *shlex.split(options.words)]
    words += ["--data", root / "data" / corpus, "--exp", root / "exp" / corpus]
    process = subprocess.Popen(
        list(map(str, words)), cwd=RECIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InputError(f"{' '.join(map(str, words))}: exit status {process.returncode}: {said[-2000:]}")
    return used.ru_utime + used.ru_stime


def read_figures(path: Path) -> dict[tuple[str, str, str], Figure]:
    """The equal error rates of both sexes together."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    named = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    return {
        (row["part"], row["system"], row["kind"]): Figure(
            float(row["value"]), float(row["low"]), float(row["high"]), row["few_errors"] == "true"
        )
        for row in named
        if row["metric"] == "eer" and row["sex"] == "all" and row["kind"] in KINDS and row["value"]
    }


def section(found: Mapping[str, Figures], seconds: Mapping[str, float]) -> str:
    """The Markdown of all corpora."""
    blocks = []
    for (corpus, part), what in WHAT.items():
        own = {key[1:]: figure for key, figure in found.get(corpus, {}).items() if key[0] == part}
        systems = dict.fromkeys(system for system, _ in own if not system.endswith("_calibrated"))
        rows = [[system, *(str(own[system, kind]) for kind in KINDS)] for system in systems]
        if rows:
            blocks.append(f"**{what}** (`--corpus {corpus}`, part {part}): EER, %\n\n{table(['system', *KINDS], rows)}")
    goals = table(["goal: EER, %", *KINDS, "goals", "met"], list(goal_rows(found)))
    took = ", ".join(f"{corpus} {taken / 60:.0f} minutes" for corpus, taken in seconds.items())
    note = (
        "Equal error rates with 95 % intervals over speakers; * of fewer than 30 errors. IC: an impostor says the right"
        " words; TW: the right speaker says other words; IW: both are wrong. Weights of the fusion are learnt from"
        f" other speakers. Processor time of this run, of which what was finished takes none: {took}. RedDots itself:"
        " not run here."
    )
    return "\n\n".join([note, *blocks, goals])


def goal_rows(found: Mapping[str, Figures]) -> Iterator[Sequence[str]]:
    """A row a goal: what was measured, and whether that meets it."""
    for corpus, part, system, most in GOALS:
        own = {key[1:]: figure for key, figure in found.get(corpus, {}).items() if key[0] == part}
        if system == BEST:
            single = [name for name, kind in own if kind == KINDS[0] and not name.endswith((FUSED, "_calibrated"))]
            system = min(single, key=lambda name: worst(own, name, most), default=BEST)
        if (system, KINDS[0]) not in own:
            continue
        values = [100 * own[system, kind].value for kind in KINDS]
        met = "yes" if worst(own, system, most) <= 1 else "NO"
        yield (
            f"{WHAT[corpus, part]}: {system}", *(f"{value:.2f}" for value in values),
            " / ".join(f"{limit:g}" for limit in most), met,
        )  # fmt: skip
    first = {key[1:]: figure for key, figure in found.get("fsdd", {}).items() if key[0] == "01"}
    if {(GMM, "TW"), (HMM, "TW")} <= first.keys():
        ratio = first[HMM, "TW"].value / first[GMM, "TW"].value
        yield (
            f"{WHAT['fsdd', '01']}: {HMM} over {GMM}",
            "",
            f"{ratio:.2f}",
            "",
            "0.3 of TW",
            "yes" if ratio <= 0.3 else "NO",
        )


def worst(own: Mapping[tuple[str, str], Figure], system: str, most: Sequence[float]) -> float:
    """The largest ratio of a system's errors to what they may be."""
    return max(100 * own[system, kind].value / limit for kind, limit in zip(KINDS, most, strict=True))


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
