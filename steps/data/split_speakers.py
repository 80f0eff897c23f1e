"""Stage 2: split a corpus by speakers into train, dev and test.

Input: a data directory with utt2<attribute> for each attribute. Outputs, beside it or in `out`: the data directories
train, dev and test, which hold the utterances that have all attributes, with utt2group, and where there is xvector.scp
with spk_xvector.{ark,scp} and num_utts.ark; and split, with spk2set, coverage.tsv (speakers and utterances of each
group in each set), and left_out.tsv (utterances without an attribute, and lines of no utterance), if there are any.

The set of a speaker follows from a hash of the split seed and the speaker's id, which is compared with fixed
thresholds. It depends neither on the order of the rows nor on other speakers, and no speaker can be in two sets.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.data.group_counts import GroupCounts
from steps.data.groups import ATTRIBUTES, read_groups
from steps.data.sets import SETS, chance, check_fractions, speaker_genders, write_set
from steps.data.spellings import DISTINCT, DISTINCT_HELP, mentions_in, require_distinct
from steps.data.vector_table import VectorTable
from utils.command import logger, run_command
from utils.data_dir import PER_SPEAKER, DataDir, restrict
from utils.errors import InputError, brief
from utils.options import MAX_SEED, option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.stage_dir import StageDir
from utils.tables import read_table, write_table

log = logger(__name__)
SET_NAMES = {"train": "train", "dev": "dev", "val": "dev", "validation": "dev", "test": "test"}


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.data.split_speakers"
    data: Path = option(help="data directory with all utterances")
    out: Path | None = option(None, "directory to make train, dev and test in; default: the one that has the data")
    attributes: tuple[str, ...] = option(ATTRIBUTES, "what makes the groups")
    split_seed: int = option(42, "another seed gives another split", least=0, most=MAX_SEED)
    fractions: tuple[float, ...] = option((0.7, 0.1, 0.2), "shares of the speakers in train, dev, test")
    official: str | None = option(
        None, "import a split: a table utterance -> set, or true for the data's own utt2split"
    )
    distinct_ids: bool = option(False, DISTINCT_HELP)
    allow_missing_groups: bool = option(False, "go on where a group has no training speaker")
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo a finished stage")


def work(options: Options) -> None:
    """Split, unless all outputs are up to date."""
    thresholds = _thresholds(options.fractions)
    official = _official_table(options)
    parent = options.out or options.data.absolute().parent
    vectors = VectorTable.find(options.data)
    inputs = [options.data, *vectors.archives] + ([official] if official else [])
    with ExitStack() as stack:
        stages = {
            name: stack.enter_context(StageDir(parent / name, options, inputs, options.force))
            for name in (*SETS, "split")
        }
        if all(stage.done for stage in stages.values()):
            return
        data = DataDir(options.data)
        distinct = require_distinct(mentions_in(data), options.distinct_ids, f"give one id to both in {options.data}")
        grouping = read_groups(data, options.attributes)
        log.info("%d of %d utterances lack an attribute and are in no set", grouping.n_ungrouped, len(data.utt2spk))
        utt2set = _import_split(data, official) if official else _hash_split(data, options.split_seed, thresholds)
        spk2set = _speaker_sets({utterance: utt2set[utterance] for utterance in grouping.utt2group}, data.utt2spk)
        tables = data.tables() | {"utt2group": grouping.utt2group, DISTINCT: distinct}
        left_out = _left_out(data, tables, options.attributes)
        counts = GroupCounts(grouping, data.utt2spk, spk2set, SETS, speaker_genders(tables))
        log.info("groups:\n%s", counts.text())
        counts.check(options.allow_missing_groups)
        for name in SETS:
            if not stages[name].done:
                utterances = [u for u in grouping.utt2group if utt2set[u] == name]
                write_set(stages[name], tables, utterances, options.data)
                vectors.write_speakers(stages[name], {key: data.utt2spk[key] for key in utterances})
        if not stages["split"].done:
            write_table(stages["split"].dir / "spk2set", spk2set)
            counts.write(stages["split"].dir / "coverage.tsv")
            if left_out:
                lines = ["table\tkey\treason", *map("\t".join, left_out), ""]
                (stages["split"].dir / "left_out.tsv").write_text("\n".join(lines), encoding="utf-8")


def _left_out(data: DataDir, tables: Mapping[str, Mapping[str, str]], attributes: Sequence[str]) -> list[list[str]]:
    """The utterances without an attribute, and the lines that are of no utterance: table, key, reason."""
    known = restrict(tables, data.utt2spk, (*PER_SPEAKER, DISTINCT))
    left_out = []
    for name, table in tables.items():
        surplus = sorted(table.keys() - known[name].keys())
        if surplus:
            log.warning("%s: %d lines such as %s are of nothing in utt2spk", data.path / name, len(surplus), surplus[0])
        left_out += [[name, key, "utt2spk has none of it"] for key in surplus]
    for utterance in data.utt2spk.keys() - tables["utt2group"].keys():
        lacking = ", ".join(name for name in attributes if utterance not in tables[f"utt2{name}"])
        left_out.append(["utt2spk", utterance, f"no {lacking}"])
    return sorted(left_out)


def speaker_set(speaker: str, split_seed: int, thresholds: Mapping[str, float]) -> str:
    """The set of one speaker: the first whose upper bound is above the speaker's hash, a number from 0 to 1."""
    number = chance(split_seed, speaker)
    return next(name for name, bound in thresholds.items() if number < bound)


def _thresholds(fractions: tuple[float, ...]) -> dict[str, float]:
    check_fractions(fractions)
    bounds = [sum(fractions[: number + 1]) / sum(fractions) for number in range(len(SETS))]
    return dict(zip(SETS, [*bounds[:-1], 1.0], strict=True))


def _hash_split(data: DataDir, split_seed: int, thresholds: Mapping[str, float]) -> dict[str, str]:
    sets = {speaker: speaker_set(speaker, split_seed, thresholds) for speaker in set(data.utt2spk.values())}
    return {utterance: sets[speaker] for utterance, speaker in data.utt2spk.items()}


def _official_table(options: Options) -> Path | None:
    if options.official in (None, "false"):
        return None
    table = options.data / "utt2split" if options.official == "true" else Path(options.official)
    if not table.is_file():
        raise InputError(f"{table}: no such file; --official needs a table of lines 'utterance train|dev|test'")
    return table


def _import_split(data: DataDir, table: Path) -> dict[str, str]:
    """Read the set of each utterance. Raises InputError for an utterance without a set, or an unknown set."""
    split = read_table(table)
    for utterance in data.utt2spk:
        if split.get(utterance) not in SET_NAMES:
            found = f"found {brief(split[utterance])}" if utterance in split else "it is not there"
            raise InputError(f"{table}: {utterance}: expected one of {', '.join(SET_NAMES)}, {found}")
    return {utterance: SET_NAMES[split[utterance]] for utterance in data.utt2spk}


def _speaker_sets(utt2set: Mapping[str, str], utt2spk: Mapping[str, str]) -> dict[str, str]:
    """The set of each speaker. Raises InputError where a speaker is in two, or a set is empty."""
    sets: dict[str, set[str]] = {}
    for utterance, name in utt2set.items():
        sets.setdefault(utt2spk[utterance], set()).add(name)
    leaks = sorted(speaker for speaker, names in sets.items() if len(names) > 1)
    if leaks:
        raise InputError(
            f"the split leaks: {len(leaks)} of {len(sets)} speakers are in more than one set, as {leaks[0]} "
            f"in {' and '.join(sorted(sets[leaks[0]]))}; leave out --official to split by speaker"
        )
    spk2set = {speaker: names.pop() for speaker, names in sorted(sets.items())}
    if len(spk2set) < len(SETS):
        raise InputError(f"{len(spk2set)} speaker(s) in all, {', '.join(spk2set)}: too few for {', '.join(SETS)}")
    empty = [name for name in SETS if name not in spk2set.values()]
    if empty:
        raise InputError(
            f"no speaker of {len(spk2set)} falls into {' and '.join(empty)}; more speakers, larger --fractions "
            "for it, or another --split_seed are needed"
        )
    return spk2set


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
