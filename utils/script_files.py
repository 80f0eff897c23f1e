"""Kaldi's script files, lines `key path:offset[range]`: how files are named in them when written, and found when read.

Written, by the `--ark_paths` of the command: `recipe`: a file below the working directory, which is the root of the
recipe, is named relative to it, as Kaldi's programs expect that run there, any other file by its absolute path;
`absolute`: all by their absolute paths; `relative`: all relative to the directory of the script file. The csv of
samples follows their script file.

Read: in a script file of others a path means what it means to Kaldi's programs: the file there, from the working
directory. Only where there is none, a relative path is tried from the nearest directory above the script file, as a
whole, and then beside the script file.

Data and experiments are moved and copied, and a copy reads its own archives even where the original still lies at the
path that is written. So in a script file that a stage of this project has written (`run_info.json` lies beside it or in
the directory above) a path is looked up in this order, and the first file that is there is taken:

1. An absolute path as it is, where the script file still lies in the directory in which it was written (`directory` in
   `run_info.json`).
2. Beside the script file, under the name that it has in the path. A relative path says no more than that; an absolute
   one must lead to the directory in which the script file was written.
3. From the nearest directory above the script file, along the longest end of the path that leads into an output of a
   stage: `data/demo/train/xvector.scp`, wherever it is now, finds `.../data/demo/all/xvector.ark` in
   `../all/xvector.ark`.
4. A relative path: from the nearest directory above the script file, as a whole; then beside the script file.
5. The path as it is, from the working directory.

What is found by the end of a path alone (2, 3 and "beside") must have the keys of the first and the last line that name
it, each just before its offset. An absolute path in a script file of others is taken as it is, whatever lies beside it.

A script file that has no `run_info.json`, and names an archive of a stage, is one that was copied without it: a file of
that name beside it, with the same keys at the same offsets, is the copy of the archive, and is taken.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

from utils.errors import InputError, brief
from utils.json_files import read_json
from utils.run_info import RUN_INFO

RECIPE, RELATIVE, ABSOLUTE = ARK_PATHS = ("recipe", "relative", "absolute")
ARK_PATHS_HELP = "paths of archives in script files: from the recipe's root, from the script file, or absolute"
MOST_DIGITS = 99  # of an offset
LONGEST_NAME = 255  # characters of a file's name


class Location(NamedTuple):
    """Where a script file says an object is.

    Attributes:
        path: the archive.
        offset: of the byte after the key, or None where the whole file is one object.
        window: Kaldi's range of rows and columns, without its brackets.
    """

    path: str
    offset: int | None = None
    window: str | None = None

    def __str__(self) -> str:
        """The form that script files have: `path:offset[window]`."""
        return (
            self.path + ("" if self.offset is None else f":{self.offset}") + (f"[{self.window}]" if self.window else "")
        )


def is_command(text: str) -> bool:
    """Is this a pipe rather than a path?"""
    return text[-1:] == "|" or text[:1] == "|"


def parse_location(text: str, where: str) -> Location:
    """Split Kaldi's `path:offset[range]`. Raises InputError for a command: pipes are not run here."""
    if is_command(text):
        raise InputError(
            f"{where}: {text!r} is a command; pipes are not run here, write what it prints to an archive first"
        )
    window = None
    if text.endswith("]"):
        text, _, window = text[:-1].rpartition("[")
    path, colon, offset = text.rpartition(":")
    location = Location(path, int(offset), window) if colon and is_offset(offset) else Location(text, None, window)
    if len(location.path) > LONGEST_NAME and any(len(name) > LONGEST_NAME for name in location.path.split("/")):
        raise InputError(f"{where}: {brief(text)}: no file has so long a name; correct the line")
    return location


def is_offset(text: str) -> bool:
    """Is this a number of bytes, and one that a file can have?"""
    return text.isdecimal() and text.isascii() and len(text) <= MOST_DIGITS


class Naming(NamedTuple):
    """How the script files of one directory name archives.

    Attributes:
        ark_paths: one of ARK_PATHS. directory: where the script files will lie.
    """

    ark_paths: str = RECIPE
    directory: Path = Path()


OUTSIDE = Naming()  # of a stage
_naming: ContextVar[Naming] = ContextVar("naming")


@contextmanager
def naming(ark_paths: str, directory: Path) -> Iterator[None]:
    """Within, `path_in_script` follows the `--ark_paths` of a command, for script files of this directory."""
    token = _naming.set(Naming(ark_paths, directory))
    try:
        yield
    finally:
        _naming.reset(token)


def path_in_script(path: Path, directory: Path | None = None) -> str:
    """The name of a file in a script file.

    Args:
        directory: where the script file will lie; by default that of the stage.
    """
    style, home = _naming.get(OUTSIDE)
    whole, root = Path(path).absolute(), Path.cwd()
    if style == RELATIVE:
        return os.path.relpath(whole, home if directory is None else directory)
    if ".." in whole.parts or not whole.is_relative_to(root):
        resolved = whole.resolve()
        whole = resolved if resolved.is_relative_to(root) or ".." in whole.parts else whole
    return str(whole.relative_to(root) if whole.is_relative_to(root) and style == RECIPE else whole)


def path_from_script(name: str, directory: Path) -> str:
    """The file that `path_in_script` has named so, in a script file that will lie in a directory."""
    relative = _naming.get(OUTSIDE).ark_paths == RELATIVE and not name.startswith("/")
    return os.path.normpath(directory / name) if relative else name


class ScriptLines(Protocol):
    """The keys of a script file and what its lines say, such as those of a dictionary."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Both, in the order of the file."""


def renew_paths(script: Path, table: Mapping[str, str]) -> dict[str, str]:
    """The lines of a script file, for a copy of it elsewhere: paths that would not be found there are replaced.

    With another `--ark_paths` than `recipe`, all are.
    """
    renewal = PathRenewal(script, table)
    return {key: renewal.line(key, text) for key, text in table.items()}


class PathRenewal:
    """The same line by line."""

    def __init__(self, script: Path, table: ScriptLines):
        self.script, self._finder = script, FileFinder(script, table)
        self._names: dict[str, str] = {}

    def line(self, key: str, text: str) -> str:
        """What the copy says of a key whose line says `text`."""
        path, _, offset = text.rpartition(":")
        if path in self._names and is_offset(offset):  # as nearly all lines are
            return text if self._names[path] == path else f"{self._names[path]}:{int(offset)}"
        if is_command(text):
            return text
        location = parse_location(text, f"{self.script}: {key}")
        found = self._finder.find(location.path, key, location.offset)
        is_kept = found == location.path and _naming.get(OUTSIDE).ark_paths == RECIPE
        name = self._names[location.path] = location.path if is_kept else path_in_script(Path(found))
        return text if is_kept else str(location._replace(path=name))


class FileFinder:
    """Finds the files that one script file names; see the rule above.

    Args:
        table: the lines of the script file, to tell an archive from another of the same name.
    """

    def __init__(self, script: Path, table: ScriptLines | None = None):
        self.script, self._table = Path(script), table or {}
        homes = (Path(os.path.normpath(self.script.absolute())).parent, self.script.resolve().parent)
        self._homes = list(dict.fromkeys(homes))  # they differ where links lead to the script file
        self._found: dict[str, str] = {}
        self._folders: dict[str, list[tuple[Path, bool]]] = {}
        self._outputs: dict[Path, bool] = {}
        self._names: dict[Path, dict[str, bool]] = {}
        self._written = {home: _written_in(home) for home in self._homes if self._is_output(home)}

    @property
    def of_stage(self) -> bool:
        """Did a stage write the script file, as far as its directory tells?"""
        return bool(self._written)

    def locate(self, key: str, text: str) -> Location:
        """The location of a key whose line says `text`."""
        path, _, offset = text.rpartition(":")
        if path in self._found and is_offset(offset):  # as nearly all lines are
            return Location(self._found[path], int(offset))
        location = parse_location(text, f"{self.script}: {key}")
        return location._replace(path=self.find(location.path, key, location.offset))

    def find(self, path: str, key: str = "", offset: int | None = None) -> str:
        """The file that `path` stands for, or `path` itself if there is none.

        Args:
            key, offset: of one line that names the file, to tell an archive from another of the same name.
        """
        if path not in self._found:
            folder, _, name = path.rpartition("/")
            if folder not in self._folders:
                self._folders[folder] = list(dict.fromkeys(self._candidates(folder)))
            self._found[path] = path
            if self._is_literal(path) and Path(path).is_file():
                self._found[path] = self._copy_of(Path(path), path, key, offset) or path
                return self._found[path]
            for directory, is_guess in self._folders[folder]:
                file = directory / name
                if file.is_file() and (not is_guess or self._has_keys(file, path, key, offset)):
                    self._found[path] = self._copy_of(file, path, key, offset) or str(file)
                    break
        return self._found[path]

    def _copy_of(self, archive: Path, path: str, key: str, offset: int | None) -> str | None:
        """The copy of an archive of a stage that was made with this script file, and without the rest of the stage."""
        whole = Path(os.path.normpath(archive.absolute()))
        if self._written or offset is None or not self._is_output(whole.parent):
            return None
        for home in self._homes:
            file = home / whole.name
            if file.is_file() and not file.samefile(whole) and self._has_keys(file, path, key, offset):
                return str(file)
        return None

    def _has_keys(self, file: Path, path: str, key: str, offset: int | None) -> bool:
        """Does an archive have the keys of this line, and of the last one that names the path?"""
        if not has_key(file, key, offset):
            return False
        last_key, last = self._last_lines.get(path, (key, offset))
        return has_key(file, last_key, last)

    @cached_property
    def _last_lines(self) -> dict[str, tuple[str, int]]:
        """Path -> key and offset of the last line that names it."""
        lines = {}
        for key, text in self._table.items():
            path, _, offset = text.rpartition(":")
            if is_offset(offset):
                lines[path] = key, int(offset)
        return lines

    def _is_literal(self, path: str) -> bool:
        """Does the path mean what it says, whatever is found elsewhere?"""
        if self._written and path.startswith("/"):
            return any(str(home) == written for home, written in self._written.items())
        return not self._written

    def _candidates(self, folder: str) -> Iterator[tuple[Path, bool]]:
        """Directories that `folder` may stand for, and whether that is a guess, by the end of the path alone."""
        absolute = folder.startswith("/")
        for home, written in self._written.items():
            if not absolute or os.path.normpath(folder) == written:
                yield home, True
            yield from ((directory, True) for directory in self._outputs_above(home, folder))
        if not absolute:
            for home in self._homes:
                yield from ((above / folder, False) for above in (home, *home.parents))
                yield home, True

    def _outputs_above(self, home: Path, folder: str) -> Iterator[Path]:
        parts = [part for part in folder.split("/") if part not in ("", ".")]
        for above in () if ".." in parts else (home, *home.parents):
            for start, part in enumerate(parts):
                if self._has(above, part) and self._is_output(directory := above.joinpath(*parts[start:])):
                    yield directory

    def _has(self, above: Path, name: str) -> bool:
        """Is there something of this name? This rules out most paths where a corpus has a thousand folders."""
        names = self._names.setdefault(above, {})
        if name not in names:
            names[name] = (above / name).exists()
        return names[name]

    def _is_output(self, directory: Path) -> bool:
        """Did a stage write this directory, or the one above it? (An index has one directory a set.)"""
        if directory not in self._outputs:
            marks = (directory / RUN_INFO, directory.parent / RUN_INFO)
            try:
                self._outputs[directory] = directory.is_dir() and any(mark.is_file() for mark in marks)
            except PermissionError:  # below a directory of somebody else, whose name the path happens to have
                self._outputs[directory] = False
        return self._outputs[directory]


def _written_in(home: Path) -> str | None:
    """Where the stage that wrote `home` says that it has written it; None where it does not."""
    top = home if (home / RUN_INFO).is_file() else home.parent
    directory = read_json(top / RUN_INFO).get("directory")
    return directory and os.path.normpath(Path(directory, home.relative_to(top)))


def has_key(file: Path, key: str, offset: int | None) -> bool:
    """Does the archive have the key where the line says so? One that is cut off before it counts as having it."""
    if offset is None:
        return True
    name = f"{key} ".encode()
    if offset < len(name):
        return False
    if offset > file.stat().st_size:
        return True
    with file.open("rb") as archive:
        archive.seek(offset - len(name))
        return name.startswith(archive.read(len(name)))
