"""Make trials of real enrolled speakers: their own utterances, other real speakers, and sampled speakers.

    python3 -m steps.verify.make_trials --data data/test --samples exp/samples/groups --out exp/trials

Reads utt2spk, xvector.scp and, where there are, spk2gender and segments of --data and --samples. Writes

    trials          enrolment test target|nontarget kind (see steps/verify/trial_design.py); an enrolment is a speaker
    pairs           the same pairs, two columns, as Kaldi's ivector-plda-scoring takes them
    enrol, test     data directories of the utterances, with xvector.scp; enrol/num_utts.ark
    counts.tsv      how many trials, enrolments and tests there are of each kind, and what was left out
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.data_dir import DataDir, check_genders, write_data_dir
from utils.errors import InputError
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir
from utils.tables import write_table

log = logger(__name__)
READ = ("utt2spk", "xvector.scp", "spk2gender", "segments")
WRITTEN = ("utt2spk", "xvector.scp", "spk2gender")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.make_trials"
    data: Path = option(help="data directory of real speakers that no model was trained on, with xvector.scp")
    out: Path = option(help="directory to write")
    samples: Path | None = option(None, "data directory of sampled speakers; without it, trials of real speakers alone")
    enrol_utterances: int = option(
        2, "utterances that enrol a speaker; at least one more is left as a test", least=1, most=10**6
    )
    strangers: int = option(
        2000, "utterances of other real speakers for each enrolment, at most; 0: all", least=0, most=10**7
    )
    sampled: int = option(2000, "sampled speakers for each enrolment, at most; 0: all", least=0, most=10**7)
    seed: int = option(0, "of the draws, where there are more", least=0, most=MAX_SEED)
    force: bool = option(False, "make the trials again even if nothing has changed")


def work(options: Options) -> None:
    """Make the trials and commit the directory."""
    sources = [path for path in (options.data, options.samples) if path is not None]
    inputs = [path / name for path in sources for name in READ if name in READ[:2] or (path / name).is_file()]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        import numpy as np

        from steps.metrics.trial_files import write_pairs, write_trials
        from steps.verify.trial_design import SAMPLED, STRANGER, Side, design_trials, divide_utterances, read_segments

        real = _tables(options.data)
        sampled = _tables(options.samples) if options.samples is not None else {name: {} for name in READ}
        _require_apart(options, real, sampled)
        division = divide_utterances(
            DataDir(options.data).spk2utt, options.enrol_utterances, read_segments(options.data)
        )
        if not division.enrolment:
            raise InputError(
                f"{options.data}: each speaker has one utterance; a trial needs one to enrol and one to test"
            )
        tables = {name: real[name] | sampled[name] for name in WRITTEN}
        sides = [
            Side(division.tests, [real["utt2spk"][one] for one in division.tests], STRANGER, options.strangers),
            Side(list(sampled["utt2spk"]), list(sampled["utt2spk"].values()), SAMPLED, options.sampled),
        ]
        rng = np.random.default_rng(options.seed)
        trials = design_trials(list(division.enrolment), sides, tables["spk2gender"], rng)
        if not trials.targets.any():
            raise InputError(
                f"{options.data}: all utterances overlap with those that enrol; give utterances that do not"
            )
        write_trials(stage.dir / "trials", trials)
        write_pairs(stage.dir / "pairs", trials)
        enrolment = [utterance for utterances in division.enrolment.values() for utterance in utterances]
        for name, utterances in (("enrol", enrolment), ("test", trials.tests)):
            _write_side(stage.dir / name, tables, utterances)
        counts = {speaker: str(len(utterances)) for speaker, utterances in division.enrolment.items()}
        write_table(stage.dir / "enrol" / "num_utts.ark", counts)
        lines = list(_count(trials, division, len(DataDir(options.data).spk2utt)))
        (stage.dir / "counts.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        log.info("%s:\n%s", stage.final, "\n".join(lines))


def _tables(directory: Path) -> dict[str, dict[str, str]]:
    """The tables of READ, empty where there is none, with paths as another directory may have them."""
    tables = DataDir(directory).require_utterances().tables()
    if "xvector.scp" not in tables:
        raise InputError(
            f"{directory}: no xvector.scp here; extract embeddings first, or name the directory that has them"
        )
    check_genders(tables.get("spk2gender", {}), directory / "spk2gender")
    missing = tables["utt2spk"].keys() - tables["xvector.scp"].keys()
    if missing:
        raise InputError(
            f"{directory}: {min(missing)}: no embedding in xvector.scp ({len(missing)} utterances have none)"
        )
    return {name: tables.get(name, {}) for name in READ}


def _require_apart(options: Options, real: dict, sampled: dict) -> None:
    """Raise InputError where a sampled speaker has the id of a real one: their utterances would be targets."""
    for what, ids in (("an utterance", list), ("a speaker", lambda table: table.values())):
        both = set(ids(real["utt2spk"])) & set(ids(sampled["utt2spk"]))
        if both:
            raise InputError(
                f"{options.samples}: {min(both)}: {what} of {options.data} has this id ({len(both)} such ids); are"
                " these samples?"
            )


def _write_side(out: Path, tables: dict[str, dict[str, str]], utterances: list[str]) -> None:
    """Write a data directory of some utterances; without spk2gender where a speaker's gender is not known."""
    utt2spk = {utterance: tables["utt2spk"][utterance] for utterance in utterances}
    kept = {
        "utt2spk": utt2spk,
        "xvector.scp": {utterance: tables["xvector.scp"][utterance] for utterance in utterances},
    }
    speakers = set(utt2spk.values())
    if speakers <= tables["spk2gender"].keys():
        kept["spk2gender"] = {speaker: tables["spk2gender"][speaker] for speaker in speakers}
    write_data_dir(out, kept)


def _count(trials, division, n_speakers: int) -> Iterator[str]:
    """The lines of counts.tsv."""
    yield "kind\ttrials\tenrolments\ttests"
    for number, name in enumerate(trials.kinds):
        own = trials.kind == number
        if own.any():
            yield f"{name}\t{own.sum()}\t{len(set(trials.enrol[own]))}\t{len(set(trials.test[own]))}"
    yield f"speakers with one utterance, not enrolled\t\t{n_speakers - len(division.enrolment)}\t"
    yield f"utterances that overlap with enrolment, left out\t\t\t{len(division.overlapping)}"


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
