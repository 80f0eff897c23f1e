"""Make trials of single utterances of real speakers: each against each other one, without enrolment of several.

    python3 -m steps.verify.make_pairs --data data/open --out exp/open_trials --across_chapters true

Reads utt2spk and, where there are, spk2gender, utt2chapter, utt2uniq and segments of --data, whose speakers no model
was trained on. All pairs of one speaker are targets; of the others at most --nontargets are drawn. Writes

    trials          enrolment test target|nontarget kind (own, stranger-same or -other gender); both are utterances
    pairs           the same pairs, two columns, as Kaldi's ivector-plda-scoring takes them
    enrol, test     data directories of the utterances; in enrol an utterance stands for itself
    enrol2spk       enrolment -> speaker
    design.json     counts of trials, the share of same gender, and of what sessions the targets are
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from utils.command import logger, run_command
from utils.data_dir import DataDir, check_genders, write_data_dir
from utils.errors import InputError
from utils.json_files import json_text
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir
from utils.tables import write_table

if TYPE_CHECKING:
    from steps.verify.pair_design import PairDesign

log = logger(__name__)
READ = ("utt2spk", "spk2gender", "utt2chapter", "utt2uniq", "segments")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.make_pairs"
    data: Path = option(help="data directory of real speakers that no model was trained on")
    out: Path = option(help="directory to write")
    nontargets: int = option(500_000, "pairs of different speakers, at most; 0: all", least=0, most=10**8)
    across_chapters: bool = option(False, "targets of different chapters only, by utt2chapter")
    seed: int = option(0, "of the draw of non-targets", least=0, most=MAX_SEED)
    force: bool = option(False, "make the trials again even if nothing has changed")


def work(options: Options) -> None:
    """Make the trials and commit the directory."""
    inputs = [options.data / name for name in READ if name == READ[0] or (options.data / name).is_file()]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        from steps.metrics.trial_files import DESIGN, ENROLMENT_SPEAKERS, write_pairs, write_trials
        from steps.verify.pair_design import Utterances, design_pairs
        from steps.verify.trial_design import read_segments

        data = DataDir(options.data).require_utterances()
        genders, chapters, uniq = (data.table(name) if data.has(name) else {} for name in READ[1:4])
        check_genders(genders, options.data / "spk2gender")
        if options.across_chapters and not chapters:
            raise InputError(f"{options.data}: no utt2chapter here, which --across_chapters needs")
        known = Utterances(data.utt2spk, genders, chapters, uniq, read_segments(options.data))
        try:
            design = design_pairs(known, options.nontargets, options.across_chapters, options.seed)
        except InputError as error:
            raise InputError(f"{options.data}: {error}") from error
        trials = design.trials
        write_trials(stage.dir / "trials", trials)
        write_pairs(stage.dir / "pairs", trials)
        write_data_dir(stage.dir / "enrol", {"utt2spk": {one: one for one in trials.enrolments}})
        tested = {one: data.utt2spk[one] for one in trials.tests}
        tables = {"utt2spk": tested}
        if genders.keys() >= set(tested.values()):
            tables["spk2gender"] = {speaker: genders[speaker] for speaker in set(tested.values())}
        write_data_dir(stage.dir / "test", tables)
        write_table(stage.dir / ENROLMENT_SPEAKERS, {one: data.utt2spk[one] for one in trials.enrolments})
        counts = describe(design)
        text = json_text(counts, stage.dir / DESIGN, indent=1)
        (stage.dir / DESIGN).write_text(f"{text}\n", encoding="utf-8")
        log.info("%s: %s", stage.final, ", ".join(f"{name} {value}" for name, value in counts.items()))


def describe(design: "PairDesign") -> dict[str, Any]:
    """The content of design.json."""
    import numpy as np

    trials = design.trials
    counts = {
        name: int(n)
        for name, n in zip(trials.kinds, np.bincount(trials.kind, minlength=len(trials.kinds)), strict=True)
    }
    same, other = counts["stranger-same"], counts["stranger-other"]
    return {
        "targets": counts["own"],
        "nontargets": len(trials) - counts["own"],
        "nontargets of same gender": same,
        "share of same gender": round(same / (same + other), 4) if same + other else None,
        **{f"targets {name}": n for name, n in design.sessions.items()},
        "left out, overlapping": design.overlapping,
        "left out, one chapter": design.same_chapter,
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
