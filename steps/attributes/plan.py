"""Plan the measurement of a corpus: divide its utterances into shards, for any number of jobs.

Input: a data directory with wav.scp (and segments), or a tree of audio files. Output: the table of shards that
`utils.parts` describes, beside --out. Audio that is measured already has no table.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from steps.attributes.measurements import identity_of, is_measured
from steps.audio.recordings import Utterance, read_utterances
from utils.command import logger, run_command
from utils.errors import InputError, brief
from utils.options import option
from utils.out_dir import check_out
from utils.parts import Item, Work, make_current
from utils.shards import shards_of
from utils.tables import read_table

log = logger(__name__)
SHARD_SECONDS = 60.0  # least audio in a shard
USUAL_SECONDS = 5.0  # of an utterance whose length no table has


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|wav|ogg>")
    out: Path = option(help="directory of attributes that steps.attributes.label will write")


def work(options: Options) -> None:
    """Write the table of shards, unless it exists or all audio is measured; then make it the current one."""
    utterances = read_utterances(options.data)
    identity = identity_of(options.data, utterances)
    check_out(options.out, "steps.attributes.label", [options.data])
    if not is_measured(options.out, identity) and Work.find(options.out, identity) is None:
        shards = shards_of(list(lengths(options.data, utterances)), SHARD_SECONDS)
        items = [Item(one.id, shard, one.as_row()) for one, shard in zip(utterances, shards, strict=True)]
        planned = Work.write(options.out, identity, items)
        log.info("%d utterances in %d shards", len(items), planned.n_shards)
    make_current(options.out, identity, {})


def lengths(data: Path, utterances: Sequence[Utterance]) -> Iterator[float]:
    """Seconds of each utterance by utt2dur or segments, else USUAL_SECONDS; no audio is opened."""
    table = read_table(data / "utt2dur") if (data / "utt2dur").is_file() else {}
    for one in utterances:
        seconds = USUAL_SECONDS if one.end is None else one.end - (one.begin or 0.0)
        if one.id in table:
            seconds = _seconds(table[one.id], f"{data / 'utt2dur'}: {one.id}")
        yield seconds


def _seconds(text: str, where: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InputError(f"{where}: expected seconds > 0, found {brief(text)}")
    return seconds


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
