"""Charts of the data: range of the features, lengths of utterances, utterances and seconds of speakers, by sex.

Input: directories of features of steps/features/make_feats.sh, each read once, an utterance at a time. Copies are not
counted. Output, in --out:

    charts.json             all figures of each set: counts, spreads, columns of the features, histogram of lengths
    range.png               minimum, mean and deviation, and maximum of each column of the features
    lengths.png             histogram of the lengths of utterances
    speakers.png            utterances and seconds of speakers, by sex
    speakers.tsv            set, speaker, sex, utterances, seconds
    long_utterances.tsv     utterances longer than --long_seconds
    rare_speakers.tsv       speakers with fewer utterances than --rare_utterances, or less audio than --rare_seconds
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from steps.features.feats_dir import FeatsDir
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.json_files import json_text
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.features.set_statistics import SetStatistics

log = logger(__name__)
BARS = 40  # of the histogram of lengths


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    feats: tuple[Path, ...] = option(help="directories of features, such as exp/feats/train,exp/feats/test")
    out: Path = option(help="directory to write")
    long_seconds: float = option(30.0, "longer utterances are listed", above=0, most=10**6)
    rare_utterances: int = option(5, "speakers with fewer utterances are listed", least=0, most=10**9)
    rare_seconds: float = option(30.0, "speakers with less audio are listed, too", least=0, most=10**9)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Count, write and draw."""
    names = set_names(options.feats)
    directories = [FeatsDir(path) for path in options.feats]
    limits = ("long_seconds", "rare_utterances", "rare_seconds")
    settings = {"sets": names, **{name: getattr(options, name) for name in limits}}
    with StageDir(options.out, settings, options.feats, options.force, command="steps.features.chart") as stage:
        if stage.done:
            return
        from steps.features.set_statistics import SetStatistics

        sets = []
        for name, feats in zip(names, directories, strict=True):
            own = [key for key in feats.utterances if key not in feats.uniq]
            sets.append(SetStatistics.of(name, feats, progress(own, len(own), name)))
        write_tables(stage.dir, sets, options)
        from steps.features.chart_pictures import draw_lengths, draw_range, draw_speakers

        draw_range(stage.dir / "range.png", sets)
        draw_lengths(stage.dir / "lengths.png", sets, length_edges(sets))
        draw_speakers(stage.dir / "speakers.png", sets)


def set_names(directories: Sequence[Path]) -> list[str]:
    """A name for each directory: its last part, or the whole path where two have the same one."""
    if not directories:
        raise InputError("--feats: expected one or more directories of features")
    if len({path.resolve() for path in directories}) < len(directories):
        raise InputError(f"--feats {','.join(map(str, directories))}: the same directory twice; leave one out")
    last = [path.resolve().name for path in directories]
    return [str(path) if last.count(name) > 1 else name for name, path in zip(last, directories, strict=True)]


def write_tables(directory: Path, sets: "Sequence[SetStatistics]", options: Options) -> None:
    """Write charts.json and the lists; log what is in them."""
    import numpy as np

    edges = length_edges(sets)
    document, speakers, long, rare = {}, [], [], []
    for one in sets:
        rows = [
            [one.name, name, own.sex, str(own.utterances), f"{own.seconds:.3f}"]
            for name, own in sorted(one.speakers.items())
        ]
        few = [
            row
            for row, (_, own) in zip(rows, sorted(one.speakers.items()), strict=True)
            if own.utterances < options.rare_utterances or own.seconds < options.rare_seconds
        ]
        beyond = sorted((-seconds, key) for key, seconds in one.seconds.items() if seconds > options.long_seconds)
        counts, _ = np.histogram(list(one.seconds.values()), edges)
        document[one.name] = one.summary() | {
            "lengths": {"edges": edges, "utterances": counts.tolist()},
            "long_utterances": len(beyond),
            "rare_speakers": len(few),
        }
        log.info(
            "%s: %d utterances of %d speakers, %.2f hours; %d utterances longer than %g s, %d rare speakers",
            *(one.name, len(one.seconds), len(one.speakers), sum(one.seconds.values()) / 3600),
            *(len(beyond), options.long_seconds, len(few)),
        )
        speakers += rows
        rare += few
        long += [[one.name, key, f"{-seconds:.3f}"] for seconds, key in beyond]
    (directory / "charts.json").write_text(json_text(document, directory / "charts.json", indent=1) + "\n", "utf-8")
    columns = ["set", "speaker", "sex", "utterances", "seconds"]
    _write_rows(directory / "speakers.tsv", columns, speakers)
    _write_rows(directory / "rare_speakers.tsv", columns, rare)
    _write_rows(directory / "long_utterances.tsv", ["set", "utterance", "seconds"], long)


def length_edges(sets: "Sequence[SetStatistics]") -> list[float]:
    """The edges of the bars of lengths, in seconds, the same for all sets: round numbers from 0 on."""
    longest = max(max(one.seconds.values()) for one in sets)
    width = next(
        step * scale for scale in (0.01, 0.1, 1, 10, 100, 1000) for step in (1, 2, 5) if step * scale * BARS >= longest
    )
    return [round(width * number, 6) for number in range(int(longest / width) + 2)]


def _write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    path.write_text("\n".join("\t".join(row) for row in [columns, *rows]) + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
