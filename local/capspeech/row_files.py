"""Find the tables of rows of a corpus, whatever its sets are called: train, train_base, dev, holdout.

    found = find_row_files(data_dir, embedding_dir, judge)
    found.files          # file -> train, dev or test
    found.left_out       # what looks like a table of rows and is not used, with the reason

A table is used if `judge` finds nothing wrong with its columns, or if it is called train, val (or dev) or test. Saved
Hugging Face folders and shards must be whole. What cannot be opened though its name promises a table (a link to
nowhere, a pipe) is an error; a table of something else, or in a format that is not read, is left out by name.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from local.corpus_files import SETS, split_word, walk_corpus
from local.saved_datasets import CACHE, OF_DATASETS, require_sets, require_shards, saved_files, stem_of
from steps.audio.audio_files import is_hidden
from steps.data.table_rows import FORMATS, has_rows, is_format, read_columns
from utils.errors import InputError, absence
from utils.pointer_files import refuse_pointer
from utils.run_info import RUN_INFO
from utils.tables import require_utf8

PART = re.compile(r"(?:(?:data|part|shard|chunk|batch|file)?[-_.]?\d.*)?")  # of a table that its folder names
UNREAD = (
    *(".xlsx", ".xls", ".ods", ".feather", ".orc", ".avro", ".pkl", ".pickle", ".sqlite", ".db", ".h5", ".hdf5"),
    *(".ndjson", ".psv", ".tab", ".pq", ".rds", ".sav", ".dta"),
)
EXCEL_LOCK = "~$"  # how the name begins of a file that is there while Excel has a table open
PACKED = (".bz2", ".xz", ".zst", ".lz4", ".zip", ".7z", ".rar", ".tar", ".tgz")
Judge = Callable[[list[str]], str | None]


class LeftOut(NamedTuple):
    """A file that is not used, and why; `is_read`: its rows can be counted."""

    file: Path
    reason: str
    is_read: bool


@dataclass
class RowFiles:
    """The tables of one corpus.

    Attributes:
        files: file -> its split (train, dev, test), those of train first.
        left_out: files that are not used.
    """

    files: dict[Path, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)


def find_row_files(data_dir: Path, embedding_dir: Path, judge: Judge) -> RowFiles:
    """Search `data_dir`, but not `embedding_dir` below it, nor outputs of this project.

    Args:
        judge: tells of the columns of a table why they are not those of rows: None where they are, "" where the table
            is to be passed over in silence, as one of embeddings is.
    """
    found, ranks = RowFiles(), {}
    for file in _tables(data_dir, embedding_dir, found.left_out):
        name = file.relative_to(data_dir)
        certain = is_set(name) and len(name.parts) <= 2
        promises = split_word(stem_of(file.name)) is not None
        if file.name.endswith((".json", ".json.gz")) and not promises and len(name.parts) > 1:
            continue  # one of each utterance, as some corpora have
        reason = _judge(file, judge, promises)
        if reason is None and not promises and not certain and not has_rows(file):
            found.left_out.append(LeftOut(file, "no rows", False))
        elif reason is None or (reason and certain):
            found.files[file], ranks[file] = split_of(name), not certain
        elif reason and not file.name.endswith((".json", ".json.gz")):  # which are settings, most likely
            found.left_out.append(LeftOut(file, reason, True))
    if not found.files:
        why = "; ".join(f"{file.relative_to(data_dir)}: {reason}" for file, reason, _ in found.left_out[:3])
        raise InputError(
            f"{data_dir}: no files of rows; expected train, val (or dev), test as {', '.join(FORMATS)} "
            f"or as folders of a saved Hugging Face dataset{'; found ' + why if why else ''}"
        )
    order = sorted(found.files, key=lambda file: (list(SETS).index(found.files[file]), ranks[file]))
    found.files = {file: found.files[file] for file in order}
    return found


def _judge(file: Path, judge: Judge, is_promised: bool) -> str | None:
    """What `judge` says; an error in the beginning of a file whose name promises no rows is a reason too."""
    refuse_pointer(file)
    try:
        return judge(read_columns(file))
    except InputError as error:
        if is_promised:
            raise
        return str(error).removeprefix(f"{file}").lstrip(":0123456789 ")


def is_set(name: Path) -> bool:
    """Is this file called train, val, dev, test and the like, or is it a part of a folder that is?"""
    names = [name for some in SETS.values() for name in some]
    stem = stem_of(name.name)
    is_part = PART.fullmatch(stem) or stem == "data" or name.suffix == ".arrow"
    return stem in names or (bool(is_part) and name.parent.name.lower() in names)


def split_of(name: Path) -> str:
    """The split that the last word in a path says that is one of a split; train where none is."""
    parts = (stem_of(name.name), *(part.lower() for part in reversed(name.parts[:-1])))
    return next((split for part in parts if (split := split_word(part))), "train")


def _tables(root: Path, passed_over: Path, left_out: list[LeftOut]) -> Iterator[Path]:
    """The files below a directory whose names promise a table that can be read; others of rows go to `left_out`."""
    for folder, folders, names in walk_corpus(root):
        if folder != root and (RUN_INFO in names or folder.samefile(passed_over)):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        files = [
            folder / name for name in names if not (is_hidden(name) or name[:2] == EXCEL_LOCK or name in OF_DATASETS)
        ]
        tables = [require_utf8(file) for file in files if is_format(file)]
        _require_files(tables, [folder / name for name in folders if is_format(Path(name))])
        require_shards(tables)
        require_sets(folder, folders, names)
        arrow = [file for file in tables if file.suffix == ".arrow"]
        is_saved = "state.json" in names
        saved = saved_files(folder) if is_saved else [file for file in arrow if not CACHE.fullmatch(file.name)]
        yield from saved
        yield from (file for file in tables if file.suffix != ".arrow")
        reason = "state.json does not name it" if is_saved else "a copy that Hugging Face's datasets left"
        left_out += [LeftOut(file, reason, True) for file in arrow if file not in saved]
        left_out += _unread(file for file in files if file not in tables)


def _require_files(tables: Iterable[Path], folders: Iterable[Path]) -> None:
    """Raise InputError for what is no file, though its name is that of a table, and for folders of that name."""
    for file in tables:
        if not file.is_file():
            what = "not a file" if file.exists() else absence(file, "file")
            raise InputError(f"{file}: {what}, but the name is that of a table; put the table there, or remove it")
    for folder in folders:
        if not any(is_format(file) for file in folder.rglob("[!.]*")):
            raise InputError(f"{folder}: a directory without tables, but the name is that of a table; remove it")


def _unread(files: Iterable[Path]) -> Iterator[LeftOut]:
    """Files that may hold rows in a format that is not read."""
    for file in files:
        suffix, inner = file.suffix.lower(), Path(file.stem)
        if suffix in UNREAD or (suffix == ".txt" and is_set(Path(file.name))):
            yield LeftOut(file, f"{suffix} files are not read: write it as csv, jsonl or parquet", False)
        elif suffix in PACKED and (is_format(inner) or is_set(inner)):
            yield LeftOut(file, f"{suffix} files are not unpacked: unpack it, or pack it with gzip", False)
        elif is_format(inner):
            yield LeftOut(file, f"{suffix} is behind the suffix of a table: is it a whole download?", False)
