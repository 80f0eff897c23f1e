"""Find embeddings below a directory: the archive that holds the vector of a key, and the vector's byte offset in it.

All tables are read: `*.csv` and `*.tsv` with columns for key, archive and offset (`local/rules/columns.yaml` has their
names: Hyperion's id, storage_path, storage_byte; audio_id, ark_file, byte_offset; ...), and Kaldi's `*.scp`. If there
are no tables, the archives are scanned; if there are no archives, numpy files are read. Two tables may contain the same
lines, such as a main table and its parts.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from local.capspeech.array_embeddings import copy_rows
from local.capspeech.table_entries import Lines, TableEntries, TableLine
from local.corpus_files import walk_corpus
from local.corpus_rules import Rules, plain_name
from local.twin_columns import TwinColumns
from steps.data.array_vectors import SUFFIXES as OF_ARRAYS
from steps.data.array_vectors import read_array
from steps.data.delimited import read_delimited, read_header
from utils.archives import scan_archive
from utils.command import logger
from utils.errors import LONGEST, InputError, absence, brief
from utils.location_column import LocationColumn
from utils.packed_files import unpacked_suffix
from utils.script_files import FileFinder, Location, has_key, is_offset, parse_location, path_in_script
from utils.tables import iterate_lines, require_utf8, split_line, write_lines
from utils.text_column import TextColumn

log = logger(__name__)
NOT_VECTORS = ("wav.scp", "feats.scp", "vad.scp", "cmvn.scp", "spk_xvector.scp", "spk_xvector.ark", "num_utts.ark")
SUFFIXES = (".csv", ".tsv", ".scp", ".ark", *OF_ARRAYS)
UNREAD = (".h5", ".hdf5", ".pt", ".pth", ".pkl")


class EmbeddingTables:
    """All tables below one directory.

    Args:
        folder: the directory to search.
        rules: aliases of columns.
        prefix: put before each path of a table, instead of searching.
        path_map: `old=new` pairs: in a path that begins with `old`, that is replaced by `new`.
    """

    def __init__(self, folder: Path, rules: Rules, prefix: str | None = None, path_map: tuple[str, ...] = ()):
        self.folder, self.rules, self.prefix = Path(folder), rules, prefix
        self.path_map = [_split_map(pair) for pair in path_map]
        self.found: dict[tuple[Path, str], str] = {}

    @cached_property
    def files(self) -> list[Path]:
        """The tables, or else the archives, or else the numpy files. Raises InputError if there are none of them."""
        files = [path for path in self._found if not path.name.startswith(".")]
        tables = [path for path in files if _is_delimited(path) and self.columns(read_header(path))]
        tables += [path for path in files if unpacked_suffix(path) == ".scp" and path.name not in NOT_VECTORS]
        archives = [path for path in files if path.name.endswith((".ark", ".ark.gz")) and path.name not in NOT_VECTORS]
        found = tables or archives or [path for path in files if path.suffix in OF_ARRAYS]
        if not found:
            raise InputError(f"{self.folder}: no embeddings below it; expected {self._expected(files)}")
        if tables:
            _tell_unread({path for path in files if _is_delimited(path)} - set(tables), "no table of embeddings")
        return found

    @cached_property
    def archives(self) -> list[Path]:
        """All archives, which tables may name."""
        return [path for path in self._found if path.suffix == ".ark"]

    @cached_property
    def _found(self) -> list[Path]:
        """All files, sorted. Raises InputError for what is no file, though its name is that of embeddings."""
        files = []
        for path in sorted(folder / name for folder, _, names in walk_corpus(self.folder) for name in names):
            if path.is_file():
                files.append(require_utf8(path) if unpacked_suffix(path) in SUFFIXES else path)
            elif unpacked_suffix(path) in SUFFIXES:
                what = "not a file" if path.exists() else absence(path, "file")
                raise InputError(f"{path}: {what}, but the name is that of embeddings; put them there, or remove it")
        return files

    def _expected(self, files: list[Path]) -> str:
        columns = ", ".join("|".join(self.rules.aliases(name)) for name in ("key", "archive", "offset"))
        other = sorted({path.suffix for path in files if path.suffix in UNREAD})
        headers = [path for path in files if _is_delimited(path)]
        return (
            f"csv or tsv with the columns {columns}, or Kaldi scp or ark"
            + (f"; {headers[0]} has {brief(read_header(headers[0]))}" if headers else "")
            + (f"; {', '.join(other)} files are not read: write their vectors to ark and scp" if other else "")
        )

    @cached_property
    def entries(self) -> TableEntries:
        """Key -> entry. Raises InputError if two tables give different locations for a key."""
        entries = TableEntries(self.files, self._read)
        if not entries:
            raise InputError(f"{self.files[0]}: empty; expected lines that name vectors")
        self._require_same(entries)
        named = {Path(path).name for path in entries.locations.paths}.union(NOT_VECTORS)
        _tell_unread({path for path in self.archives if path.name not in named}, "named by no table")
        return entries

    def _require_same(self, entries: TableEntries) -> None:
        """Raise InputError for a key that comes twice in one table, or in two with different locations."""
        rows, firsts, where = entries.repeats, entries.repeated, entries.locations
        numbers = {table: number for number, table in enumerate(self.files)}
        tables = np.array([numbers[table] for table in entries.tables])[where.archives]
        differ = tables[rows] == tables[firsts]
        n_looked = int(np.argmax(differ)) + 1 if differ.any() else len(rows)
        rows, firsts, differ = rows[:n_looked], firsts[:n_looked], differ[:n_looked]
        found = self.locate(entries, np.concatenate([firsts, rows])) if n_looked and not differ[0] else None
        if found is not None:
            paths = np.unique(found.paths, return_inverse=True)[1][found.archives]
            differ |= (paths[:n_looked] != paths[n_looked:]) | (where.offsets[rows] != where.offsets[firsts])
            for place in [place - n_looked for place in found.odd if place >= n_looked]:
                differ[place] |= found[place] != found[place + n_looked]
        if differ.any():
            at = int(np.argmax(differ))
            entry, known = entries.line(int(rows[at])), entries.line(int(firsts[at]))
            raise InputError(f"{entry}: {entry.key!r} is here and at {known}; leave one, or narrow --embedding_dir")

    def locate(self, entries: TableEntries, rows: np.ndarray) -> LocationColumn:
        """The locations of some rows (n,) of the entries, with absolute paths to existing archives."""
        places = entries.locations.take(rows)
        paths = list(places.paths)
        for archive, first in zip(*np.unique(places.archives, return_index=True), strict=True):
            known = entries.tables[archive], paths[archive]
            paths[archive] = self.found.get(known) or self.resolve(entries.line(int(rows[first]))).path
        return places.elsewhere(paths)

    def forget_names(self, rows: np.ndarray) -> None:
        """Drop the keys of the entries, once these rows (n,) are chosen, whose archives are looked for now."""
        if self.files[0].suffix not in OF_ARRAYS:
            self.locate(self.entries, rows)
        self.entries.forget_names()

    def write_script(self, rows: np.ndarray, utterances: TextColumn, out: Path, final: Path) -> LocationColumn:
        """Write xvector.scp for utterances (N), sorted, whose entries are in these rows (N,). Returns what it says.

        Rows of numpy files are copied to an archive in `out`, which is to be moved to `final`.
        """
        if self.files[0].suffix in OF_ARRAYS:
            files = [self.entries.tables[archive] for archive in self.entries.locations.archives[rows]]
            return copy_rows(files, self.entries.numbers[rows] - 1, utterances, out, final)
        places = self.locate(self.entries, rows)
        used = set(np.unique(places.archives).tolist())
        places = places.elsewhere(
            [path_in_script(Path(path)) if at in used else "" for at, path in enumerate(places.paths)]
        )
        write_lines(out / "xvector.scp", utterances, places.texts(np.arange(len(places))))
        return places

    def resolve(self, entry: TableLine) -> Location:
        """The location of an entry with an absolute path to an existing archive."""
        known = (entry.table, entry.location.path)
        if known not in self.found:
            tried = list(dict.fromkeys(self._candidates(*known, entry.key, entry.location.offset)))
            path = next((path for path in tried if path.is_file()), None)
            if path is None:
                links = [path for path in tried if path.is_symlink()]
                names = [f"{path} ({absence(path, 'file')})" for path in links] + [str(path) for path in tried[:5]]
                raise InputError(
                    f"{entry}: no archive {brief(entry.location.path)}; tried {', '.join(names)}"
                    f"{' ...' if len(tried) > 5 else ''}; give --path_prefix or --path_map old=new"
                )
            self.found[known] = str(path.absolute())
        return entry.location._replace(path=self.found[known])

    def _candidates(self, table: Path, text: str, key: str, offset: int | None) -> Iterator[Path]:
        """Candidates for a path: as in a script file, by its file name beside the table, below a parent directory.

        Args:
            key, offset: of the line, to tell an archive from another of the same name.
        """
        for old, new in self.path_map:
            if text.startswith(old):
                text = new + text[len(old) :]
                break
        if self.prefix is not None:
            yield Path(self.prefix) / text
            return
        finder = FileFinder(table)
        found = finder.find(text, key, offset)
        yield table.parent / found  # which is `found` where that is absolute
        yield Path(found)
        beside = table.parent / Path(text).name
        if not finder.of_stage or not beside.is_file() or has_key(beside, key, offset):
            yield beside
        for parent in table.absolute().parent.parents:
            yield parent / text

    def _read(self, file: Path) -> Lines:
        if unpacked_suffix(file) == ".scp":
            return self._read_scp(file)
        if _is_delimited(file):
            return self._read_delimited(file)
        if file.suffix in OF_ARRAYS:
            ids, _ = read_array(file)
            return ((key, Location(file.name), number) for number, key in enumerate(ids, 1))
        return ((key, Location(file.name, offset), 0) for key, offset in scan_archive(file))

    def _read_scp(self, file: Path) -> Lines:
        known: set[str] = set()
        for number, line in enumerate(iterate_lines(file), 1):
            key, value = split_line(line)
            if not key or not value:
                raise InputError(f"{file}:{number}: expected 'key path:offset', found {brief(line)}")
            path, _, offset = value.rpartition(":")
            if path in known and is_offset(offset):  # as nearly all lines are
                location = Location(path, int(offset))
            else:
                location = parse_location(value, f"{file}:{number}: {key[:LONGEST]}")
                known.add(location.path)
            yield key, location, number

    def _read_delimited(self, file: Path) -> Lines:
        header, rows = read_delimited(file)
        key_at, archive_at, offset_at = self.columns(header)
        twins = TwinColumns(self.rules, ("key", "archive", "offset"), header)
        parsed: dict[str, Location] = {}  # of the archives whose offsets are in another column
        for line, cells in rows:
            key, archive = cells[key_at], cells[archive_at]
            if twins.twins:
                twins.settle(f"{file}:{line}: {key[:LONGEST]}", dict(zip(header, cells, strict=True)))
            location = parsed.get(archive) or parse_location(archive, f"{file}:{line}: {key[:LONGEST]}")
            if offset_at is not None:
                parsed[archive], offset = location, cells[offset_at].strip()
                if not is_offset(offset):
                    raise InputError(f"{file}:{line}: {key[:LONGEST]}: expected a byte offset, found {brief(offset)}")
                location = Location(location.path, int(offset), location.window)
            if location.offset is None:
                raise InputError(
                    f"{file}:{line}: {key[:LONGEST]}: no offset; expected a column "
                    f"{'|'.join(self.rules.aliases('offset'))}"
                )
            yield key, location, line

    def columns(self, header: list[str]) -> tuple[int, int, int | None] | None:
        """The columns of key, archive and offset; None if this is no table of embeddings."""
        key, archive, offset = (self.rules.column(name, header) for name in ("key", "archive", "offset"))
        if key is None or archive is None or (offset is None and plain_name(archive) == "path"):
            return None
        return header.index(key), header.index(archive), None if offset is None else header.index(offset)


def _tell_unread(files: set[Path], reason: str) -> None:
    if files:
        log.warning("%d files are not read, %s, such as %s", len(files), reason, min(files))


def _is_delimited(file: Path) -> bool:
    return unpacked_suffix(file) in (".csv", ".tsv")


def _split_map(pair: str) -> tuple[str, str]:
    """The two paths of `old=new`; a `=` within the first is written `\\=`."""
    parts = [part.replace("\\=", "=") for part in re.split(r"(?<!\\)=", pair, maxsplit=1)]
    if len(parts) < 2 or not parts[0]:
        raise InputError(f"--path_map: expected old=new, a = within old written \\=, found {brief(pair)}")
    return parts[0], parts[1]
