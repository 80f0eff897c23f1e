"""LibriSpeech as a dataset of Hugging Face (`librispeech_asr`): parquet files of the hub, or arrow files as saved.

Columns: audio (bytes and a path, or bytes), id (`<speaker>-<chapter>-<number>`), and if there are any speaker_id,
chapter_id, text, file. Recordings whose bytes are in the tables are named `<file>#<row>` (`steps.audio.packed_rows`):
nothing is copied. The sex of speakers is in SPEAKERS.TXT of OpenSLR, in the directory or above it; without that file it
is not known.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from local.audio_corpus import Recording, Unused
from local.corpus_files import SPLIT_OF, walk_corpus
from local.saved_datasets import CACHE, missing_shards, require_sets, saved_files, stem_of
from steps.audio.audio_files import find_audio, is_hidden
from steps.audio.packed_rows import RowProblem, open_table, row_path
from steps.data.arrow_rows import read_arrow
from utils.command import logger, progress
from utils.errors import InputError, brief
from utils.tables import read_lines

log = logger(__name__)
SUFFIXES = (".parquet", ".arrow")
QUALITY_OF = {"100": "clean", "360": "clean", "500": "other"}  # hours of the training sets


class Listed(NamedTuple):
    """Recordings, whose labels may be text, chapter and subset; speaker -> f or m where known; and what is left out."""

    recordings: list[Recording]
    genders: dict[str, str]
    unused: Unused


def find_tables(root: Path) -> list[Path]:
    """The parquet and arrow files below a directory; none where it is as its owners ship it.

    Where the files of the configuration `all` lie beside those of `clean` and `other`, they alone are taken: they hold
    the same.
    """
    tables: list[Path] = []
    for folder, folders, names in walk_corpus(root):
        folders[:] = [name for name in folders if not (is_hidden(name) or name.isdecimal())]  # speakers of OpenSLR
        require_sets(folder, folders, names)
        found = [folder / name for name in names if Path(name).suffix in SUFFIXES and not is_hidden(name)]
        if "state.json" in names:
            tables += saved_files(folder)
        else:
            tables += [file for file in found if not CACHE.fullmatch(file.name)]
    whole = [file for file in tables if file.parent.name == "all"]
    others = [file for file in tables if file.parent.name in ("clean", "other")]
    return whole if whole and len(whole) + len(others) == len(tables) else tables


class SavedLibrispeech:
    """The tables of a directory, those of some subsets alone if they are named.

    Attributes:
        inputs: files that are read.
    """

    def __init__(self, root: Path, tables: list[Path], subsets: tuple[str, ...]):
        self.root = root
        self.subset_of = {file: subset_of(file, root) for file in tables}
        there = sorted(set(self.subset_of.values()))
        missing = [name for name in subsets if name not in there]
        if missing:
            raise InputError(f"--data_dir {root}: no subset {', '.join(missing)}; found {', '.join(there)}")
        self.tables = [file for file in tables if not subsets or self.subset_of[file] in subsets]
        beside = [folder / "SPEAKERS.TXT" for folder in (root, root.absolute().parent)]
        self.speakers = next((file for file in beside if file.is_file()), None)
        self.inputs = [*self.tables, *([self.speakers] if self.speakers else [])]

    def read(self) -> Listed:
        """Read all rows but their audio."""
        recordings: list[Recording] = []
        counts: Counter[str] = Counter()
        for number, message in missing_shards(self.tables):
            log.warning("%s", message)
            counts["shards of the dataset that are not here"] += number
        for file in progress(self.tables, len(self.tables), "tables"):
            recordings += self._recordings(file)
        genders = read_genders(self.speakers) if self.speakers else {}
        if not genders:
            log.warning("%s: no SPEAKERS.TXT here or above, so that the sex of nobody is known", self.root)
        known = {recording.speaker for recording in recordings} & genders.keys()
        return Listed(recordings, {speaker: genders[speaker] for speaker in known}, Unused([], counts))

    def _recordings(self, file: Path) -> list[Recording]:
        columns, rows = read_arrow(file)
        try:
            table = open_table(file)
            places: Iterable[str | None] = table.places()
            has_bytes = table.rows > 0 and table.content(0) is not None
        except RowProblem as error:
            if "file" not in columns:
                raise InputError(f"{error}; is this a table of librispeech_asr?") from error
            places, has_bytes = repeat(None), False
        recordings = []
        for number, ((where, row), place) in enumerate(zip(rows, places, strict=False)):
            name = str(row.get("id") or Path(str(row.get("file") or place or "")).stem)
            speaker, chapter = _speaker_and_chapter(name, row, where)
            path = row_path(file, number) if has_bytes else self._find(file, name, place or row.get("file"))
            text = {"text": str(row["text"]).strip()} if row.get("text") else {}
            labels = text | {"chapter": chapter, "subset": self.subset_of[file]}
            recordings.append(Recording(name, speaker, path, labels))
        return recordings

    def _find(self, file: Path, name: str, place: str | None) -> Path:
        """The file of a recording whose row has no bytes: where the row says, or else by its name in the directory."""
        if place:
            for candidate in (Path(place), file.parent / place, self.root / place):
                if candidate.is_file():
                    return candidate
        return self._by_name.get(name, Path(place or name))

    @cached_property
    def _by_name(self) -> dict[str, Path]:
        return {path.stem: path for path in find_audio(self.root, tell=False).found}


def _speaker_and_chapter(name: str, row: dict, where: str) -> tuple[str, str]:
    parts = name.split("-")
    if len(parts) != 3 or not all(parts):
        raise InputError(f"{where}: expected an id <speaker>-<chapter>-<number>, found {brief(name)}")
    for column, part in (("speaker_id", parts[0]), ("chapter_id", parts[1])):
        told = row.get(column)
        if told is not None and str(told) != part:
            raise InputError(f"{where}: {column} is {brief(told)}, but the id is {brief(name)}; correct one of them")
    return parts[0], parts[1]


def subset_of(file: Path, root: Path) -> str:
    """The subset of a table by its path: train-clean-100 for all/train.clean.100-00000-of-00014.parquet."""
    folders = (root.absolute().name, *file.relative_to(root).parts[:-1])
    words = re.split(r"[^a-z0-9]+", " ".join([*folders, stem_of(file.name)]).lower())
    kind = next((SPLIT_OF[word] for word in reversed(words) if word in SPLIT_OF), "train")
    hours = next((word for word in reversed(words) if word in QUALITY_OF), "") if kind == "train" else ""
    named = next((word for word in reversed(words) if word in ("clean", "other")), "")
    return "-".join(filter(None, (kind, QUALITY_OF.get(hours, named), hours)))


def read_genders(path: Path) -> dict[str, str]:
    """Speaker -> f or m, of lines `id | F | subset | minutes | name`; a semicolon begins a comment."""
    genders = {}
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith(";") or not line.strip():
            continue
        columns = [column.strip() for column in line.split("|")]
        if len(columns) < 2 or columns[1] not in ("F", "M"):
            raise InputError(f"{path}:{number}: expected 'speaker | F or M | ...', found {line!r}")
        gender = columns[1].lower()
        if genders.setdefault(columns[0], gender) != gender:
            raise InputError(f"{path}:{number}: speaker {brief(columns[0])} has the other sex above; correct one line")
    return genders
