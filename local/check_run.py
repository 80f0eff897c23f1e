"""Look before a long run: `./run.sh --check true` with the options of the run.

Reads the corpus as stage 0 does, tries the stages on a part of it, trains for some seconds, and says what is there,
what is missing, and how much time, memory and disk the whole will take. Works in a directory of its own on the disk of
--exp, which is removed at the end; --data and --exp stay as they are. Standard input: the words of the call, each
ended by a NUL. Exit status: 0, or 1 with a list of what is missing.
"""

import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from local.check_parts import Verdicts, check_encoder, check_gpu, check_room, require_places, what_exists
from local.estimates import Estimate, Sizes, span_in_words
from local.rehearsal import Rehearsal
from local.rehearsed_stages import RehearsedStages
from steps.text import augment
from utils.command import doing, run_command
from utils.errors import InputError
from utils.options import option

CHECKOUT = Path(__file__).resolve().parents[1]
NAME = "check.{machine}."  # of the directory


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    data: Path = option(help="directory of data that the run will write, with <data>/all where --stage is above 0")
    exp: Path = option(help="directory of results that the run will write")
    script: Path = option(Path("run.sh"), "the recipe")
    corpus: str = option("demo", "its corpus", choices=("demo", "capspeech", "librispeech", "folder"))
    stage: int = option(0, "first stage", least=0, most=6)
    stop_stage: int = option(6, "last stage", least=0, most=10**9)
    nj: int = option(2, "jobs of the run", least=1, most=100_000)
    generators: Path = option(Path("conf/generators.txt"), "list of generators")
    conf_dir: Path = option(Path("conf"), "directory of <stage>.yaml")
    text: str = option("", "--set of stage 1")
    train: str = option("", "--set of stage 4")
    use_gpu: str = option("auto", "of the run", choices=("auto", "true", "false"))
    launcher: str = option("run.pl", "of the run")
    seconds: float = option(20.0, "of training", above=0, most=3600)


def work(options: Options) -> None:
    """Check everything, print a table, and raise InputError for what is missing."""
    words = words_of(sys.stdin.read()) if not sys.stdin.isatty() else []
    verdicts, estimate = Verdicts(), Estimate()
    require_places(options.data, options.exp)
    device = check_gpu(options.use_gpu, options.launcher, verdicts)
    with working_directory(options.exp) as directory:
        rehearsal = Rehearsal(options.script, words, directory)
        with stopping(rehearsal):
            stages = RehearsedStages(options, rehearsal, device, verdicts, estimate)
            encoder = stages.options_of(augment, "text", options.text).encoder
            with doing("loading the encoder"):
                encodes = check_encoder(encoder, verdicts)
            whole = stages.rehearse(1 if encodes else 0)
    estimate.keep(options.stage, options.stop_stage)
    check_room(options.data, options.exp, estimate, verdicts)
    print(text_of(verdicts, estimate, whole))
    if verdicts.missing:
        raise InputError(f"{len(verdicts.missing)} of the run's needs are not met: {'; '.join(verdicts.missing)}")


def words_of(call: str) -> list[str]:
    """The words of a call, each ended by a NUL; an empty one is the value of an option."""
    return call.split("\0")[:-1]


@contextmanager
def working_directory(exp: Path) -> Iterator[Path]:
    """A directory on the disk of `exp`: in the checkout if that lies there too, else beside the first that exists."""
    exp, there = exp.resolve(), what_exists(exp)
    setup = CHECKOUT / ".setup"
    parent = setup if setup.is_dir() and setup.stat().st_dev == there.stat().st_dev else there
    parent = parent.parent if parent == exp else parent
    prefix = NAME.format(machine=re.sub(r"\W", "", os.uname().nodename))
    for left in parent.glob(f"{prefix}*.*"):  # by a check that was killed
        if not Path("/proc", left.name.split(".")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{prefix}{os.getpid()}.", dir=parent, ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def stopping(rehearsal: Rehearsal) -> Iterator[None]:
    """End what the rehearsal runs when this process is asked to end."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        rehearsal.stop()
        signal.signal(signal.SIGTERM, before)


def text_of(verdicts: Verdicts, estimate: Estimate, whole: Sizes) -> str:
    """The table that the check ends with."""
    rows = [("what", "found", ""), *verdicts.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{what:<{widths[0]}}  {found:<{widths[1]}}  {verdict}".rstrip() for what, found, verdict in rows]
    if estimate.seconds:
        times = ", ".join(f"stage {stage} {span_in_words(*span)}" for stage, span in sorted(estimate.seconds.items()))
        total = f"{span_in_words(*estimate.total)} for {whole.utterances:,} utterances ({times})"
        lines.append(f"{'time':<{widths[0]}}  about {total}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
