"""Split the utterances of a corpus into train, dev and test for the recognition of speakers, with an open set beside.

Input: a data directory. Outputs: the data directories train, dev and test, and open with speakers that none of the
three has, if asked for; and split, with sets.tsv and shared.tsv (what the sets hold, and what two of them share), and
left_out.tsv (speakers and utterances that are in no set, with the reason), if there are any.

`--by chapter`: test has chapters (utt2chapter) that are not in train or dev, of the same speakers; `random`: utterances
at random, of the same speakers; `segment`: pieces of each utterance; `speaker`: other speakers in each set.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.data.held_out import HeldOut, hold_out
from steps.data.pieces import cut_pieces, utterance_seconds
from steps.data.set_counts import OPEN, SetCounts
from steps.data.sets import SETS, check_fractions, speaker_genders, write_set
from steps.data.spellings import DISTINCT, DISTINCT_HELP, mentions_in, require_distinct
from steps.data.split_plans import SplitPlan, at_random, at_random_in_sizes, by_chapter, by_speaker, listed
from steps.data.stretches import stretches
from utils.command import logger, run_command
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.options import MAX_SEED, option
from utils.out_dir import behind_links
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.stage_dir import StageDir
from utils.stage_record import DONE, read_record

log = logger(__name__)
WAYS = CHAPTER, RANDOM, SEGMENT, SPEAKER = ("chapter", "random", "segment", "speaker")
STOP, LEAVE_OUT, TRAIN = ("stop", "leave_out", "train")
SUBSETS = "subsets"  # as --sizes


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.data.split_utterances"
    data: Path = option(help="data directory with all utterances")
    out: Path | None = option(None, "directory to make the sets in; default: the one that has the data")
    by: str = option(CHAPTER, "what train, dev and test differ in", choices=WAYS)
    split_seed: int = option(42, "another seed gives another split", least=0, most=MAX_SEED)
    fractions: tuple[float, ...] = option((0.8, 0.1, 0.1), "shares of chapters, utterances or speakers in each set")
    sizes: tuple[str, ...] = option(
        (), "with --by random, utterances in train, dev, test: three numbers, or subsets: as many as utt2subset has"
    )
    piece_seconds: float = option(3.0, "with --by segment, length of a piece", least=0.1, most=3600)
    pieces: tuple[str, ...] = option(("train", "train", "dev", "test"), "with --by segment, the sets of the pieces")
    open_subsets: tuple[str, ...] = option((), "speakers of these subsets (utt2subset) are in open alone")
    open_share: float = option(
        0.0, "share of the other speakers, of each sex, that are in open alone", least=0, most=0.9
    )
    open_speakers: Path | None = option(None, "file of speakers, one a line, that are in open alone")
    leave_out: Path | None = option(None, "file of speakers, one a line, that are in no set")
    unsplittable: str = option(
        STOP, "speakers who cannot be in train and in test: stop, leave_out or train", choices=(STOP, LEAVE_OUT, TRAIN)
    )
    distinct_ids: bool = option(False, DISTINCT_HELP)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo a finished stage")


def work(options: Options) -> None:
    """Split, unless all outputs are up to date."""
    check_options(options)
    parent = options.out or options.data.absolute().parent
    names = [name for name in SETS if options.by != SEGMENT or name in options.pieces]
    names += [OPEN] if options.open_subsets or options.open_share or options.open_speakers else []
    inputs = [options.data, *filter(None, (options.open_speakers, options.leave_out))]
    with ExitStack() as stack:
        stages = {
            name: stack.enter_context(StageDir(parent / name, options, inputs, options.force))
            for name in (*names, "split")
        }
        if all(stage.done for stage in stages.values()):
            return
        data = DataDir(options.data).require_utterances()
        distinct = require_distinct(mentions_in(data), options.distinct_ids, f"give one id to both in {options.data}")
        split = draw(options, data.tables() | {DISTINCT: distinct})
        sets = {name: [u for u, owner in split.sets.items() if owner == name] for name in names}
        counts = split.counts(sets)
        counts.check(options.by, split.held.left_out.keys())
        log.info("split by %s:\n%s%s", options.by, counts.text(), "".join(f"\n{note}" for note in split.notes))
        _remove_earlier(parent / name for name in (*SETS, OPEN) if name not in names)
        for name, utterances in sets.items():
            if not stages[name].done:
                write_set(stages[name], split.tables, utterances, options.data)
        if not stages["split"].done:
            counts.write(stages["split"].dir)
            split.write_left_out(stages["split"].dir)


def check_options(options: Options) -> None:
    """Raise InputError for options that say nothing together."""
    check_fractions(options.fractions)
    if options.sizes and options.by != RANDOM:
        raise InputError(f"--sizes {','.join(options.sizes)}: is for --by random, not --by {options.by}")
    if options.unsplittable == TRAIN and options.by == SEGMENT:
        raise InputError(
            f"--unsplittable {TRAIN}: is not for --by {SEGMENT}, which cannot cut what is too short; give {LEAVE_OUT}, "
            "or a smaller --piece_seconds"
        )
    unknown = [name for name in options.pieces if name not in SETS]
    if unknown or not {"train", "test"} <= {*options.pieces}:
        raise InputError(
            f"--pieces {','.join(options.pieces)}: expected a set of {', '.join(SETS)} for each piece, train and test "
            "among them"
        )


@dataclass
class DrawnSplit:
    """What was drawn.

    Attributes:
        tables: of the whole, of pieces where utterances were cut. sets: utterance -> set, of those that are in one.
        held: speakers who were held out, or left out with the reason. notes: what else there is to tell.
    """

    tables: dict[str, dict[str, str]]
    sets: dict[str, str]
    held: HeldOut
    notes: list[str]

    def counts(self, sets: Mapping[str, list[str]]) -> SetCounts:
        """Count what the sets hold."""
        chapters = self.tables.get("utt2chapter", {})
        seconds = utterance_seconds(self.tables)
        return SetCounts(sets, self.tables["utt2spk"], chapters, seconds, speaker_genders(self.tables))

    def write_left_out(self, folder: Path) -> None:
        """Write left_out.tsv, speakers and utterances that are in no set, if there are any."""
        utt2spk, speakers = self.tables["utt2spk"], self.held.left_out
        rows = [["speaker", speaker, reason] for speaker, reason in speakers.items()]
        rows += [
            ["utterance", one, "not drawn" if utt2spk[one] not in speakers else "its speaker"]
            for one in utt2spk
            if one not in self.sets
        ]
        if rows:
            lines = ["\t".join(row) for row in [["what", "id", "reason"], *rows]]
            (folder / "left_out.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw(options: Options, tables: dict[str, dict[str, str]]) -> DrawnSplit:
    """Hold speakers out, and draw a set for each utterance of the others."""
    held = hold_out(
        tables, speaker_genders(tables), options.leave_out, options.open_subsets, options.open_speakers,
        options.open_share, options.split_seed,
    )  # fmt: skip
    taken = {u: speaker for u, speaker in tables["utt2spk"].items() if speaker not in held.left_out}
    closed = {u: speaker for u, speaker in taken.items() if speaker not in held.open}
    if options.by == SEGMENT:
        tables, plan = cut_pieces(tables, utterance_seconds(tables), taken, options.piece_seconds, options.pieces)
        taken = tables["utt2spk"]
        held.left_out |= {speaker: why for speaker, why in plan.unsplit.items() if speaker in held.open}
        plan.unsplit = {speaker: why for speaker, why in plan.unsplit.items() if speaker not in held.open}
    else:
        plan = _plan(options, tables, closed)
    if plan.unsplit:
        _settle(options, plan, closed, len(set(closed.values())))
        held.left_out |= plan.unsplit if options.unsplittable == LEAVE_OUT else {}
    opened = {utterance: OPEN for utterance, speaker in taken.items() if speaker in held.open}
    return DrawnSplit(tables, dict(sorted((plan.sets | opened).items())), held, plan.notes)


def _plan(options: Options, tables: Mapping[str, Mapping[str, str]], utt2spk: Mapping[str, str]) -> SplitPlan:
    """The set of each utterance of these, by chapter, at random or by speaker."""
    if options.by == CHAPTER:
        return by_chapter(utt2spk, _chapters(options.data, tables, utt2spk), options.fractions, options.split_seed)
    if options.by == SPEAKER:
        genders = speaker_genders(tables)
        everybody = {speaker: genders.get(speaker, "") for speaker in utt2spk.values()}
        spk2set = by_speaker(everybody, options.fractions, options.split_seed)
        return SplitPlan({utterance: spk2set[speaker] for utterance, speaker in utt2spk.items()})
    unit_of = {utterance: unit for utterance, unit in stretches(tables).items() if utterance in utt2spk}
    unit2spk = {unit: utt2spk[unit] for unit in unit_of.values()}
    if options.sizes:
        if len(unit2spk) < len(utt2spk):
            raise InputError("--sizes: some utterances overlap in time or are copies; sizes are for whole recordings")
        return at_random_in_sizes(unit2spk, _sizes(options, tables, utt2spk), options.split_seed)
    plan = at_random(unit2spk, options.fractions, options.split_seed)
    plan.sets = {utterance: plan.sets[unit] for utterance, unit in unit_of.items() if unit in plan.sets}
    return plan


def _chapters(data: Path, tables: Mapping[str, Mapping[str, str]], utt2spk: Mapping[str, str]) -> Mapping[str, str]:
    chapters = tables.get("utt2chapter", {})
    lacking = [utterance for utterance in utt2spk if utterance not in chapters]
    if lacking:
        raise InputError(
            f"{data / 'utt2chapter'}: no chapter (session) for {len(lacking)} of {len(utt2spk)} utterances, such as "
            f"{lacking[0]}; write the table (corpora do --with_chapters true), or split --by random, segment or speaker"
        )
    return chapters


def _sizes(
    options: Options, tables: Mapping[str, Mapping[str, str]], utt2spk: Mapping[str, str]
) -> tuple[int, int, int]:
    """Utterances of train, dev and test, as --sizes says."""
    if options.sizes == (SUBSETS,):
        subsets = [tables.get("utt2subset", {}).get(utterance, "none") for utterance in utt2spk]
        counts = [sum(subset.split("-")[0] == name for subset in subsets) for name in SETS]
        if sum(counts) != len(subsets) or not all(counts):
            known = ", ".join(f"{count} of {name}" for name, count in sorted(Counter(subsets).items()))
            raise InputError(
                f"--sizes {SUBSETS}: expected utterances of train-, dev- and test- subsets in utt2subset, found {known}"
            )
        return tuple(counts)
    if len(options.sizes) != len(SETS) or not all(
        size.isascii() and size.isdecimal() and 0 < len(size) < 10 for size in options.sizes
    ):
        raise InputError(f"--sizes {','.join(options.sizes)}: expected {SUBSETS}, or three numbers of utterances")
    return tuple(map(int, options.sizes))


def _settle(options: Options, plan: SplitPlan, utt2spk: Mapping[str, str], speakers: int) -> None:
    """Do with speakers who cannot be on both sides as the user has chosen. Raises InputError where that is to stop."""
    what = f"{len(plan.unsplit)} of {speakers} speakers cannot be in train and in test: {listed(plan.unsplit)}"
    if options.unsplittable == STOP or not plan.sets:
        remedy = f"split by {' or '.join(way for way in WAYS if way != options.by)}, or add utterances"
        choices = LEAVE_OUT if options.by == SEGMENT else f"{LEAVE_OUT} or {TRAIN}"
        more = f", or let --unsplittable {choices} decide about them" if plan.sets else ""
        raise InputError(f"impossible --by {options.by}: {what}; {remedy}{more}")
    if options.unsplittable == TRAIN:
        plan.sets |= {u: "train" for u, speaker in utt2spk.items() if speaker in plan.unsplit}
    plan.notes.append(f"{what}: {'left out' if options.unsplittable == LEAVE_OUT else 'in train alone'}")


def _remove_earlier(directories: Iterable[Path]) -> None:
    """Remove sets of an earlier split of ours that this one does not have: their speakers may be in other sets now."""
    for directory in directories:
        record = read_record(directory / DONE)
        if record is not None and record.command == Options.COMMAND:
            log.info("%s is removed: it is of an earlier split", directory)
            shutil.rmtree(behind_links(directory))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
