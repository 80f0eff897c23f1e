"""Manifests: recordings as JSON lines in the form of NeMo, a view of a Kaldi data directory.

    {"audio_filepath": "/audio/anna/1.wav", "duration": 3.21, "id": "anna/1", "speaker": "anna", "text": "one two"}

`audio_filepath` is needed; `duration` and `offset` (of a segment in its recording) are seconds. `text`, `id` and
`speaker` may be absent, other keys of others are passed over. A relative path is one from the manifest's directory. A
manifest is written whole, under a lock, and the one before it is kept as `<name>.previous`.

Input of the command: a data directory with wav.scp and utt2dur. Output: its manifest.
"""

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from utils.command import logger, run_command
from utils.data_dir import DataDir, parse_segment
from utils.durable import write_whole
from utils.errors import InputError, brief
from utils.json_files import json_text, parse_json
from utils.locking import lock_file, remove_lock
from utils.options import option
from utils.script_files import FileFinder
from utils.tables import iterate_lines, read_text

log = logger(__name__)
MANIFEST = "manifest.jsonl"  # name of that of a data directory
SUFFIXES = (".json", ".jsonl")
Seconds = float


@dataclass(frozen=True, slots=True)
class ManifestEntry:
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

    def as_row(self) -> dict[str, Any]:
        """The entry as JSON has it, without what is not known."""
        row = {"audio_filepath": str(self.path), "duration": self.duration, "offset": self.offset}
        row |= {"id": self.id or None, "speaker": self.speaker or None, "text": self.text}
        return {key: value for key, value in row.items() if value is not None}


def read_manifest(path: Path) -> list[ManifestEntry]:
    """The entries of a manifest: a JSON object a line, or one list of them. Raises InputError with the line."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; expected a manifest, lines of JSON with audio_filepath")
    first = next((line.lstrip() for line in iterate_lines(path) if line.strip()), "")
    if first.startswith("["):
        content = enumerate(parse_json(read_text(path), str(path)), 1)
        return [_entry(row, f"{path}: entry {number}", path, number) for number, row in content]
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
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 <= value < math.inf):
        raise InputError(f"{where}: {key}: expected seconds, 0 or more, found {brief(value)}")
    return float(value)


def manifest_of(directory: Path) -> Iterator[ManifestEntry]:
    """The entries of a data directory, sorted by id: the utterances of utt2spk with the recordings of wav.scp."""
    data = DataDir(directory)
    finder = FileFinder(data.path / "wav.scp")
    recordings = {key: Path(finder.find(text, key)).absolute() for key, text in data.table("wav.scp").items()}
    segments = data.table("segments") if data.has("segments") else {}
    texts = data.table("text") if data.has("text") else {}
    seconds = data.table("utt2dur") if data.has("utt2dur") else {}
    for key, speaker in sorted(data.utt2spk.items()):
        segment = parse_segment(segments[key]) if key in segments else None
        recording = segment.recording if segment else key
        if recording not in recordings:
            raise InputError(f"{data.path / 'wav.scp'}: no line for {recording}; run utils/fix_data_dir.sh")
        duration = float(seconds[key]) if key in seconds else None
        if segment and segment.end is not None:
            duration = round(segment.end - segment.begin, 4)
        offset = segment.begin if segment else None
        yield ManifestEntry(recordings[recording], duration, offset, texts.get(key), key, speaker)


def write_manifest(path: Path, entries: Iterable[ManifestEntry]) -> None:
    """Write a manifest in place of an earlier one, which is kept where it says something else."""
    path = Path(path).absolute()
    previous = path.with_name(f"{path.name}.previous")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_path = path.with_name(f".{path.name}.lock")
    lock = lock_file(lock_path, wait=True)
    try:
        text = "".join(f"{json_text(one.as_row(), path, ensure_ascii=False)}\n" for one in entries).encode()
        if path.is_file() and path.read_bytes() == text:
            return
        write_whole(path, text, earlier=previous)
    finally:
        remove_lock(lock_path, lock)


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
