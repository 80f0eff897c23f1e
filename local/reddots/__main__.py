"""Stage 0 of the recipe reddots: lists of RedDots, or of a corpus in its files, become Kaldi data directories.

Input: `data_dir` with `pcm/<speaker>/<recording>.pcm` (16 bits, 16 kHz, no header), `ndx/{m,f}_part_<part>.{trn,ndx}`,
`infos/script.txt`, and if they are there `infos/phones.csv`, `infos/folds.txt` and `infos/sexes.txt`, as they are also
written by `local.look_alike`. Output: `all`, `lists`, and for each list `enrol_`, `test_`, `background_`, `cohort_` and
`ubm_<list>` (`local/reddots/write_lists.py`); `counts.tsv`, the numbers of models and trials by list, sex, speaker and
kind; `left_out.tsv`, what cannot be used, and what goes with it; `spk2fold`, where lists go by folds.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from local.reddots.cohorts import cohort_of
from local.reddots.copies import COPIES, find_copies, write_copies
from local.reddots.counts import COUNTS, count, count_lines, write_counts
from local.reddots.experiments import LEAST_FOLDS, Experiment, by_folds, deal_folds, whole_lists
from local.reddots.info_files import read_folds, read_script, read_sexes
from local.reddots.leaks import check_leaks
from local.reddots.names import parts_of, utterance_of
from local.reddots.parts import PartList, read_parts, speaker_sexes
from local.reddots.recordings import Recordings, read_recordings, texts_of
from local.reddots.ubm_speech import read_ubm_speech
from local.reddots.usable import LEFT_OUT, LeftOutRows, without_faults
from local.reddots.write_lists import ALL, write_experiment, write_names, write_sides, write_utterances
from steps.audio.failures import check_failures
from steps.hmm.phones_file import read_phones_file
from utils.command import logger, run_command
from utils.errors import InputError, absence
from utils.options import option
from utils.stage_dir import StageDir
from utils.tables import write_table

log = logger(__name__)
SPEAKER_FOLDS = "spk2fold"
LEAST_BACKGROUND = 0.1  # share of all speakers: where a list leaves fewer, lists go by folds
OWN, EVERY = "part", "all"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.prepare_reddots"
    data_dir: Path = option(help="the corpus: pcm/, ndx/, infos/")
    out: Path = option(help="directory of data directories to write, such as data/reddots")
    parts: tuple[str, ...] = option((), "such as 01,04; default: all parts of ndx/")
    n_folds: int = option(
        0, "folds of speakers; 0: those of infos/folds.txt, or as many as a background takes", least=0, most=1000
    )
    background: str = option(
        OWN, "recordings of background speakers: those of the list's part, or all, script.txt's too", (OWN, EVERY)
    )
    cohort_recordings: int = option(3, "recordings of a model of the cohort; 0: no cohorts", least=0, most=1000)
    ubm_data: Path | None = option(None, "other speech for the UBM: a data directory, or a tree of audio by speaker")
    min_seconds: float = option(0.1, "shortest recording that is used", least=0, most=60)
    max_fail: float = option(0.1, "largest share of the recordings of lists that cannot be used", least=0, most=1)
    allow_shared: bool = option(False, "let recordings that enrol one model test others")
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Read the lists, and write them."""
    root = options.data_dir
    _require_folders(root)
    if options.ubm_data and not options.ubm_data.is_dir():
        raise InputError(f"--ubm_data {options.ubm_data}: {absence(options.ubm_data, 'directory')}")
    inputs = [root, *([options.ubm_data] if options.ubm_data else [])]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        parts = read_parts(root / "ndx", options.parts, options.allow_shared)
        recordings, sexes = _recordings(options, parts)
        left_out = LeftOutRows()
        parts = [without_faults(part, recordings.faults, left_out) for part in parts]
        _note_others(recordings, left_out)
        left_out.write(stage.dir / LEFT_OUT)
        paths = {name.partition("-")[2]: Path(path) for name, path in recordings.tables["wav.scp"].items()}
        write_copies(stage.dir / COPIES, find_copies(paths), parts)
        experiments, folds = divide(options, parts, recordings, sexes)
        if folds:
            write_table(stage.dir / SPEAKER_FOLDS, folds)
        _write(options, stage.dir, parts, experiments, recordings)
        whole = [Experiment(part.name, part, part.trials, frozenset()) for part in parts]
        rows = count(whole, sexes) + ([row for row in count(experiments, sexes) if row[2] == "all"] if folds else [])
        write_counts(stage.dir / COUNTS, rows)
        check_leaks(stage.dir, options.allow_shared)
        log.info("%s: %d lists of %d recordings", stage.final, len(experiments), len(recordings.tables["utt2spk"]))
    print("\n".join(count_lines(rows)))


def _require_folders(root: Path) -> None:
    for name in ("pcm", "ndx", "infos"):
        if not (root / name).is_dir():
            found = sorted(path.parent for path in root.glob("*/ndx"))
            hint = f"; is it {found[0]}?" if found else "; expected pcm, ndx and infos"
            raise InputError(f"--data_dir {root}: {absence(root / name, 'directory')}, {name}{hint}")


def _recordings(options: Options, parts: list[PartList]) -> tuple[Recordings, dict[str, str]]:
    """The recordings of the lists, and if asked for those of the script; and speaker -> f or m where it is known.

    Too many faulty recordings of lists are an error.
    """
    file = options.data_dir / "infos" / "script.txt"
    script = read_script(file)
    if (file.parent / "phones.csv").is_file():
        read_phones_file(file.parent / "phones.csv")  # it is read by a later stage: its faults are told now
    listed = {name for part in parts for name in (*part.enrolling(), *part.trials.tests)}
    names = listed | script.keys() if options.background == EVERY else listed
    log.info("%s: %d recordings, of which no list has %d", file, len(script), len(script.keys() - listed))
    sexes = speaker_sexes(parts, names)
    if (file.parent / "sexes.txt").is_file():
        sexes |= read_sexes(file.parent / "sexes.txt")
    texts = texts_of(names, script, file)
    found = read_recordings(options.data_dir, names, texts, sexes, options.min_seconds)
    failures = [(utterance_of(name), *fault) for name, fault in found.faults.items() if name in listed]
    check_failures(failures, len(listed), options.max_fail, options.out)
    return found, sexes


def _note_others(recordings: Recordings, left_out: LeftOutRows) -> None:
    """Faulty recordings of the script that no list has."""
    listed = {row[2] for row in left_out.rows}
    for name, (reason, detail) in recordings.faults.items():
        if name not in listed:
            left_out.add("-", "other", name, reason, 0, detail)


def divide(
    options: Options, parts: list[PartList], recordings: Recordings, sexes: Mapping[str, str]
) -> tuple[list[Experiment], dict[str, str]]:
    """The experiments, and speaker -> fold where they go by folds."""
    speakers = sorted(set(recordings.tables["utt2spk"].values()))
    file = options.data_dir / "infos" / "folds.txt"
    whole = whole_lists(parts, speakers)
    bare = [one for one in whole if len(one.background) < LEAST_BACKGROUND * len(speakers)]
    if options.n_folds:
        where, folds = f"--n_folds {options.n_folds}", deal_folds(speakers, sexes, options.n_folds)
    elif file.is_file():
        where, folds = str(file), read_folds(file)
    elif bare:
        left = f"{len(bare[0].background)} of {len(speakers)} speakers"
        log.info("%s are left for the background of list %s: lists go by %d folds", left, bare[0].name, LEAST_FOLDS)
        where, folds = "the corpus", deal_folds(speakers, sexes, LEAST_FOLDS)
    else:
        return whole, {}
    folds = {speaker: fold for speaker, fold in folds.items() if speaker in speakers}
    return [one for part in parts for one in by_folds(part, folds, where)], folds


def _write(
    options: Options, out: Path, parts: list[PartList], experiments: list[Experiment], recordings: Recordings
) -> None:
    """Write all data directories."""
    tables, everyone = recordings.tables, recordings.tables["utt2spk"]
    ubm = read_ubm_speech(options.ubm_data, options.min_seconds, out) if options.ubm_data else {}
    joined = {name: tables.get(name, {}) | ubm.get(name, {}) for name in tables.keys() | ubm.keys()}
    joined["text"] = tables["text"] | dict.fromkeys(ubm.get("utt2spk", {}), "") | ubm.get("text", {})
    write_utterances(out / ALL, joined, everyone.keys() | ubm.get("utt2spk", {}).keys())
    usable = {name.partition("-")[2] for name in everyone}
    by_part = {part.name: {*part.enrolling(), *part.trials.tests} for part in parts}
    for part in parts:
        if part.name not in {one.name for one in experiments}:
            write_sides(
                out, part.name, tables, {str(model): names for model, names in part.models.items()}, part.trials
            )
    for one in experiments:
        source = usable if options.background == EVERY else by_part[one.part.name]
        background = sorted(name for name in source if parts_of(name).speaker in one.background)
        if not background:
            raise InputError(
                f"list {one.name}: its background of {len(one.background)} speakers says nothing in this part; give "
                "--background all, or more folds"
            )
        cohort = cohort_of(one, background, options.cohort_recordings) if options.cohort_recordings else None
        write_experiment(out, one, tables, background, cohort)
        if ubm:
            write_utterances(out / f"ubm_{one.name}", ubm, ubm["utt2spk"])
    write_names(out, experiments)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
