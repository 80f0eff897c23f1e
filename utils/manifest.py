"""Manifests: recordings as JSON lines in the form of NeMo, a view of a Kaldi data directory.

    {"audio_filepath": "/audio/anna/1.wav", "duration": 3.21, "id": "anna/1", "speaker": "anna", "text": "one two"}

`audio_filepath` is needed; `duration` and `offset` (of a segment in its recording) are seconds. `text`, `id` and
`speaker` may be absent, other keys of others are passed over. A relative path is one from the manifest's directory. A
manifest is written whole, under a lock, and the one before it is kept as `<name>.previous`.

Input of the command: a data directory with wav.scp and utt2dur. Output: its manifest.
"""

import math
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring as quoted
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from utils.chunks import CHUNK, chunked
from utils.command import logger, run_command
from utils.data_dir import DataDir
from utils.durable import write_whole
from utils.errors import InputError, brief
from utils.json_files import parse_json
from utils.locking import lock_file, remove_lock
from utils.options import option
from utils.script_files import FileFinder
from utils.stage_dir import StageDir
from utils.table_values import parse_segment, plain_segments
from utils.tables import iterate_lines, read_text, values_of

log = logger(__name__)
MANIFEST = "manifest.jsonl"  # name of that of a data directory
KEPT = ".previous"  # at the end of the name of the one before
SUFFIXES = (".json", ".jsonl")
EXAMPLE = '{"audio_filepath": "/audio/1.wav"}'
OPTIONAL = ("segments", "text", "utt2dur")  # tables of a data directory that need not be there
SOME_TEXTS = "utt2text"  # in place of text, where only some are known
LARGEST_NUMBER = 10**18  # of an id or a speaker that is a number, as NeMo's manifests of speech synthesis have them
Seconds = float


class ManifestEntry(NamedTuple):
    """One line of a manifest.

    Attributes:
        path: of the recording. duration, offset: of the part that is meant; None: all of it, and from its beginning.
        text: what is said; None where that is not known, "" where it is nothing. id, speaker: empty where not given.
        line: of the manifest.
    """

    path: Path
    duration: Seconds | None = None
    offset: Seconds | None = None
    text: str | None = None
    id: str = ""
    speaker: str = ""
    line: int = 0

    def as_line(self) -> str:
        """The entry as a JSON object, without what is not known; its seconds are finite."""
        return _objects(ManifestColumns(*([value] for value in self[:-1])))[0]


class ManifestColumns(NamedTuple):
    """Many entries, each of their attributes by itself."""

    paths: Sequence[Path]
    durations: Sequence[Seconds | None]
    offsets: Sequence[Seconds | None]
    texts: Sequence[str | None]
    ids: Sequence[str]
    speakers: Sequence[str]


def read_manifest(path: Path) -> list[ManifestEntry]:
    """The entries of a manifest: a JSON object a line, or one list of them. Raises InputError with the line."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; expected a manifest, lines of JSON with audio_filepath")
    first = next((line.lstrip() for line in iterate_lines(path) if line.strip()), "")
    if first.startswith("["):
        content = enumerate(parse_json(read_text(path), str(path)), 1)
        return [_entry(row, f"{path}: entry {number}", path, number) for number, row in content]
    if first and (not first.startswith("{") or first.strip() == "{"):
        raise InputError(f"{path}: expected a JSON object a line, such as {EXAMPLE}; found {brief(first.strip())}")
    lines = ((number, line) for number, line in enumerate(iterate_lines(path), 1) if line.strip())
    return [_entry(parse_json(line, str(path), number), f"{path}:{number}", path, number) for number, line in lines]


def _entry(row: Any, where: str, manifest: Path, line: int) -> ManifestEntry:
    if not isinstance(row, dict) or not isinstance(row.get("audio_filepath"), str) or not row["audio_filepath"]:
        raise InputError(f"{where}: expected an object with audio_filepath, a path, found {brief(row)}")
    if "\0" in row["audio_filepath"]:
        raise InputError(f"{where}: audio_filepath: a path has no NUL, found {brief(row['audio_filepath'])}")
    texts = {}
    for key in ("text", "id", "speaker"):
        value = row.get(key)
        if key != "text" and type(value) is int and abs(value) < LARGEST_NUMBER:
            value = str(value)
        if not isinstance(value, str | None):
            raise InputError(f"{where}: {key}: expected a text, found {brief(value)}")
        texts[key] = value
    duration, offset = (_seconds(row.get(key), key, where) for key in ("duration", "offset"))
    if duration == 0:
        raise InputError(f"{where}: duration: expected more than 0 s, found 0")
    text = None if texts["text"] is None else " ".join(texts["text"].split())
    path = manifest.parent / row["audio_filepath"]
    return ManifestEntry(path, duration, offset, text, texts["id"] or "", texts["speaker"] or "", line)


def _seconds(value: Any, key: str, where: str) -> Seconds | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 <= value <= sys.float_info.max):
        raise InputError(f"{where}: {key}: expected seconds, 0 or more, found {brief(value)}")
    return float(value)


def manifest_of(directory: Path) -> Iterator[ManifestEntry]:
    """The entries of a data directory, sorted by id: the utterances of utt2spk with the recordings of wav.scp."""
    for columns in _columns_of(directory):
        yield from map(ManifestEntry, *columns)


def _columns_of(directory: Path, tables: Mapping[str, Mapping[str, str]] | None = None) -> Iterator[ManifestColumns]:
    """The same, many entries at a time.

    Args:
        tables: what the directory has, by file name, where that is in memory.
    """
    if tables is None:
        data = DataDir(directory)
        names = ("utt2spk", "wav.scp", *filter(data.has, (*OPTIONAL, SOME_TEXTS)))
        tables = {name: data.table(name) for name in names}
    script = Path(directory) / "wav.scp"
    finder = FileFinder(script)
    recordings = {key: Path(finder.find(text, key)).absolute() for key, text in tables["wav.scp"].items()}
    keys = sorted(tables["utt2spk"])
    tables = {"text": tables.get(SOME_TEXTS, {}), **tables}
    columns = [values_of(tables.get(name, {}), keys) for name in ("utt2spk", *OPTIONAL)]
    for begin in range(0, len(keys), CHUNK):
        names = keys[begin : begin + CHUNK]
        speakers, lines, texts, seconds = (column[begin : begin + CHUNK] for column in columns)
        sources, offsets, durations = _pieces(names, lines, seconds)
        try:
            paths = [recordings[source] for source in sources]
        except KeyError as error:
            raise InputError(f"{script}: no line for {error.args[0]}; run utils/fix_data_dir.sh") from None
        yield ManifestColumns(paths, durations, offsets, texts, names, speakers)


def _pieces(
    keys: Sequence[str], lines: Sequence[str | None], seconds: Sequence[str | None]
) -> tuple[list[str], list[Seconds | None], list[Seconds | None]]:
    """The recordings of some utterances, with the offset and the duration of each in its own.

    Args:
        lines: of `segments`, seconds: of `utt2dur`; None where there is none.
    """
    plain = None if None in lines else plain_segments(lines)
    if plain:
        sources, begins, ends = plain
        return sources, begins, [round(end - begin, 4) for begin, end in zip(begins, ends, strict=True)]
    sources, offsets, durations = [], [], []
    for key, line, length in zip(keys, lines, seconds, strict=True):
        segment = None if line is None else parse_segment(line)
        sources.append(segment.recording if segment else key)
        offsets.append(segment.begin if segment else None)
        if segment and segment.end is not None:
            durations.append(round(segment.end - segment.begin, 4))
        else:
            durations.append(None if length is None else float(length))
    return sources, offsets, durations


def write_manifest(path: Path, entries: Iterable[ManifestEntry]) -> None:
    """Write a manifest in place of an earlier one, which is kept where it says something else."""
    _write(path, _columns_of_entries(entries))


def _columns_of_entries(entries: Iterable[ManifestEntry]) -> Iterator[ManifestColumns]:
    return (ManifestColumns(*list(zip(*some, strict=True))[:-1]) for some in chunked(entries))


def write_stage_manifest(
    stage: StageDir,
    tables: Mapping[str, Mapping[str, str]] | None = None,
    entries: Iterable[ManifestEntry] | None = None,
) -> None:
    """Write the manifest of a stage directory; the one before it is kept where the directory is made again.

    Args:
        tables: what it has, by file name, where that is in memory. entries: of a directory that has no tables.
    """
    for name in (MANIFEST, f"{MANIFEST}{KEPT}"):
        if (stage.final / name).is_file():
            shutil.copyfile(stage.final / name, stage.dir / name)
    _write(stage.dir / MANIFEST, _columns_of(stage.dir, tables) if entries is None else _columns_of_entries(entries))


def _write(path: Path, content: Iterable[ManifestColumns]) -> None:
    path = Path(path).absolute()
    previous = path.with_name(f"{path.name}{KEPT}")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_path = path.with_name(f".{path.name}.lock")
    lock = lock_file(lock_path, wait=True)
    try:
        text = b"".join(_lines(some, path) for some in content)
        if path.is_file() and path.read_bytes() == text:
            return
        write_whole(path, text, earlier=previous)
    finally:
        remove_lock(lock_path, lock)


def _lines(columns: ManifestColumns, path: Path) -> bytes:
    """The lines of some entries; half of a character becomes its escape. Raises InputError for endless seconds."""
    for seconds in (columns.durations, columns.offsets):
        if not all(map(math.isfinite, filter(None, seconds))):
            place = next(place for place, one in enumerate(seconds) if one and not math.isfinite(one))
            found = f"found {columns.durations[place]}, from {columns.offsets[place]}"
            raise InputError(f"{path}: {columns.paths[place]}: expected finite seconds, {found}")
    return "".join([f"{line}\n" for line in _objects(columns)]).encode("utf-8", "backslashreplace")


def _objects(columns: ManifestColumns) -> list[str]:
    """Entries as JSON objects, without what is not known: made key by key, of all entries together."""
    number = float.__repr__
    said = {one: one and f', "speaker": {quoted(one)}' for one in set(columns.speakers)}
    pieces = (
        [quoted(str(path)) for path in columns.paths],
        ["" if one is None else f', "duration": {number(one)}' for one in columns.durations],
        ["" if one is None else f', "offset": {number(one)}' for one in columns.offsets],
        [one and f', "id": {quoted(one)}' for one in columns.ids],
        [said[one] for one in columns.speakers],
        ["" if one is None else f', "text": {quoted(one)}' for one in columns.texts],
    )
    return [f'{{"audio_filepath": {"".join(some)}}}' for some in zip(*pieces, strict=True)]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "utils.manifest"
    data: Path = option(help="data directory with wav.scp and utt2spk")
    out: Path = option(help="manifest to write, a file that ends in .json or .jsonl")


def work(options: Options) -> None:
    """Write the manifest of the data directory."""
    if options.out.suffix.lower() not in SUFFIXES or options.out.is_dir():
        raise InputError(f"--out {options.out}: expected the name of a file that ends in .json or .jsonl")
    entries = list(manifest_of(options.data))
    write_manifest(options.out, entries)
    log.info("%s: %d entries", options.out, len(entries))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
