"""Any tree of audio, and a table of its speakers and labels -> a data directory of audio, cut into segments on request.

Input: `<dataset>/<speaker>/.../<name>.<flac|wav|ogg>` or `<speaker>/<name>...` below a directory, with
`--speaker_folder 1` `<speaker>/<session>/<name>...`; and a table (csv, tsv, jsonl or parquet) with a column of paths
and any of: speaker, gender, text, caption, and attributes such as age. The rules in `local/rules` map names of columns
and labels; a speaker in the table overrides the speaker of the path. Or a Kaldi data directory with wav.scp.
Output: data/folder/audio as `local.audio_corpus` writes it, with utt2<attribute> for known attributes, and with
`--with_chapters true` utt2chapter, the folders below the speaker's.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from local.audio_corpus import Unused, write_audio_corpus
from local.corpus_rules import FILES, RULES
from local.folder_labels import read_labels
from local.folder_speakers import (
    find_speakers,
    is_untold,
    name_recording,
    refuse_deep_folders,
    refuse_same_speakers,
    refuse_shared_sets,
    speaker_genders,
    told_speakers,
    warn_of_sessions,
)
from local.kaldi_corpus import take_data_dir
from steps.audio.audio_files import USUAL_SUFFIXES, AudioFiles, find_audio
from steps.data.groups import ATTRIBUTES
from steps.data.spellings import DISTINCT_HELP
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)


UNTOLD = "the table names its neighbours' speakers, not its own"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.prepare_folder"
    data_dir: Path = option(help="the tree of audio, or a Kaldi data directory with wav.scp and utt2spk")
    labels: Path | None = option(None, "table of speakers and labels; default: speakers from the paths, no labels")
    out: Path = option(Path("data/folder/audio"), "data directory to write")
    attributes: tuple[str, ...] = option(
        (*ATTRIBUTES, "age"), "columns of the table to take besides speaker, gender, text and caption"
    )
    oldest_child: float | None = option(
        None,
        "years: a column of ages is cut there, child and adult above; none: in the five ages of labels.yaml",
        least=0,
        most=200,
    )
    min_match: float = option(0.99, "least share of the rows of the table that must have a file", least=0, most=1)
    segment_seconds: float = option(0.0, "length of a segment; 0: recordings are not cut", least=0, most=86400)
    hop_seconds: float = option(1.5, "from the start of a segment to the start of the next", least=0.01, most=86400)
    speaker_folder: int = option(
        2,
        "folder of a path that names the speaker: 2 of <dataset>/<speaker>, 1 of <speaker>/<session>",
        least=1,
        most=2,
    )
    with_chapters: bool = option(False, "write utt2chapter too, the sessions of speakers")
    max_fail: float = option(0.01, "largest share of files that cannot be read", least=0, most=1)
    distinct_ids: bool = option(False, DISTINCT_HELP)
    rules: Path = option(RULES, "directory of columns.yaml, labels.yaml, speakers.yaml")
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """List the files, join the table, and write."""
    if not options.data_dir.is_dir():
        raise InputError(f"--data_dir {options.data_dir}: no such directory")
    if (options.data_dir / "wav.scp").is_file():
        return take_data_dir(options)
    listed = find_files(options.data_dir)
    files = listed.found
    inputs = [
        *filter(Path.is_file, files),
        *(options.rules / name for name in FILES),
        *([options.labels] if options.labels else []),
    ]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        names = [path.relative_to(options.data_dir).as_posix() for path in files]
        counts: Counter[str] = Counter()
        known = read_labels(options, names, counts) if options.labels else {}
        depth = options.speaker_folder
        told = told_speakers(known, depth)
        unknown = [
            (path, UNTOLD) for path, name in zip(files, names, strict=True) if is_untold(name, known, told, depth)
        ]
        files = sorted({*files} - {path for path, _ in unknown})
        names = [path.relative_to(options.data_dir).as_posix() for path in files]
        speakers, changes = find_speakers(names, known, told, depth)
        warn_of_sessions(speakers)
        refuse_deep_folders(options.data_dir, [name for name in names if len(speakers[name]) > 1])
        if not options.distinct_ids:
            refuse_shared_sets(options.data_dir, speakers)
        recordings = [
            name_recording(path, name, speakers[name], known.get(name), depth, options.with_chapters)
            for path, name in zip(files, names, strict=True)
        ]
        refuse_same_speakers(recordings)
        genders = speaker_genders(zip(recordings, (known.get(name) for name in names), strict=True))
        number = write_audio_corpus(
            stage.dir,
            recordings,
            genders,
            options.segment_seconds,
            options.hop_seconds,
            options.max_fail,
            options.distinct_ids,
            Unused([*listed.left_out, *unknown], changes + counts),
        )
        log.info(
            "%s: %d utterances of %d files, %d speakers", stage.final, number, len(files), len(set(speakers.values()))
        )


def find_files(data_dir: Path) -> AudioFiles:
    """The files of audio in a tree. Raises InputError where there are none."""
    listed = find_audio(data_dir)
    if not listed.found:
        there = ", ".join(f"{count} {reason}" for reason, count in listed.counts().items())
        raise InputError(
            f"--data_dir {data_dir}: no {USUAL_SUFFIXES} below it{f' ({there})' if there else ''}; expected "
            "<speaker>/<name>.wav"
        )
    return listed


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
