"""The last step of stage 0 for a corpus of audio: join recordings, embeddings and attributes in data/<corpus>/all.

Inputs: the data directory of audio, the directory of embeddings (xvector.scp), and the directory of attributes
(utt2<attribute>, utt2f0, utt2rate). Labels of the corpus override measured ones. Output: a data directory for stages 1
to 6, with spk_xvector.{ark,scp}, num_utts.ark, row_counts.tsv (counts of utterances that are used and left out) and
left_out.tsv (those that are left out).
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from local.audio_corpus import read_counts
from steps.data.groups import ATTRIBUTES
from steps.data.speaker_vectors import write_of_script
from steps.data.spellings import DISTINCT, read_distinct
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.errors import InputError
from utils.options import option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE, renew_paths
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
    max_unknown: float = option(0.5, "largest share of utterances without a label, for each attribute", least=0, most=1)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Join the three directories."""
    archives = sorted(options.embeddings.glob("xvector*.ark"))
    inputs = [options.audio, options.embeddings / "xvector.scp", *archives, options.measured]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        source = DataDir(options.audio)
        script = options.embeddings / "xvector.scp"
        scripts = renew_paths(script, read_table(script))
        surplus = sorted(scripts.keys() - source.utt2spk.keys())
        if surplus:
            raise InputError(
                f"{script}: {len(surplus)} utterances such as {surplus[0]} are not in "
                f"{options.audio}/utt2spk; give the embeddings of this audio"
            )
        tables = restrict(source.tables(), scripts.keys())
        tables["xvector.scp"] = scripts
        tables[DISTINCT] = read_distinct(source)
        counts = add_labels(tables, options)
        without = sorted(source.utt2spk.keys() - scripts.keys())
        if without:
            counts["left out: no embedding"] = len(without)
        _write_counts(stage.dir, counts | read_counts(options.audio), without)
        write_data_dir(stage.dir, {name: table for name, table in tables.items() if table})
        write_of_script(stage.dir, stage.final, tables["utt2spk"], scripts, f"{script}: {{}}".format)
        log.info("%s: %d utterances of %d speakers", stage.final, len(scripts), len(set(tables["utt2spk"].values())))


def add_labels(tables: Tables, options: Options) -> Counter[str]:
    """Add the measured tables and labels to `tables`, except where the corpus has its own.

    Returns the counts of utterances. Raises InputError for an attribute that too many utterances lack.
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
                "leave it out of --attributes, add labels to the table of the corpus, or raise --max_unknown"
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
