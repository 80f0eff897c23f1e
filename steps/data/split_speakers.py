"""Stage 2: split a corpus by speakers into train, dev and test.

Input: a data directory with utt2<attribute> for each attribute. Outputs, beside it or in `out`: the data directories
train, dev and test, which hold the utterances that have all attributes, with utt2group, and where there is xvector.scp
with spk_xvector.{ark,scp} and num_utts.ark; and split, with spk2set, coverage.tsv (speakers and utterances of each
group in each set), and left_out.tsv (utterances without an attribute, and lines of no utterance), if there are any.

The set of a speaker follows from a hash of the split seed and the speaker's id, which is compared with fixed
thresholds. It depends neither on the order of the rows nor on other speakers, and no speaker can be in two sets.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.data.group_counts import GroupCounts
from steps.data.groups import ATTRIBUTES, read_groups
from steps.data.set_tables import NOTHING, SetTables
from steps.data.sets import SETS, chance, check_fractions, naming_source
from steps.data.speaker_genders import SpeakerGenders
from steps.data.spellings import DISTINCT_HELP, mentions_in, require_distinct
from steps.data.vector_table import VectorTable
from utils.code_column import NONE, CodeColumn, distinct
from utils.command import logger, run_command
from utils.data_dir import DataDir, require_valid
from utils.errors import InputError, brief
from utils.forked import call_all
from utils.options import MAX_SEED, option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.sorted_tables import open_sorted
from utils.stage_dir import StageDir
from utils.table_columns import align, write_spk2utt
from utils.tables import write_table

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
        alike = require_distinct(mentions_in(data), options.distinct_ids, f"give one id to both in {options.data}")
        grouping, speakers = read_groups(data, options.attributes), data.coded_utt2spk.column
        rows, n_all = grouping.utt2group.rows, len(data.coded_utt2spk)
        log.info("%d of %d utterances lack an attribute and are in no set", grouping.n_ungrouped, n_all)
        if official:
            spk2set = _require_sets(_import_split(data, official, rows))
        else:
            spk2set = _require_sets(
                {name: {speaker_set(name, options.split_seed, thresholds)} for name in _speakers_of(speakers, rows)}
            )
        genders = SpeakerGenders(data)
        counts = GroupCounts(grouping, speakers, spk2set, SETS, genders.of(np.arange(n_all)))
        log.info("groups:\n%s", counts.text())
        counts.check(options.allow_missing_groups)
        tables = SetTables(
            data,
            data.coded_utt2spk,
            grouping.utt2group,
            _sets_of_rows(speakers, rows, spk2set),
            [None if stages[name].done else stages[name].dir for name in SETS],
        )
        tables.write(alike)
        jobs = [
            job
            for number, name in enumerate(SETS)
            if not stages[name].done
            for job in finish_set(stages[name], tables, number, genders, vectors)
        ]
        call_all(jobs, n_all)
        if not stages["split"].done:
            write_table(stages["split"].dir / "spk2set", spk2set)
            counts.write(stages["split"].dir / "coverage.tsv")
            write_left_out(stages["split"].dir / "left_out.tsv", tables, options.attributes)


def speaker_set(speaker: str, split_seed: int, thresholds: Mapping[str, float]) -> str:
    """The set of one speaker: the first whose upper bound is above the speaker's hash, a number from 0 to 1."""
    number = chance(split_seed, speaker)
    return next(name for name, bound in thresholds.items() if number < bound)


def _thresholds(fractions: tuple[float, ...]) -> dict[str, float]:
    check_fractions(fractions)
    bounds = [sum(fractions[: number + 1]) / sum(fractions) for number in range(len(SETS))]
    return dict(zip(SETS, [*bounds[:-1], 1.0], strict=True))


def _official_table(options: Options) -> Path | None:
    if options.official in (None, "false"):
        return None
    table = options.data / "utt2split" if options.official == "true" else Path(options.official)
    if not table.is_file():
        raise InputError(f"{table}: no such file; --official needs a table of lines 'utterance train|dev|test'")
    return table


def _import_split(data: DataDir, table: Path, rows: np.ndarray) -> dict[str, set[str]]:
    """Read the sets that the utterances of each speaker are in, of those in some rows.

    Raises InputError for an utterance without a set, or an unknown set.
    """
    whole = data.coded_utt2spk
    split = align(open_sorted(table), whole.names)
    bad = [split.words[word] for word in split.words.listed if word not in SET_NAMES]
    odd = np.flatnonzero(np.isin(split.codes, [NONE, *bad]))
    if len(odd):
        row = int(odd[0])
        found = "it is not there" if split[row] is None else f"found {brief(split[row])}"
        raise InputError(f"{table}: {whole.names[row]}: expected one of {', '.join(SET_NAMES)}, {found}")
    sets: dict[str, set[str]] = defaultdict(set)
    for row in rows[distinct(whole.column.codes[rows], split.codes[rows])[0]].tolist():
        sets[whole.column[row]].add(SET_NAMES[split[row]])
    return sets


def _require_sets(sets: Mapping[str, set[str]]) -> dict[str, str]:
    """The set of each speaker. Raises InputError where a speaker is in two, or a set is empty."""
    leaks = sorted(speaker for speaker, names in sets.items() if len(names) > 1)
    if leaks:
        raise InputError(
            f"the split leaks: {len(leaks)} of {len(sets)} speakers are in more than one set, as {leaks[0]} "
            f"in {' and '.join(sorted(sets[leaks[0]]))}; leave out --official to split by speaker"
        )
    spk2set = {speaker: next(iter(names)) for speaker, names in sorted(sets.items())}
    if len(spk2set) < len(SETS):
        raise InputError(f"{len(spk2set)} speaker(s) in all, {', '.join(spk2set)}: too few for {', '.join(SETS)}")
    empty = [name for name in SETS if name not in spk2set.values()]
    if empty:
        raise InputError(
            f"no speaker of {len(spk2set)} falls into {' and '.join(empty)}; more speakers, larger --fractions "
            "for it, or another --split_seed are needed"
        )
    return spk2set


def _speakers_of(speakers: CodeColumn, rows: np.ndarray) -> list[str]:
    return [speakers.words.listed[code] for code in np.unique(speakers.codes[rows]).tolist()]


def _sets_of_rows(speakers: CodeColumn, rows: np.ndarray, spk2set: Mapping[str, str]) -> np.ndarray:
    """(N,) for each utterance the position of its set in SETS; NONE for those that are not in `rows`."""
    places = {name: place for place, name in enumerate(SETS)}
    of_code = np.array([places.get(spk2set.get(word, ""), NONE) for word in speakers.words.listed], np.int8)
    sets = np.full(len(speakers.codes), NONE, np.int8)
    sets[rows] = of_code[speakers.codes[rows]]
    return sets


def finish_set(
    stage: StageDir, tables: SetTables, number: int, genders: SpeakerGenders, vectors: VectorTable
) -> list[Callable[[], None]]:
    """Write what follows from the tables of one set. Returns what is left to do: a check, and the means of speakers."""
    rows, names, speakers = tables.rows(number), tables.utt2spk.names, tables.utt2spk.column
    codes, spk2gender, n_speakers = speakers.codes[rows], genders.of(rows), len(_speakers_of(speakers, rows))
    if not genders.are_told and spk2gender and len(spk2gender) != n_speakers:
        log.info(
            "%s: no spk2gender: %d of %d speakers are neither male nor female",
            *(stage.final, n_speakers - len(spk2gender), n_speakers),
        )
        spk2gender = {}
    if spk2gender:
        write_table(stage.dir / "spk2gender", spk2gender)
    write_spk2utt(stage.dir / "spk2utt", names, rows, speakers.words.listed, codes)

    def check() -> None:
        with naming_source(tables.data.path):
            require_valid(stage.dir)

    def write_means() -> None:
        if len(tables.vectors):
            places = tables.vectors[rows]
            vectors.write_speakers(stage, places, speakers.words.listed, codes, lambda at: names[int(rows[at])])

    return [check, write_means]


def write_left_out(path: Path, tables: SetTables, attributes: Sequence[str]) -> None:
    """Write the utterances without an attribute, and the lines that are of no utterance, if there are any."""
    data, whole = tables.data, tables.utt2spk
    for name, keys in tables.surplus.items():
        log.warning("%s: %d lines such as %s are of nothing in utt2spk", data.path / name, len(keys), keys[0])
    ungrouped = np.flatnonzero(tables.utt2group.column.codes == NONE)
    if not len(ungrouped) and not tables.surplus:
        return
    with path.open("w", encoding="utf-8") as file:
        file.write("table\tkey\treason\n")
        for name in sorted({*tables.surplus, "utt2spk"}):
            file.writelines(f"{name}\t{key}\t{NOTHING}\n" for key in tables.surplus.get(name, ()))
            if name == "utt2spk" and len(ungrouped):
                columns = [align(open_sorted(data.path / f"utt2{attribute}"), whole.names) for attribute in attributes]
                for row, utterance in zip(ungrouped.tolist(), whole.names.of(ungrouped), strict=True):
                    lacking = [name for name, one in zip(attributes, columns, strict=True) if one[row] is None]
                    file.write(f"utt2spk\t{utterance}\tno {', '.join(lacking)}\n")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
