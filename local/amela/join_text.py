"""Join the texts of pieces to those of their recordings.

Input: the data directory of recordings, that of their pieces, and the recognised texts of pieces. Output: the data
directory of recordings with

    text            known texts stay; of the others what was recognised, in the order of the pieces
    recognised      data directory with recognised texts alone, of recordings that have a known one too, for error rates
    known_text      known texts, where they are those of stretches, joined
    manifest.jsonl  all of it as JSON lines
    no_text.tsv     recordings without any words, with the reason: not read, no speech, nothing recognised, or failed
"""

import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from local.amela.told import told_of
from steps.audio.failures import FAILURES, read_failures
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.manifest import write_stage_manifest
from utils.options import option
from utils.stage_dir import StageDir
from utils.tables import write_table

log = logger(__name__)
RECOGNISED, KNOWN, NO_TEXT = "recognised", "known_text", "no_text.tsv"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.amela.join_text"
    data: Path = option(help="data directory of recordings")
    pieces: Path = option(help="data directory of their pieces")
    out: Path = option(help="data directory to write")
    asr: Path | None = option(None, "data directory with the recognised text of pieces; none where all is known")
    vad: Path | None = option(
        None, "what the detector of speech has written, with the recordings that it could not read"
    )
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Join and write."""
    data, pieces = DataDir(options.data), DataDir(options.pieces)
    inputs = [options.data, options.pieces / "utt2spk", *([options.asr / "text"] if options.asr else [])]
    inputs += [options.vad / FAILURES] if options.vad else []
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        told = told_of(data, pieces)
        texts = DataDir(options.asr).table("text") if options.asr else {}
        heard = joined(told.whole, texts)
        tables = dict(told.tables)
        tables["text"] = {key: told.known.get(key) or heard.get(key, "") for key in tables["utt2spk"]}
        write_data_dir(stage.dir, tables)
        write_stage_manifest(stage)
        if heard:
            write_data_dir(stage.dir / RECOGNISED, restrict(tables | {"text": heard}, sorted(heard)))
        if tables["utt2spk"].keys() != data.utt2spk.keys():
            write_table(stage.dir / KNOWN, told.known)
        unread = {key: reason for key, reason, _ in read_failures(options.vad / FAILURES)} if options.vad else {}
        write_no_text(stage.dir / NO_TEXT, reasons_of(tables["text"], told.whole, texts, unread))
        n_heard = sum(key not in told.known for key in heard)
        log.info("%s: %d texts were known, %d are recognised", stage.final, len(told.known), n_heard)


def joined(whole: Mapping[str, str], texts: Mapping[str, str]) -> dict[str, str]:
    """Recording -> the texts of its pieces, one after another; of those whose pieces all have one.

    Args:
        whole: piece -> recording. texts: of pieces.
    """
    parts: dict[str, list[str | None]] = defaultdict(list)
    for key in sorted(whole):
        parts[whole[key]].append(texts.get(key))
    return {key: " ".join(filter(None, some)) for key, some in parts.items() if None not in some}


def reasons_of(
    text: Mapping[str, str], whole: Mapping[str, str], texts: Mapping[str, str], unread: Mapping[str, str]
) -> dict[str, str]:
    """Recording without words -> why it has none, sorted; of what could not be read (`unread`) the reason of that."""
    cut = set(whole.values())
    failed = {recording for key, recording in whole.items() if key not in texts}
    reasons = {}
    for key in sorted(key for key, words in text.items() if not words):
        if key not in cut:
            reasons[key] = f"not read: {unread[key]}" if key in unread else "no speech"
        else:
            reasons[key] = "a piece failed" if key in failed else "nothing recognised"
    return reasons


def write_no_text(path: Path, reasons: Mapping[str, str]) -> None:
    """Write the table of recordings without words."""
    rows = ["recording\treason", *map("\t".join, reasons.items())]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
