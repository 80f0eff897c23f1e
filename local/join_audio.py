"""End of stage 0 for a corpus of audio: its recordings, embeddings and attributes become data/<corpus>/all.

Inputs: the data directory of audio, the directory of embeddings (xvector.scp), that of attributes (utt2<attribute>,
utt2f0, utt2rate). What the corpus itself says goes before what was measured. Output: a data directory as stages 1 to 6
read it, with row_counts.tsv (how many utterances went where, and why) and left_out.tsv (each that is not in it).
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.data.groups import ATTRIBUTES
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.errors import InputError
from utils.options import option
from utils.script_files import renew_paths
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)
MEASURED = ("utt2f0", "utt2rate")
Tables = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.join_audio"
    audio: Path = option(help="data directory of audio: utt2spk, wav.scp")
    embeddings: Path = option(help="directory that has xvector.scp")
    measured: Path = option(help="directory that has utt2<attribute>")
    out: Path = option(help="data directory to write, data/<corpus>/all")
    attributes: tuple[str, ...] = option(ATTRIBUTES, "attributes that make the groups")
    max_unknown: float = option(
        0.5, "largest share of utterances whose label may be missing, for each attribute", least=0, most=1
    )
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Join the three, unless that is done."""
    inputs = [options.audio, options.embeddings / "xvector.scp", options.measured]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        source = DataDir(options.audio)
        script = options.embeddings / "xvector.scp"
        scripts = renew_paths(script, read_table(script))
        strangers = sorted(scripts.keys() - source.utt2spk.keys())
        if strangers:
            raise InputError(
                f"{script}: {len(strangers)} utterances such as {strangers[0]} are not in "
                f"{options.audio}/utt2spk: it is of other audio"
            )
        tables = restrict(source.tables(), scripts.keys())
        tables["xvector.scp"] = scripts
        counts = add_labels(tables, options)
        without = sorted(source.utt2spk.keys() - scripts.keys())
        if without:
            counts["left out: no embedding"] = len(without)
        _write_counts(stage.dir, counts, without)
        write_data_dir(stage.dir, {name: table for name, table in tables.items() if table})
        log.info("%s: %d utterances of %d speakers", stage.final, len(scripts), len(set(tables["utt2spk"].values())))


def add_labels(tables: Tables, options: Options) -> Counter[str]:
    """Complete `tables` with what was measured. Returns the counts of utterances; raises InputError for an attribute
    that too few have.
    """
    utterances = tables["utt2spk"]
    counts = Counter(kept=len(utterances), speakers=len(set(utterances.values())))
    for name in (*MEASURED, *(f"utt2{attribute}" for attribute in options.attributes)):
        path = options.measured / name
        found = read_table(path) if path.is_file() else {}
        tables[name] = {key: value for key, value in found.items() if key in utterances} | tables.get(name, {})
    for attribute in options.attributes:
        unknown = len(utterances) - len(tables[f"utt2{attribute}"])
        if unknown > options.max_unknown * len(utterances):
            raise InputError(
                f"{options.measured}/utt2{attribute}: {unknown} of {len(utterances)} utterances have no {attribute}; "
                "leave it out of --attributes, add what is known to the corpus's table, or raise --max_unknown"
            )
        if unknown:
            counts[f"kept without {attribute}"] = unknown
    genders = options.measured / "spk2gender"
    if "spk2gender" not in tables and genders.is_file():
        known = read_table(genders)
        if known.keys() >= set(utterances.values()):
            tables["spk2gender"] = {speaker: known[speaker] for speaker in set(utterances.values())}
    return counts


def _write_counts(folder: Path, counts: Counter[str], without: list[str]) -> None:
    rows = [f"{reason}\t{count}" for reason, count in sorted(counts.items())]
    for name, lines in (
        ("row_counts.tsv", ["reason\tcount", *rows]),
        ("left_out.tsv", ["utterance\treason", *(f"{utterance}\tno embedding" for utterance in without)]),
    ):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
