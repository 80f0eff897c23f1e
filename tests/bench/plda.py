"""Do sampled speakers pass for real ones? Runs egs/librispeech/plda on 251 speakers and records its tables.

Writes a section of RESULTS.md. What is finished in the recipe's own exp/bench stays finished.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.results import PATH, command_line, record
from tests.bench.timing import require_one_thread
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

TITLE = "Sampled speakers beside real strangers"
RECIPE = Path("egs/librispeech/plda")
HERE = ("--data", "exp/bench/data", "--exp", "exp/bench", "--out", "exp/bench/verify")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    corpus: Path | None = option(None, "LibriSpeech; default: that of librispeech-251 below PSEUDOSPEAKERS_DATA")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Run the recipe and record its summary."""
    require_one_thread()
    out = run_recipe(options.corpus)
    _, _, tables = (out / "verify" / "report" / "summary.md").read_text(encoding="utf-8").partition("\n\n")
    counts = (out / "verify" / "trials" / "counts.tsv").read_text(encoding="utf-8").splitlines()
    left = "; ".join(line.replace("\t", " ").strip() for line in counts[-2:])
    record(options.results, TITLE, command_line("tests.bench.plda", options), f"{ABOUT}\n\n{tables}\n{left}.")


def run_recipe(corpus: Path | None = None) -> Path:
    """Run the recipe to its end. Returns the directory that has `data`, `samples` and `verify`."""
    corpus = corpus_directory(corpus)
    subprocess.run(["./run.sh", "--data_dir", str(corpus.absolute()), *HERE], cwd=RECIPE, check=True, stdout=sys.stderr)
    return RECIPE / "exp" / "bench"


def corpus_directory(corpus: Path | None) -> Path:
    """The corpus, by default that of librispeech-251."""
    corpus = corpus or Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere")) / "librispeech-251" / "LibriSpeech"
    if not corpus.is_dir():
        raise InputError(f"{corpus}: no such directory; set PSEUDOSPEAKERS_DATA to the one that has librispeech-251")
    return corpus


ABOUT = (
    "egs/librispeech/plda on librispeech-251, one split by speaker: PLDA and the model that is sampled from know the"
    " training speakers alone. Segments of 1.5 s, one of which enrols a speaker; 100 samples a group. The number of"
    " directions in front of PLDA (64) was chosen by the error of the dev speakers. All segments of a speaker are of"
    " one session, so errors are lower than across sessions, for strangers and samples alike. Kaldi's PLDA was not run."
)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
