"""Any tree of audio, and a table of its speakers and labels -> a data directory of audio, cut into segments on request.

Input: `<dataset>/<speaker>/.../<name>.<flac|wav|ogg>` or `<speaker>/<name>...` below a directory, and a table (csv,
tsv, jsonl or parquet) with a column of paths and any of: speaker, gender, text, caption, and attributes such as age.
The rules in `local/rules` map names of columns and labels; a speaker in the table overrides the speaker of the path.
Output: data/folder/audio as `local.audio_corpus` writes it, with utt2<attribute> for known attributes.
"""

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from local.audio_corpus import Recording, Unused, write_audio_corpus
from local.corpus_files import split_word
from local.corpus_rules import FILES, RULES, Rules
from local.key_matching import KeyMatcher
from local.speaker_words import Told, find_words
from local.twin_columns import TwinColumns
from steps.audio.audio_files import USUAL_SUFFIXES, find_audio
from steps.data.groups import ATTRIBUTES
from steps.data.spellings import DISTINCT_HELP, Mention, look, normal_names
from steps.data.table_rows import read_rows
from utils.command import logger, run_command
from utils.errors import InputError, brief, cut
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)


UNTOLD = "the table names its neighbours' speakers, not its own"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.prepare_folder"
    data_dir: Path = option(help="the tree of audio")
    labels: Path | None = option(None, "table of speakers and labels; default: speakers from the paths, no labels")
    out: Path = option(Path("data/folder/audio"), "data directory to write")
    attributes: tuple[str, ...] = option(
        (*ATTRIBUTES, "age"), "columns of the table to take besides speaker, gender, text and caption"
    )
    min_match: float = option(0.99, "least share of the rows of the table that must have a file", least=0, most=1)
    segment_seconds: float = option(0.0, "length of a segment; 0: recordings are not cut", least=0, most=86400)
    hop_seconds: float = option(1.5, "from the start of a segment to the start of the next", least=0.01, most=86400)
    max_fail: float = option(0.01, "largest share of files that cannot be read", least=0, most=1)
    distinct_ids: bool = option(False, DISTINCT_HELP)
    rules: Path = option(RULES, "directory of columns.yaml, labels.yaml, speakers.yaml")
    force: bool = option(False, "redo the stage even if it is up to date")


@dataclass
class TableRow:
    """The row of the table for one file."""

    where: str
    speaker: str | None = None
    gender: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)  # labels that are not in the rules


def work(options: Options) -> None:
    """List the files, join the table, and write."""
    if not options.data_dir.is_dir():
        raise InputError(f"--data_dir {options.data_dir}: no such directory")
    listed = find_audio(options.data_dir)
    files = listed.found
    if not files:
        there = ", ".join(f"{count} {reason}" for reason, count in listed.counts().items())
        raise InputError(
            f"--data_dir {options.data_dir}: no {USUAL_SUFFIXES} below it{f' ({there})' if there else ''}; expected "
            "<speaker>/<name>.wav"
        )
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
        told = told_speakers(known)
        unknown = [(path, UNTOLD) for path, name in zip(files, names, strict=True) if is_untold(name, known, told)]
        files = sorted({*files} - {path for path, _ in unknown})
        names = [path.relative_to(options.data_dir).as_posix() for path in files]
        speakers, changes = find_speakers(names, known, told)
        refuse_deep_folders(options.data_dir, [name for name in names if len(speakers[name]) > 1])
        if not options.distinct_ids:
            refuse_shared_sets(options.data_dir, speakers)
        recordings = [
            name_recording(path, name, speakers[name], known.get(name)) for path, name in zip(files, names, strict=True)
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


def read_labels(options: Options, names: list[str], counts: Counter[str]) -> dict[str, TableRow]:
    """File -> its row of the table; `counts` takes the numbers of rows, files and labels that are not used.

    Raises InputError if too few rows have a file.
    """
    rules = Rules.load(options.rules)
    columns, raw_rows = read_rows(options.labels)
    wanted = ["audio_path", "speaker", "gender", "text", "caption", *options.attributes]
    raw_rows = TwinColumns(rules, wanted, columns).settled(raw_rows)
    path_column = rules.column("audio_path", columns)
    if path_column is None:
        wanted = "|".join(rules.aliases("audio_path"))
        raise InputError(
            f"{options.labels}: no column {wanted}; it has {', '.join(columns)}; rename the column of paths"
        )
    rows = [
        (str(row.get(path_column) or "").strip(), _table_row(where, row, columns, options.attributes, rules))
        for where, row in raw_rows
    ]
    total, rows = len(rows), [(path, row) for path, row in rows if path]
    counts["rows of the table left out: empty path"] += total - len(rows)
    once = take_once(rows)
    counts["rows of the table left out: repeats another row"] += len(rows) - len(once)
    total, rows = total - len(rows) + len(once), once
    match = KeyMatcher(names).match([path for path, _ in rows])
    log.info("%d of %d rows have a file, by rule %r", match.n_found, total, match.rule)
    counts["rows of the table left out: no file"] += len(rows) - match.n_found
    counts["files without a row of the table"] += len(names) - match.n_found
    if match.n_found < options.min_match * total or not rows:
        lost = next(
            (f"{known.where}: {cut(path)}" for (path, known), key in zip(rows, match.keys, strict=True) if not key),
            "rows of empty paths",
        )
        raise InputError(
            f"{options.labels}: only {match.n_found} of {total} rows have a file, fewer than --min_match "
            f"{options.min_match}; without one is {lost}; files are like {names[0]}"
        )
    unmapped = [(known.where, label) for _, known in rows for label in known.unmapped]
    if unmapped:
        example = ": ".join(unmapped[0])
        log.warning("%d labels are not in %s of the rules and not used: %s", len(unmapped), FILES[1], example)
    counts.update(f"rows with an unknown label: {label}" for _, label in unmapped)
    log.info(
        "%d of %d files have no row; their speakers are those of the paths", len(names) - match.n_found, len(names)
    )
    named = [(known, key) for (_, known), key in zip(rows, match.keys, strict=True) if key]
    told = (Told(known.where, known.speaker, _folder(key)) for known, key in named if known.speaker)
    find_words(told, rules, options.distinct_ids)
    return {key: known for known, key in named}


def take_once(rows: list[tuple[str, TableRow]]) -> list[tuple[str, TableRow]]:
    """The rows, of those that repeat a path the first. Raises InputError where the repeat says something else."""
    first: dict[str, TableRow] = {}
    for path, row in rows:
        other = first.setdefault(path, row)
        if replace(row, where=other.where) != other:
            raise InputError(f"{row.where}: {cut(path)} has other labels at {other.where}; remove one of the two rows")
    return list(first.items())


def _table_row(where: str, row: dict, columns: list[str], attributes: tuple[str, ...], rules: Rules) -> TableRow:
    def words(name: str) -> str:
        column = rules.column(name, columns)
        value = row.get(column) if column else None
        return "" if value is None else " ".join(str(value).split())

    def cell(name: str) -> str | None:
        return None if rules.is_unknown(words(name)) else words(name)

    gender = cell("gender")
    known = TableRow(where, rules.person(words("speaker")), gender and rules.label("gender", gender))
    for attribute in attributes:
        label = cell(attribute)
        value = label and rules.label(attribute, label)
        if value:
            known.labels[attribute] = value
        elif label:
            known.unmapped.append(f"{attribute} {brief(label)}")
    known.labels |= {name: value for name in ("text", "caption") if (value := words(name))}
    if known.gender:
        known.labels["gender"] = known.gender
    return known


def _folder(name: str) -> str:
    return "/".join(name.split("/")[:-1][:2])


def told_speakers(known: dict[str, TableRow]) -> dict[str, set[str]]:
    """Folder of a speaker -> the speakers that the table names for files there."""
    told: dict[str, set[str]] = {}
    for name, row in known.items():
        if row.speaker:
            told.setdefault(_folder(name), set()).add(row.speaker)
    return told


def is_untold(name: str, known: dict[str, TableRow], told: dict[str, set[str]]) -> bool:
    """Does the table name others than the folder's speaker for files beside this one, but nobody for this one?"""
    others = told.get(_folder(name), set())
    if not others or (name in known and known[name].speaker):
        return False
    return look(_folder(name).split("/")[-1]) not in map(look, others)


def find_speakers(
    names: list[str], known: dict[str, TableRow], told: dict[str, set[str]]
) -> tuple[dict[str, tuple[str, ...]], Counter[str]]:
    """File -> the parts of its speaker's name, by the table or else by folders; and counts of what was normalised."""

    def parts_of(name: str) -> tuple[str, ...]:
        if name in known and known[name].speaker:
            return (known[name].speaker,)
        parts = tuple(_folder(name).split("/"))
        return parts[-1:] if parts[-1] in told.get(_folder(name), ()) else parts

    written = {name: parts_of(name) for name in names}
    speakers = normal_names({parts[-1] for parts in written.values()})
    datasets = normal_names({part for parts in written.values() for part in parts[:-1]})
    changes = Counter(speakers[parts[-1]][1] for parts in written.values())
    found = {
        name: (*(datasets[part][0] for part in parts[:-1]), speakers[parts[-1]][0]) for name, parts in written.items()
    }
    return found, Counter({f"files, speaker written {change}": count for change, count in changes.items() if change})


def refuse_deep_folders(root: Path, names: list[str]) -> None:
    """Raise InputError where all datasets seem to have one speaker, whose files are in folders below, of nobody knows.

    VoxCeleb's `dev/aac/id00012/...` and `train/audio/103/...` of MLS have a folder too many.

    Args:
        names: of the files whose speakers are the second of their folders.
    """
    below: dict[tuple[str, ...], set[str]] = {}
    for name in names:
        dataset, speaker, *rest = name.split("/")[:-1]
        below.setdefault((dataset, speaker), set()).add(rest[0] if rest else "")
    one_each = len(below) == len({dataset for dataset, _ in below})
    if below and one_each and all("" not in folders and len(folders) > 1 for folders in below.values()):
        (dataset, speaker), folders = next(iter(below.items()))
        raise InputError(
            f"{root / dataset / speaker}: would be one speaker, the only one of {dataset}, but has {len(folders)} "
            f"folders such as {min(folders)}: if these are the speakers, give {root / dataset} as --data_dir, or move "
            "them one level up; or give --labels with a column of speakers"
        )


def refuse_shared_sets(root: Path, speakers: dict[str, tuple[str, ...]]) -> None:
    """Raise InputError for a speaker's folder in two sets, such as train/anna and test/anna: our ids would be two.

    Args:
        speakers: file -> dataset and speaker, or the speaker alone.
    """
    first: dict[str, str] = {}
    for dataset, speaker in sorted({parts for parts in speakers.values() if len(parts) > 1}):
        here = f"{dataset}/{speaker}"
        other = first.setdefault(look(speaker), here) if split_word(dataset.lower()) else here
        if other != here:
            raise InputError(
                f"{root / here}: is this the speaker of {other} too? Name the speakers with --labels, or give "
                "--distinct_ids true if they are two people"
            )


def name_recording(path: Path, name: str, speaker: tuple[str, ...], known: TableRow | None) -> Recording:
    """Give a file its id, `<speaker>-<rest of the path>`; the dataset, if there is one, is part of the speaker's id."""
    *folders, stem = name.rpartition(".")[0].split("/")
    if speaker == ("",):
        raise InputError(
            f"{path}: the speaker is unknown; put the file into a folder of its speaker, or give --labels with a "
            "column of speakers"
        )
    told = known if known and known.speaker else None
    rest = [stem] if told else [*folders[2:], stem]
    return Recording(
        "-".join([*map(_word, speaker), *map(_word, rest)]),
        "-".join(map(_word, speaker)),
        path,
        known.labels if known else {},
        Mention("-".join(map(_word, speaker)), "/".join(speaker), told.where if told else str(path)),
    )


def _word(text: str) -> str:
    """A part of an id, without white space and hyphens, so that ids sort by speaker; letters keep their marks."""
    letters = unicodedata.normalize("NFC", text)
    kept = "".join(c if c.isalnum() or c in "_." or unicodedata.category(c)[0] == "M" else " " for c in letters)
    return "_".join(kept.split()) or "_"


def refuse_same_speakers(recordings: list[Recording]) -> None:
    """Raise InputError if two speakers, named by the table or by folders, have one id."""
    names: dict[str, str] = {}
    for recording in recordings:
        speaker = recording.mention.name
        other = names.setdefault(recording.speaker, speaker)
        if other != speaker:
            raise InputError(
                f"{recording.path}: speakers {brief(other)} and {brief(speaker)} both become {cut(recording.speaker)}: "
                "rename one"
            )


def speaker_genders(pairs: Iterator[tuple[Recording, TableRow | None]]) -> dict[str, str]:
    """Speaker -> f or m, where known. Raises InputError for a speaker with two genders."""
    found: dict[str, TableRow] = {}
    for recording, known in pairs:
        if known and known.gender:
            other = found.setdefault(recording.speaker, known)
            if other.gender != known.gender:
                raise InputError(
                    f"{known.where}: speaker {recording.speaker} is {known.gender} here, {other.gender} at "
                    f"{other.where}; correct one"
                )
    return {speaker: known.gender[0] for speaker, known in found.items()}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
